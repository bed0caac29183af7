/**
 * A copy of the user's file that takes its place once a commit is in it. DuckDB locks the file that it writes for as long
 * as it compresses, which takes seconds for a big commit. Meanwhile this keeps no reader of the original out, and a reader
 * that has it open goes on reading it whole.
 *
 * POSIX locks belong to the process: closing any handle of the original would drop the one that DuckDB holds on it. The
 * handle that the copy is checked through is hence opened before that lock is taken, and closed after it is given back.
 */
import { existsSync } from "node:fs"
import { chmod, type FileHandle, lstat, open, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { syncFile, syncFolder } from "../../base/aside.ts"
import { logOf, TWIN_NAME } from "./companion.ts"
import { copyWhole } from "./copy.ts"

export interface Twin {
  /** where it is written */
  readonly path: string
  /**
   * True while it holds what the original holds. Call it while others are kept from writing to the original. DuckDB counts
   * its checkpoints in the headers at a file's beginning, and what is not in the file yet is in a log beside it.
   */
  isCurrent(): Promise<boolean>
  /**
   * Puts it in the original's place, which readers may have open.
   * @returns false if the system does not let it, as over a file that is mounted by itself: nothing has changed then
   * @throws where its log was not taken in, or the disk fails
   */
  replace(): Promise<boolean>
  /** Removes it, unless it is in place, and closes what is open. */
  discard(): Promise<void>
}

/** DuckDB's main header and its two database headers, bytes. */
const HEADERS = 3 * 4096

/**
 * Copies a file, by reference where the file system can.
 * @param path a DuckDB file that this process has not open
 * @param folder on the same file system, private to this run
 * @returns undefined if it cannot be replaced by another file, or there is no room: then it is written in place
 */
export async function makeTwin(
  path: string,
  folder: string,
  signal?: AbortSignal,
): Promise<Twin | undefined> {
  // Windows does not rename over a file that is open.
  if (process.platform === "win32" || !existsSync(folder) || existsSync(logOf(path))) return undefined
  const twin = join(folder, TWIN_NAME)
  const original = await open(path, "r").catch(() => undefined)
  if (original === undefined) return undefined
  try {
    if (await isAlone(path, original)) {
      await remove(twin)
      await copyWhole(path, twin, signal)
      if (await hasSameOwner(twin, original)) return twinOf(path, twin, original)
    }
  } catch {
    // Whatever is in the way is met again, and told, where the file is written in place.
  }
  await remove(twin).catch(() => undefined)
  await original.close()
  return undefined
}

/** No link leads to it, and nothing is mounted there: another file in its place would be the same to everyone. */
async function isAlone(path: string, original: FileHandle): Promise<boolean> {
  const [found, open] = [await lstat(path), await original.stat()]
  const isSame = found.ino === open.ino && found.dev === open.dev
  return found.isFile() && found.nlink === 1 && isSame && found.dev === (await stat(dirname(path))).dev
}

async function hasSameOwner(twin: string, original: FileHandle): Promise<boolean> {
  const [copy, found] = [await stat(twin), await original.stat()]
  return copy.uid === found.uid && copy.gid === found.gid
}

function twinOf(path: string, twin: string, original: FileHandle): Twin {
  return {
    path: twin,
    isCurrent: async () => {
      if (existsSync(logOf(path))) return false
      const [now, open] = [await stat(path).catch(() => undefined), await original.stat()]
      if (now === undefined || now.ino !== open.ino || now.dev !== open.dev) return false
      if (now.size !== (await stat(twin)).size) return false
      return (await headersOf(original)).equals(await headersAt(twin))
    },
    replace: async () => {
      if (existsSync(logOf(twin))) throw new Error(`${logOf(twin)} is still there`)
      await chmod(twin, (await original.stat()).mode & 0o777)
      await syncFile(twin)
      const isInPlace = await rename(twin, path).then(
        () => true,
        () => false,
      )
      if (isInPlace) await syncFolder(dirname(path))
      return isInPlace
    },
    discard: async () => {
      await remove(twin).catch(() => undefined)
      await original.close()
    },
  }
}

async function headersAt(twin: string): Promise<Buffer> {
  const handle = await open(twin, "r")
  try {
    return await headersOf(handle)
  } finally {
    await handle.close()
  }
}

async function headersOf(handle: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADERS), 0, HEADERS, 0)
  return buffer.subarray(0, bytesRead)
}

async function remove(twin: string): Promise<void> {
  await rm(twin, { force: true })
  await rm(logOf(twin), { force: true })
}
