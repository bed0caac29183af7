/** Small text files: read whole, never more than a configuration can sensibly be, with faults in plain words. */

import { open, stat } from "node:fs/promises"
import process from "node:process"
import { whyOf } from "../base/system.ts"

/** Reads a file whole; rejects with a Node system error (`code`) where it cannot. */
export type ReadFile = (path: string) => Promise<Uint8Array>

/** Permission bits of a regular file, or undefined if the system or the file has none. */
export type FileMode = (path: string) => Promise<number | undefined>

const MAX_BYTES = 1_048_576

const TOO_BIG = "it is larger than 1 MiB, so it cannot be the right file"

/** Reads at most 1 MiB, so that naming a database by mistake fails at once; pipes such as `<(…)` work too. */
export async function readSmallFile(path: string): Promise<Uint8Array> {
  const handle = await open(path, "r")
  try {
    const buffer = new Uint8Array(MAX_BYTES + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) return buffer.subarray(0, length)
      length += bytesRead
    }
    throw Object.assign(new Error("file too large"), { code: "EFBIG" })
  } finally {
    await handle.close()
  }
}

/** The text of a UTF-8 file without its byte order mark, or the reason why it cannot be read (a clause, without the path). */
export async function readText(
  path: string,
  readFile: ReadFile,
): Promise<{ readonly text: string } | { readonly fault: string }> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    const isTooBig = (error as { code?: unknown } | null)?.code === "EFBIG"
    return { fault: isTooBig ? TOO_BIG : whyOf(error, "file") }
  }
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (isUtf16) return { fault: "it is UTF-16; save it as UTF-8" }
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) }
  } catch {
    // the decoder's own words add nothing
    return { fault: "it is not UTF-8 text" }
  }
}

/** See `FileMode`. Advice depends on it and nothing else, so a file that cannot be looked at has no mode. */
export async function fileMode(path: string): Promise<number | undefined> {
  if (process.platform === "win32") return undefined
  try {
    const info = await stat(path)
    return info.isFile() ? info.mode & 0o777 : undefined
  } catch {
    return undefined
  }
}
