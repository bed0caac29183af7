/** Druid's milliseconds in DuckDB's TIMESTAMP, whose range is smaller. */
import type { Interval } from "../domain.ts"

/** DuckDB's finite TIMESTAMPs lie strictly within ±(2^63 - 1) microseconds. */
const MAX_TIMESTAMP_MS = 9_223_372_036_854_775n

/**
 * SQL condition that holds for `__time` within the interval. Bounds beyond what a TIMESTAMP can hold are left out: no
 * stored row lies there. The column is compared bare, so that DuckDB's zone maps prune.
 */
export function timeCondition(interval: Interval, column = '"__time"'): string {
  const parts: string[] = []
  if (interval.start > -MAX_TIMESTAMP_MS) parts.push(`${column} >= epoch_ms(${interval.start}::BIGINT)`)
  if (interval.end < MAX_TIMESTAMP_MS) parts.push(`${column} < epoch_ms(${interval.end}::BIGINT)`)
  return parts.length === 0 ? "TRUE" : parts.join(" AND ")
}

/** A DuckDB TIMESTAMP literal from epoch milliseconds of our own clock. */
export function timestampLiteral(ms: number): string {
  return `epoch_ms(${Math.trunc(ms)}::BIGINT)`
}
