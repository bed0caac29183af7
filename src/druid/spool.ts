/** The rows of a response, written to a file as they come: no row becomes an object. */
import { type FileHandle, open } from "node:fs/promises"
import { DruidsyncError } from "../base/errors.ts"
import { codeOf, refusalOf, whyOf } from "../base/system.ts"
import { piecesOf } from "./body.ts"
import { FrameReader, type Header } from "./framing.ts"

/** A complete response, its rows in a file. */
export interface Spooled {
  readonly path: string
  readonly header: Header
  /** bytes of rows in the file */
  readonly bytes: number
}

/** Bytes that are gathered before one write. */
const WRITE_BYTES = 1 << 20

/**
 * Writes a new file, for us alone to read. It is the caller's to remove, also after an error.
 * @returns the frame, to be asked at the end whether the response was whole
 * @throws DruidsyncError `file`, `disk-full`, and what reading the response throws
 */
export async function spoolRows(
  response: Response,
  path: string,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<FrameReader> {
  const frame = new FrameReader()
  const file = await open(path, "wx", 0o600).catch(refuse)
  try {
    const gathered = Buffer.allocUnsafeSlow(WRITE_BYTES)
    let used = 0
    for await (const piece of piecesOf(response)) {
      const rows = frame.push(piece)
      if (rows.length > 0) onBytes(rows.length)
      for (let from = 0; from < rows.length; ) {
        const taken = rows.subarray(from, from + WRITE_BYTES - used)
        gathered.set(taken, used)
        from += taken.length
        used += taken.length
        if (used < WRITE_BYTES) continue
        await writeAll(file, gathered)
        used = 0
      }
    }
    await writeAll(file, gathered.subarray(0, used))
  } finally {
    await file.close().catch(refuse)
  }
  return frame
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let offset = 0
  while (offset < bytes.length) offset += (await file.write(bytes, offset).catch(refuse)).bytesWritten
}

function refuse(error: Error): never {
  if (codeOf(error) === "ENOSPC") {
    throw new DruidsyncError("disk-full", "no space left for the spool file", {
      hint: "free space, or set another place with --spool-dir",
      cause: error,
    })
  }
  throw new DruidsyncError("file", `the spool file cannot be written: ${whyOf(error, "place")}`, {
    hint: refusalOf(error, "place", "--spool-dir")?.hint ?? "check --spool-dir",
    cause: error,
  })
}
