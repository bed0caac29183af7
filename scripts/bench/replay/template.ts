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

/** What makes rows wider than those of wikipedia. */
export interface Width {
  /** columns beside wikipedia's: short texts and numbers in turns */
  readonly columns: number
  /** length of one more text, which has little in it that repeats; 0: there is none */
  readonly textBytes: number
}

/** Wide rows are repeated the sooner: a template is no larger than this, about. */
const MOST_BYTES = 64_000_000

/** @param rows distinct rows at most; about 275 bytes each, and what `width` adds */
export function makeTemplate(most: number, width: Width = { columns: 0, textBytes: 0 }): Template {
  const rowBytes = 275 + width.columns * 8 + width.textBytes
  const rows = Math.max(1, Math.min(most, Math.floor(MOST_BYTES / rowBytes)))
  const dataset = wikipedia({ rows })
  const offsets = new Uint32Array(rows + 1)
  const pieces: Buffer[] = []
  let lines: string[] = []
  let at = 0
  let n = 0
  for (const [, ...values] of dataset.rows()) {
    lines.push(`[${PLACE},${[...values, ...wideValues(width, n)].map(cell).join(",")}]\n`)
    offsets[n++] = at
    at += Buffer.byteLength(lines.at(-1)!)
    if (lines.length === 10_000) {
      pieces.push(Buffer.from(lines.join("")))
      lines = []
    }
  }
  pieces.push(Buffer.from(lines.join("")))
  offsets[n] = at
  const columns = [...dataset.columns, ...wideColumns(width)].map(({ name, type }) => ({
    name,
    sqlType: type,
    druidType: DRUID_TYPES[type],
  }))
  return { columns, bytes: Buffer.concat(pieces), offsets, rows: n }
}

function wideColumns({ columns, textBytes }: Width) {
  const more = Array.from({ length: columns }, (_, k) => ({
    name: `wide_${String(k).padStart(4, "0")}`,
    type: k % 2 === 0 ? ("VARCHAR" as const) : ("BIGINT" as const),
  }))
  return textBytes === 0 ? more : [...more, { name: "wide_text", type: "VARCHAR" as const }]
}

/** @param row its number */
function wideValues({ columns, textBytes }: Width, row: number): (string | number)[] {
  const values = Array.from({ length: columns }, (_, k) => {
    const value = (row * 31 + k * 17) % 1_000
    return k % 2 === 0 ? `v${value}` : value
  })
  if (textBytes === 0) return values
  let text = ""
  for (let k = 0; text.length < textBytes; k++) text += `${(row * 7919 + k * 104_729) % 1_000_003} `
  return [...values, text.slice(0, textBytes)]
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
