/** Druid's milliseconds in DuckDB's TIMESTAMP, whose range is smaller. */
import type { Interval } from "../../base/domain.ts"

/** DuckDB's TIMESTAMPs go from 290309-12-22 (BC) 00:00:00 to the last microseconds of 63 bits (tried with 1.5.6). */
export const MIN_TIMESTAMP_MS = -9_223_372_022_400_000n
export const MAX_TIMESTAMP_MS = 9_223_372_036_854_774n

/**
 * SQL condition that holds for `__time` within the interval. Bounds beyond what a TIMESTAMP can hold are left out: no
 * stored row lies there. The column is compared bare, so that DuckDB's zone maps prune.
 */
export function timeCondition(interval: Interval, column = '"__time"'): string {
  const { start, end } = interval
  if (end <= MIN_TIMESTAMP_MS || start > MAX_TIMESTAMP_MS) return "FALSE"
  const parts: string[] = []
  if (start > MIN_TIMESTAMP_MS) parts.push(`${column} >= epoch_ms(${start}::BIGINT)`)
  if (end <= MAX_TIMESTAMP_MS) parts.push(`${column} < epoch_ms(${end}::BIGINT)`)
  return parts.length === 0 ? "TRUE" : parts.join(" AND ")
}

/** A DuckDB TIMESTAMP literal from epoch milliseconds of our own clock. */
export function timestampLiteral(ms: number): string {
  return `epoch_ms(${Math.trunc(ms)}::BIGINT)`
}
