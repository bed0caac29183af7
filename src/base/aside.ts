/**
 * Files that no reader ever sees half written: they are written beside their place, then renamed into it. The old file stays
 * until the new one is whole. This is the one file of `base` that touches the machine.
 */
import { chmod, type FileHandle, link, open, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"

export interface AsideOptions {
  /** where the file is written first, on the file system of its place; whatever is there is removed */
  readonly aside: string
  /** permissions, whatever the umask. Default: what the umask leaves */
  readonly mode?: number
  /** nothing may be in the place yet; the error is the system's `EEXIST`. Default: what is there is replaced */
  readonly exclusive?: boolean
  /** the file outlives a power cut once it is in place. Default: false */
  readonly durable?: boolean
  /** turns what the system says about the file into the caller's error. Default: it passes as it is */
  readonly failure?: (error: unknown) => unknown
}

/**
 * Lets `make` write a whole file aside, and puts it in its place.
 * @param make is given the path to write to; what it throws passes as it is, and nothing has changed then
 */
export async function makeAside<T>(
  place: string,
  options: AsideOptions,
  make: (aside: string) => Promise<T>,
): Promise<T> {
  const { aside, mode, exclusive = false, durable = false, failure = (error) => error } = options
  const ours = async (step: Promise<unknown>) => {
    await step.catch((error) => {
      throw failure(error)
    })
  }
  try {
    await ours(rm(aside, { force: true }))
    const result = await make(aside)
    if (mode !== undefined) await ours(chmod(aside, mode))
    if (durable) await ours(syncFile(aside))
    await ours(exclusive ? placeNew(aside, place) : rename(aside, place))
    if (durable) await syncFolder(dirname(place))
    return result
  } catch (error) {
    // Report the original error; ignore errors from cleaning up.
    await rm(aside, { force: true }).catch(() => undefined)
    throw error
  }
}

/** `makeAside` for text: `work` is given what appends to the file. */
export function writeAside<T>(
  place: string,
  options: AsideOptions,
  work: (write: (text: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const { mode, failure = (error) => error } = options
  const ours = (error: unknown) => {
    throw failure(error)
  }
  return makeAside(place, options, async (aside) => {
    // Never more permissive than the finished file, not even for a moment.
    const file = await open(aside, "wx", mode).catch(ours)
    return appendTo(file, ours, work)
  })
}

/** Lets `work` append to an open file, and closes it. @param ours throws the caller's error for what the system says */
export async function appendTo<T>(
  file: FileHandle,
  ours: (error: unknown) => never,
  work: (write: (text: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  let result: T
  try {
    result = await work((text) => file.appendFile(text).catch(ours))
  } catch (error) {
    // Report the original error; ignore errors from cleaning up.
    await file.close().catch(() => undefined)
    throw error
  }
  // A network file system may say here that there was no room.
  await file.close().catch(ours)
  return result
}

/** Renames a file to where there must be none. @throws the system's `EEXIST`; the file is where it was then */
export async function placeNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") throw error
    // A file system without hard links.
    await rename(from, to)
    return
  }
  await rm(from, { force: true })
}

/** Waits until the disk has the file. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** So that a rename in it, too, outlives a power cut. Not every system can; the file is whole either way. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r").catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

/**
 * Does a file say that it is of a kind?
 * @param marker ASCII, at byte `at`
 * @throws the system's error where the file cannot be read
 */
export async function beginsWith(path: string, marker: string, at = 0): Promise<boolean> {
  const handle = await open(path, "r")
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(marker.length), 0, marker.length, at)
    return buffer.toString("latin1", 0, bytesRead) === marker
  } finally {
    await handle.close()
  }
}
