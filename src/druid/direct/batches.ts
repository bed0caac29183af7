/**
 * The frame of a data node's answer to a native scan, `[{"segmentId":…,"events":[[…],…]},{…}]`, looked at without
 * parsing its rows: the comma between two batches becomes a line feed, so that each batch is a line that DuckDB's reader
 * takes, and `}]` at the end is the sign that the scan came to its end. A text may end so too: what is cut there leaves a
 * line that is no JSON, which the reader refuses.
 *
 * The bytes `,{"segmentId":` stand nowhere else: inside a text quotes are escaped, and nested data is asked for as text.
 */

import { cutResponse } from "../../base/errors.ts"
import { piecesOf } from "../body.ts"
import type { SpoolFile } from "../spool.ts"

const BETWEEN = Buffer.from(',{"segmentId":')
const OPENS = 0x5b
const CLOSES = 0x5d
const LINE_FEED = 0x0a
const NOTHING = Buffer.alloc(0)
const LINE_END = Buffer.from([LINE_FEED])

/** Turns a stream of bytes into lines of batches, and watches its end. Feed it every piece in order. */
export class BatchReader {
  /** bytes that may be the beginning of `BETWEEN`, or the bracket at the end */
  #kept: Buffer = NOTHING
  #hasBegun = false
  /** bytes of batches handed on so far, line feeds among them */
  batchBytes = 0

  /**
   * @returns the bytes that belong to batches and can be told by now; a view of a buffer of ours
   * @throws DruidsyncError `response-cut` if this is no list of batches
   */
  push(piece: Uint8Array): Uint8Array {
    let bytes = Buffer.concat([this.#kept, piece])
    if (!this.#hasBegun) {
      if (bytes.length === 0) return NOTHING
      if (bytes[0] !== OPENS)
        throw cutResponse("the data node answered with something else than batches of rows")
      bytes = bytes.subarray(1)
      this.#hasBegun = true
    }
    for (let at = bytes.indexOf(BETWEEN); at >= 0; at = bytes.indexOf(BETWEEN, at + 1)) bytes[at] = LINE_FEED
    const told = Math.max(0, bytes.length - (BETWEEN.length - 1))
    this.#kept = bytes.subarray(told)
    this.batchBytes += told
    return bytes.subarray(0, told)
  }

  /**
   * Call when HTTP has ended properly.
   * @returns the last bytes of the last batch
   * @throws DruidsyncError `response-cut` if the bracket that ends the list is missing
   */
  end(): Uint8Array {
    const rest = trimmed(this.#kept)
    if (!this.#hasBegun || rest.at(-1) !== CLOSES || !isWhole(rest, this.batchBytes)) {
      throw cutResponse("the bracket that ends the batches of rows is missing, so rows are missing")
    }
    const last = rest.subarray(0, rest.length - 1)
    this.batchBytes += last.length
    return last
  }
}

/** `…}]` ends a list of batches, `[]` is an empty one; a bracket elsewhere is the end of a row. */
function isWhole(rest: Buffer, before: number): boolean {
  if (rest.length === 1) return before === 0
  return rest.at(-2) === 0x7d
}

function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === LINE_FEED || bytes[end - 1] === 0x20)) end--
  return bytes.subarray(0, end)
}

/**
 * Writes the batches of a response behind what the file has, one a line.
 * @returns their bytes
 * @throws DruidsyncError `response-cut` if the scan did not come to its end, `file`, `disk-full`
 */
export async function spoolBatches(
  response: Response,
  file: SpoolFile,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<number> {
  const reader = new BatchReader()
  for await (const piece of piecesOf(response)) {
    const batches = reader.push(piece)
    if (batches.length > 0) onBytes(batches.length)
    await file.write(batches)
  }
  await file.write(reader.end())
  if (reader.batchBytes > 0) await file.write(LINE_END)
  return reader.batchBytes
}
