/** Rows of one segment: time-ordered, read by position, so that a million of them need not exist at once. */
import type { Interval } from "./time.ts"
import { chunkOf, type Granularity, ms } from "./time.ts"
import { coercion, type InputRow, inferredType, type SegmentColumn, stored, type Value } from "./values.ts"

export interface RowSource {
  readonly count: number
  /** `__time` of a row, in ms; never falls from row to row */
  time(index: number): bigint
  /** values in the order of the segment's columns, `__time` first */
  row(index: number): readonly Value[]
  /** names of STRING columns that hold rows with several values */
  readonly multiValue: ReadonlySet<string>
}

/** Columns and rows that belong together. */
export interface Batch {
  readonly columns: readonly SegmentColumn[]
  readonly rows: readonly (readonly Value[])[]
}

const TIME_COLUMN: SegmentColumn = { name: "__time", type: "LONG" }

/**
 * Rows as ingestion stores them. Declared columns are there even when no row has them; the others get the type of
 * their first value, `STRING` where all are null.
 */
export function ingested(input: readonly InputRow[], declared: Readonly<Record<string, string>>): Batch {
  const types = new Map<string, string | undefined>(Object.entries(declared))
  types.delete("__time")
  for (const row of input)
    for (const name of Object.keys(row))
      if (name !== "__time" && types.get(name) === undefined) types.set(name, inferredType(row[name]))
  const columns = [TIME_COLUMN, ...[...types].map(([name, type]) => ({ name, type: type ?? "STRING" }))]
  const rows = input.map((row) =>
    columns.map(({ name, type }, i) => (i === 0 ? ms(row.__time) : stored(type, row[name]))),
  )
  return { columns, rows }
}

/** The rows of several batches under one list of columns, converted where their types differ. */
export function readAs(columns: readonly SegmentColumn[], batches: readonly Batch[]): Batch {
  const rows: (readonly Value[])[] = []
  for (const batch of batches) {
    const read = reader(columns, batch.columns)
    for (const row of batch.rows) rows.push(read(row))
  }
  return { columns, rows }
}

/** Turns a row of one segment's columns into a row of the wanted columns. */
export function reader(
  wanted: readonly SegmentColumn[],
  given: readonly SegmentColumn[],
): (row: readonly Value[]) => readonly Value[] {
  const at = new Map(given.map((column, i) => [column.name, i]))
  const picks = wanted.map(({ name, type }) => {
    const index = at.get(name)
    return index === undefined ? undefined : { index, convert: coercion(name, given[index]!.type, type) }
  })
  if (wanted.length === given.length && picks.every((p, i) => p?.index === i && !p.convert))
    return (row) => row
  return (row) => {
    const out = new Array<Value>(picks.length)
    for (let i = 0; i < picks.length; i++) {
      const pick = picks[i]
      const value = pick === undefined ? null : row[pick.index]!
      out[i] = pick?.convert === undefined ? value : pick.convert(value)
    }
    return out
  }
}

/** Rows in memory, sorted by time. */
export function rowSource(batch: Batch): RowSource {
  const rows = [...batch.rows].sort((a, b) => compareTimes(a[0] as bigint, b[0] as bigint))
  const multiValue = new Set<string>()
  batch.columns.forEach(({ name, type }, i) => {
    if (type === "STRING" && rows.some((row) => Array.isArray(row[i]))) multiValue.add(name)
  })
  return { count: rows.length, time: (i) => rows[i]![0] as bigint, row: (i) => rows[i]!, multiValue }
}

export const NO_ROWS: RowSource = rowSource({ columns: [], rows: [] })

/** All rows of a source. */
export function allRows(source: RowSource, from = 0, to = source.count): (readonly Value[])[] {
  return Array.from({ length: to - from }, (_, i) => source.row(from + i))
}

/** Positions `[from, to)` of the rows within an interval. */
export function range(source: RowSource, interval: Interval): [number, number] {
  return [firstAtOrAfter(source, interval.start), firstAtOrAfter(source, interval.end)]
}

function firstAtOrAfter(source: RowSource, instant: bigint): number {
  let [low, high] = [0, source.count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (source.time(middle) < instant) low = middle + 1
    else high = middle
  }
  return low
}

function compareTimes(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** How ingestion rolls up: rows equal in all other columns become one, whose metrics are sums. */
export interface Rollup {
  readonly metrics: readonly string[]
  /** `__time` is truncated to this first */
  readonly queryGranularity?: Granularity
}

/** Rows rolled up. */
export function rolledUp(batch: Batch, rollup: Rollup): Batch {
  const isMetric = batch.columns.map(({ name }) => rollup.metrics.includes(name))
  const groups = new Map<string, Value[]>()
  for (const original of batch.rows) {
    const row = [...original]
    if (rollup.queryGranularity) row[0] = chunkOf(row[0] as bigint, rollup.queryGranularity).start
    const key = row.map((value, i) => (isMetric[i] ? "" : `${typeof value}:${String(value)}`)).join("\u0001")
    const group = groups.get(key)
    if (group === undefined) groups.set(key, row)
    else for (const [i, value] of row.entries()) if (isMetric[i]) group[i] = sum(group[i]!, value)
  }
  return { columns: batch.columns, rows: [...groups.values()] }
}

function sum(a: Value, b: Value): Value {
  if (a === null || b === null) return a ?? b
  return typeof a === "bigint" && typeof b === "bigint" ? BigInt.asIntN(64, a + b) : Number(a) + Number(b)
}
