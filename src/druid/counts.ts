/** Counting rows without fetching them: how many there are, from when to when, and how they lie in time. */
import type { Bucket, Interval } from "../base/domain.ts"
import { integerCell, millisCell, onlyRow, wholeRow } from "./cells.ts"
import type { DruidClient } from "./client.ts"
import { boundsSql, countsSql, histogramSql, type Source } from "./sql.ts"

/** The first and the last instant of an interval's rows (its start where there is none), and their number. */
export interface Bounds {
  readonly min: bigint
  readonly max: bigint
  readonly rows: number
}

/** Counts of a stretch: all rows, and those that meet the config's filter. */
export interface Count {
  readonly all: number
  readonly matching: number
}

/** Intervals per counting query: two aggregators each, far from any limit of Druid's. */
const COUNTS_PER_QUERY = 50

/** All rows count, regardless of the filter. @throws DruidsyncError */
export function readBounds(
  client: DruidClient,
  source: Source,
  interval: Interval,
  signal?: AbortSignal,
): Promise<Bounds> {
  const action = `measuring "${source.datasource}"`
  return client.rows(boundsSql(source, interval), { action, signal }, (answer) => {
    const [min, max, rows] = onlyRow(answer, 3)
    if (min === null && max === null && rows === 0)
      return { min: interval.start, max: interval.start, rows: 0 }
    return { min: millisCell(min), max: millisCell(max), rows: integerCell(rows) }
  })
}

/**
 * Rows per bucket of `widthMs` from the interval's start, in order; empty ones are left out.
 * @throws DruidsyncError
 */
export function readHistogram(
  client: DruidClient,
  source: Source,
  interval: Interval,
  widthMs: bigint,
  signal?: AbortSignal,
): Promise<Bucket[]> {
  const action = `measuring "${source.datasource}"`
  const bucketOf = (row: unknown[]): Bucket => {
    const [bucket, all, matching] = wholeRow(row, 3).map(integerCell) as [number, number, number]
    const start = interval.start + BigInt(bucket) * widthMs
    const end = start + widthMs < interval.end ? start + widthMs : interval.end
    return { interval: { start, end }, all, matching }
  }
  return client.rows(histogramSql(source, interval, widthMs), { action, signal }, (rows) =>
    rows.map(bucketOf).sort((a, b) => (a.interval.start < b.interval.start ? -1 : 1)),
  )
}

/**
 * Counts of each interval, in their order, which must be ascending.
 * @param once as in `AskOptions`
 * @throws DruidsyncError
 */
export async function readCounts(
  client: DruidClient,
  source: Source,
  intervals: readonly Interval[],
  signal?: AbortSignal,
  once?: boolean,
): Promise<Count[]> {
  const action = `counting rows of "${source.datasource}"`
  const counts: Count[] = []
  for (let i = 0; i < intervals.length; i += COUNTS_PER_QUERY) {
    const some = intervals.slice(i, i + COUNTS_PER_QUERY)
    const row = await client.rows(countsSql(source, some), { action, signal, once }, (rows) =>
      onlyRow(rows, 2 * some.length).map(integerCell),
    )
    for (let k = 0; k < some.length; k++) counts.push({ all: row[2 * k]!, matching: row[2 * k + 1]! })
  }
  return counts
}
