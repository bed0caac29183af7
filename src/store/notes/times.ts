/**
 * Druid's milliseconds in DuckDB's TIMESTAMP, whose range is smaller. Druid's first and last instant, which stand for "no
 * time at all" (`queryGranularity: all` gives each row the first), are DuckDB's own words for it: `-infinity` and
 * `infinity`. Other times beyond a TIMESTAMP cannot be stored.
 */
import type { Interval } from "../../base/domain.ts"
import { MAX_TIME, MIN_TIME } from "../../base/time.ts"

/** DuckDB's TIMESTAMPs go from 290309-12-22 (BC) 00:00:00 to the last microseconds of 63 bits (tried with 1.5.6). */
export const MIN_TIMESTAMP_MS = -9_223_372_022_400_000n
export const MAX_TIMESTAMP_MS = 9_223_372_036_854_774n

const FIRST = "'-infinity'::TIMESTAMP"
const LAST = "'infinity'::TIMESTAMP"

/** SQL of a TIMESTAMP from SQL of milliseconds. An error where a TIMESTAMP cannot hold it. */
export function timeOfMs(ms: string): string {
  return `CASE ${ms} WHEN ${MIN_TIME} THEN ${FIRST} WHEN ${MAX_TIME} THEN ${LAST} ELSE epoch_ms(${ms}) END`
}

/** SQL of milliseconds from SQL of a TIMESTAMP; NULL of NULL. */
export function msOfTime(time: string): string {
  return `CASE ${time} WHEN ${FIRST} THEN ${MIN_TIME} WHEN ${LAST} THEN ${MAX_TIME} ELSE epoch_ms(${time}) END`
}

/**
 * A TIMESTAMP literal to compare `__time` with: a stored time is before it exactly where its milliseconds are less than
 * these. Of a time that can be stored it is the time itself.
 */
export function timeBound(ms: bigint): string {
  const time = storable(ms)
  if (time === MIN_TIME) return FIRST
  return time === MAX_TIME ? LAST : `epoch_ms(${time}::BIGINT)`
}

/** The time of which `timeOfMs` makes what `timeBound` says, ms. */
export function storable(ms: bigint): bigint {
  if (ms <= MIN_TIME) return MIN_TIME
  if (ms > MAX_TIMESTAMP_MS) return MAX_TIME
  return ms < MIN_TIMESTAMP_MS ? MIN_TIMESTAMP_MS : ms
}

/**
 * SQL condition that holds for `__time` within the interval, all times within Druid's eternity. The column is compared
 * bare, so that DuckDB's zone maps prune.
 */
export function timeCondition({ start, end }: Interval, column = '"__time"'): string {
  const parts: string[] = []
  if (start > MIN_TIME) parts.push(`${column} >= ${timeBound(start)}`)
  if (end < MAX_TIME) parts.push(`${column} < ${timeBound(end)}`)
  return parts.length === 0 ? "TRUE" : parts.join(" AND ")
}

/** A DuckDB TIMESTAMP literal from epoch milliseconds of our own clock. */
export function timestampLiteral(ms: number): string {
  return `epoch_ms(${Math.trunc(ms)}::BIGINT)`
}
