/**
 * The frame of an `arrayLines` response, looked at without parsing its rows: three header lines (names, native types,
 * SQL types) in front, and behind the last row the blank line that Druid writes only when the query came to its end.
 * A query cut by its timeout, by a limit or by a dying server lacks nothing but that line: the status is 200, the
 * last row is whole, HTTP ends properly.
 */
import { cutResponse, DruidsyncError } from "../base/errors.ts"
import { printable } from "../base/printable.ts"

export interface Header {
  readonly names: readonly string[]
  readonly druidTypes: readonly string[]
  readonly sqlTypes: readonly string[]
}

const NEWLINE = 0x0a
const HEADER_LINES = 3
/** Far above any table's header; a body without line breaks is not Druid's and must not fill the memory. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024

/** Splits the header lines off a stream of bytes and watches its end. Feed it every piece in order. */
export class FrameReader {
  #head: Buffer[] = []
  #headLines = 0
  #headBytes = 0
  #header: Header | undefined
  #lastTwo: [number, number] = [0, 0]
  /** bytes of rows seen so far, the header lines left out */
  rowBytes = 0

  /**
   * @returns the bytes that belong to rows (the blank line at the end among them), a view of `piece`
   * @throws DruidsyncError `not-druid` if the first lines are no header
   */
  push(piece: Uint8Array): Uint8Array {
    if (piece.length >= 2) this.#lastTwo = [piece[piece.length - 2]!, piece[piece.length - 1]!]
    else if (piece.length === 1) this.#lastTwo = [this.#lastTwo[1], piece[0]!]
    if (this.#header !== undefined) {
      this.rowBytes += piece.length
      return piece
    }
    let from = 0
    while (this.#headLines < HEADER_LINES) {
      const end = piece.indexOf(NEWLINE, from)
      if (end < 0) {
        this.#keep(piece.subarray(from))
        return piece.subarray(piece.length)
      }
      this.#keep(piece.subarray(from, end + 1))
      from = end + 1
      this.#headLines++
    }
    this.#header = parseHeader(Buffer.concat(this.#head).toString("utf8"))
    this.#head = []
    const rows = piece.subarray(from)
    this.rowBytes += rows.length
    return rows
  }

  #keep(bytes: Uint8Array): void {
    this.#headBytes += bytes.length
    if (this.#headBytes > MAX_HEADER_BYTES) throw notDruid(Buffer.concat(this.#head).toString("utf8", 0, 200))
    this.#head.push(Buffer.from(bytes))
  }

  /**
   * Call when HTTP has ended properly.
   * @throws DruidsyncError `response-cut` if the blank line is missing, `not-druid` if no header came
   */
  end(): Header {
    if (this.#header === undefined) {
      const text = Buffer.concat(this.#head).toString("utf8")
      if (text !== "" && !text.startsWith("[")) throw notDruid(text)
      throw cutResponse("it ended before the header lines did")
    }
    const complete = this.#lastTwo[0] === NEWLINE && this.#lastTwo[1] === NEWLINE
    if (!complete) {
      throw cutResponse("the blank line that Druid writes after the last row is missing, so rows are missing")
    }
    return this.#header
  }
}

/** The three lines as data. @throws DruidsyncError `not-druid` */
export function parseHeader(text: string): Header {
  const lines = text.split("\n").slice(0, HEADER_LINES).map(parseStrings)
  const [names, druidTypes, sqlTypes] = lines
  const fits = names !== undefined && names.length === druidTypes?.length && names.length === sqlTypes?.length
  if (!fits) throw notDruid(text)
  return { names, druidTypes: druidTypes!, sqlTypes: sqlTypes! }
}

function parseStrings(line: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined
  } catch {
    // Not JSON: the caller reports the whole text as not Druid's.
    return undefined
  }
}

/**
 * Rows of a small complete `arrayLines` body without header lines, each as the line that it came in.
 * @throws DruidsyncError `response-cut`, `not-druid`
 */
export function linesOf(body: string): string[] {
  if (body !== "" && body[0] !== "[" && body[0] !== "\n") throw notDruid(body)
  if (!body.endsWith("\n\n")) throw cutResponse("the blank line at its end is missing")
  if (body === "\n\n") return []
  return body.slice(0, -2).split("\n")
}

/** @throws DruidsyncError `response-cut` */
export function parseLine(line: string): unknown[] {
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch (error) {
    throw cutResponse("a line of it is not JSON", error)
  }
  if (!Array.isArray(row)) throw cutResponse("a line of it is no row")
  return row
}

/** What came in place of rows: Druid's own error with status 200, a login page, anything. */
function notDruid(text: string): DruidsyncError {
  const said = errorOf(text)
  if (said !== undefined) return cutResponse(`it ends with an error: ${said}`)
  const kind = /^\s*</.test(text) ? "a web page" : "something else"
  return new DruidsyncError("not-druid", `the server answered with ${kind} where rows were expected`, {
    hint: 'check "host", "port" and "basePath": is this a Druid router or broker, or a login page before it?',
  })
}

function errorOf(text: string): string | undefined {
  try {
    const { error, errorMessage } = JSON.parse(text) as { error?: unknown; errorMessage?: unknown }
    if (typeof error !== "string") return undefined
    return printable(typeof errorMessage === "string" ? errorMessage : error).slice(0, 500)
  } catch {
    // Not JSON, so no error of Druid's.
    return undefined
  }
}
