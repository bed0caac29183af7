/** The rows of a response, written to a file as they come: no row becomes an object. */
import { type FileHandle, open, rm } from "node:fs/promises"
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
const WRITE_BYTES = 1 << 18

/** A new file, for us alone to read. It is the caller's to remove, also after an error. */
export class SpoolFile {
  readonly #file: FileHandle
  readonly #gathered = Buffer.allocUnsafeSlow(WRITE_BYTES)
  #used = 0

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** @throws DruidsyncError `file`, `disk-full` */
  static async create(path: string): Promise<SpoolFile> {
    return new SpoolFile(await open(path, "wx", 0o600).catch(refuse))
  }

  /** Takes bytes, which may be used again when it resolves. @throws DruidsyncError `file`, `disk-full` */
  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const taken = bytes.subarray(from, from + WRITE_BYTES - this.#used)
      this.#gathered.set(taken, this.#used)
      from += taken.length
      this.#used += taken.length
      if (this.#used === WRITE_BYTES) await this.#flush()
    }
  }

  async #flush(): Promise<void> {
    const bytes = this.#gathered.subarray(0, this.#used)
    for (let offset = 0; offset < bytes.length; ) {
      offset += (await this.#file.write(bytes, offset).catch(refuse)).bytesWritten
    }
    this.#used = 0
  }

  /** Writes what is gathered, unless `isWhole` is false, and closes the file. @throws DruidsyncError `file`, `disk-full` */
  async close(isWhole: boolean): Promise<void> {
    try {
      if (isWhole) await this.#flush()
    } finally {
      await this.#file.close().catch(refuse)
    }
  }
}

/**
 * Runs `work` with a new file, which is closed afterwards whatever happens.
 * @throws DruidsyncError `file`, `disk-full`, and what `work` throws
 */
export async function spooling<T>(path: string, work: (file: SpoolFile) => Promise<T>): Promise<T> {
  const file = await SpoolFile.create(path)
  let isWhole = false
  try {
    const result = await work(file)
    isWhole = true
    return result
  } finally {
    await file.close(isWhole)
  }
}

/** Removes spool files, as far as they are there. */
export async function removeSpooled(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true })
}

/**
 * Writes the rows of an SQL response into a new file.
 * @returns the frame, to be asked at the end whether the response was whole
 * @throws DruidsyncError `file`, `disk-full`, and what reading the response throws
 */
export function spoolRows(
  response: Response,
  path: string,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<FrameReader> {
  return spooling(path, async (file) => {
    const frame = new FrameReader()
    for await (const piece of piecesOf(response)) {
      const rows = frame.push(piece)
      if (rows.length > 0) onBytes(rows.length)
      await file.write(rows)
    }
    return frame
  })
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
