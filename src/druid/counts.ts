/** Counting rows without fetching them: how many there are, from when to when, and how they lie in time. */

import type { Bucket, Interval } from "../base/domain.ts"
import { commonStepMs, overlapping } from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"
import { integerCell, millisCell, onlyRow, wholeRow } from "./cells.ts"
import type { DruidClient } from "./client.ts"
import { boundsSql, conditionsOn, countsSql, histogramSql, type Source } from "./sql.ts"

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

/** Intervals that a query counts each by itself: two aggregators each, far from any limit of Druid's. */
const COUNTS_PER_QUERY = 50
/** So few intervals are counted each by itself, however they lie. */
const FEW = 4
/** Intervals, stretches that lie apart, and buckets of a query that counts many by a histogram. */
const MANY = { intervals: 2_000, runs: 200, buckets: 5_000n } as const

/** All rows count, regardless of the filter. @throws DruidsyncError */
export async function readBounds(
  client: DruidClient,
  source: Source,
  interval: Interval,
  signal?: AbortSignal,
): Promise<Bounds> {
  const action = `measuring "${source.datasource}"`
  const parts: Bounds[] = []
  for (const part of conditionsOn(interval)) {
    const found = await client.rows(boundsSql(source, part), { action, signal }, boundsOf)
    if (found !== undefined) parts.push(found)
  }
  const [first, last] = [parts[0], parts.at(-1)]
  if (first === undefined || last === undefined) return { min: interval.start, max: interval.start, rows: 0 }
  return { min: first.min, max: last.max, rows: sumOf(parts, ({ rows }) => rows) }
}

function boundsOf(answer: readonly unknown[][]): Bounds | undefined {
  const [min, max, rows] = onlyRow(answer, 3)
  if (min === null && max === null && rows === 0) return undefined
  return { min: millisCell(min), max: millisCell(max), rows: integerCell(rows) }
}

/**
 * Rows per bucket of `widthMs`, in order; empty ones are left out.
 * @param intervals ascending, disjoint; more than one only where a bucket ends wherever one of them does (`commonStepMs`)
 * @throws DruidsyncError
 */
export function readHistogram(
  client: DruidClient,
  source: Source,
  intervals: readonly Interval[],
  widthMs: bigint,
  signal?: AbortSignal,
  once?: boolean,
): Promise<Bucket[]> {
  const first = intervals[0]!.start
  const last = intervals.at(-1)!.end
  const action = `measuring "${source.datasource}"`
  const bucketOf = (row: unknown[]): Bucket => {
    const [bucket, all, matching] = wholeRow(row, 3).map(integerCell) as [number, number, number]
    const start = first + BigInt(bucket) * widthMs
    const end = start + widthMs < last ? start + widthMs : last
    return { interval: { start, end }, all, matching }
  }
  return client.rows(histogramSql(source, intervals, widthMs), { action, signal, once }, (rows) =>
    rows.map(bucketOf).sort((a, b) => (a.interval.start < b.interval.start ? -1 : 1)),
  )
}

/**
 * Counts of each interval.
 * @param intervals ascending, disjoint
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
  const counts: Count[] = []
  for (const some of together(intervals)) {
    const widthMs = some.length > FEW ? bucketOf(some) : undefined
    if (widthMs === undefined) counts.push(...(await readEach(client, source, some, signal, once)))
    else counts.push(...sums(some, await readHistogram(client, source, some, widthMs, signal, once)))
  }
  return counts
}

/** Groups that one query may ask for. */
function together(intervals: readonly Interval[]): Interval[][] {
  const groups: Interval[][] = []
  let runs = 0
  for (const interval of intervals) {
    const group = groups.at(-1)
    const touches = group?.at(-1)?.end === interval.start
    if (!touches) runs++
    if (group === undefined || group.length === MANY.intervals || runs > MANY.runs) {
      groups.push([interval])
      runs = 1
    } else group.push(interval)
  }
  return groups
}

/** Width of the buckets that all of the intervals are made of, ms; undefined if that would be too many. */
function bucketOf(intervals: readonly Interval[]): bigint | undefined {
  const widthMs = commonStepMs(intervals)
  const buckets = intervals.reduce((sum, { start, end }) => sum + (end - start) / widthMs, 0n)
  return buckets <= MANY.buckets ? widthMs : undefined
}

function sums(intervals: readonly Interval[], buckets: readonly Bucket[]): Count[] {
  return overlapping(
    intervals.map((interval) => ({ interval })),
    buckets,
  ).map((found) => ({
    all: sumOf(found, (bucket) => bucket.all),
    matching: sumOf(found, (bucket) => bucket.matching),
  }))
}

async function readEach(
  client: DruidClient,
  source: Source,
  intervals: readonly Interval[],
  signal: AbortSignal | undefined,
  once: boolean | undefined,
): Promise<Count[]> {
  const counts: Count[] = []
  for (let i = 0; i < intervals.length; i += COUNTS_PER_QUERY) {
    const some = intervals.slice(i, i + COUNTS_PER_QUERY)
    const hull = { start: some[0]!.start, end: some.at(-1)!.end }
    if (conditionsOn(hull).length === 1) {
      counts.push(...(await readSome(client, source, some, signal, once)))
      continue
    }
    for (const interval of some) {
      const count = { all: 0, matching: 0 }
      for (const part of conditionsOn(interval)) {
        const [found] = await readSome(client, source, [part], signal, once)
        count.all += found!.all
        count.matching += found!.matching
      }
      counts.push(count)
    }
  }
  return counts
}

function readSome(
  client: DruidClient,
  source: Source,
  intervals: readonly Interval[],
  signal: AbortSignal | undefined,
  once: boolean | undefined,
): Promise<Count[]> {
  const action = `counting rows of "${source.datasource}"`
  return client.rows(countsSql(source, intervals), { action, signal, once }, (rows) => {
    const row = onlyRow(rows, 2 * intervals.length).map(integerCell)
    return intervals.map((_, k) => ({ all: row[2 * k]!, matching: row[2 * k + 1]! }))
  })
}
