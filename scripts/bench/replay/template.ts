/**
 * Rows to replay: generated wikipedia rows as Druid writes them (`arrayLines`, `__time` as 13 digits of milliseconds),
 * repeated as often as needed. A copy needs nothing but its times written over, so that serving costs next to nothing.
 */
import { wikipedia } from "../../druid/datasets/index.ts"

export interface TemplateColumn {
  readonly name: string
  readonly druidType: string
  readonly sqlType: string
}

export interface Template {
  readonly columns: readonly TemplateColumn[]
  /** lines, one after the other, each with its line break */
  readonly bytes: Buffer
  /** where each line begins; one more entry for the end */
  readonly offsets: Uint32Array
  readonly rows: number
}

/** The digits of `__time` begin behind the bracket that opens the row. */
const TIME_OFFSET = 1
const PLACE = "1000000000000"

const DRUID_TYPES = { TIMESTAMP: "LONG", VARCHAR: "STRING", BIGINT: "LONG", DOUBLE: "DOUBLE", FLOAT: "FLOAT" }

/** @param rows distinct rows; about 275 bytes each */
export function makeTemplate(rows: number): Template {
  const dataset = wikipedia({ rows })
  const offsets = new Uint32Array(rows + 1)
  const pieces: Buffer[] = []
  let lines: string[] = []
  let at = 0
  let n = 0
  for (const [, ...values] of dataset.rows()) {
    lines.push(`[${PLACE},${values.map(cell).join(",")}]\n`)
    offsets[n++] = at
    at += Buffer.byteLength(lines.at(-1)!)
    if (lines.length === 10_000) {
      pieces.push(Buffer.from(lines.join("")))
      lines = []
    }
  }
  pieces.push(Buffer.from(lines.join("")))
  offsets[n] = at
  const columns = dataset.columns.map(({ name, type }) => ({
    name,
    sqlType: type,
    druidType: DRUID_TYPES[type],
  }))
  return { columns, bytes: Buffer.concat(pieces), offsets, rows: n }
}

/** Druid escapes what lies beyond the basic plane; digits of large integers stay whole. */
function cell(value: unknown): string {
  if (typeof value === "bigint") return value.toString()
  return JSON.stringify(value).replace(
    /[\ud800-\udfff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/**
 * Writes rows into `target` and gives them their times.
 * @param first number of the first row in the template (it goes on from the start at the template's end)
 * @param timeOf time of the n-th row of these, ms of 13 digits
 * @returns bytes written
 */
export function writeRows(
  { bytes, offsets, rows }: Template,
  target: Buffer,
  first: number,
  count: number,
  timeOf: (n: number) => number,
): number {
  let at = 0
  for (let done = 0; done < count; ) {
    const from = (first + done) % rows
    const run = Math.min(count - done, rows - from)
    const start = offsets[from]!
    bytes.copy(target, at, start, offsets[from + run]!)
    for (let i = 0; i < run; i++) {
      writeMillis(target, at + offsets[from + i]! - start + TIME_OFFSET, timeOf(done + i))
    }
    at += offsets[from + run]! - start
    done += run
  }
  return at
}

/** Bytes that these rows take. */
export function sizeOf({ offsets, rows }: Template, first: number, count: number): number {
  const whole = Math.floor(count / rows) * offsets[rows]!
  const from = first % rows
  const rest = count % rows
  const upTo = Math.min(rest, rows - from)
  return whole + (offsets[from + upTo]! - offsets[from]!) + offsets[rest - upTo]!
}

/** 13 digits, in two halves that fit 32-bit arithmetic. */
function writeMillis(target: Buffer, at: number, ms: number): void {
  let high = Math.floor(ms / 10_000_000)
  let low = ms - high * 10_000_000
  for (let i = 12; i > 5; i--) {
    const rest = (low / 10) | 0
    target[at + i] = 48 + (low - rest * 10)
    low = rest
  }
  for (let i = 5; i >= 0; i--) {
    const rest = (high / 10) | 0
    target[at + i] = 48 + (high - rest * 10)
    high = rest
  }
}
