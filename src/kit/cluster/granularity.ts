/** Druid's segment granularity, told from the intervals that segments have. Pure. */
import type { Interval } from "../../base/domain.ts"
import { civil } from "../../base/time.ts"

const MINUTE_MS = 60_000n
const HOUR_MS = 60n * MINUTE_MS
const DAY_MS = 24n * HOUR_MS
/** The first Monday after the epoch. */
const MONDAY_MS = 4n * DAY_MS

const FIXED: readonly (readonly [string, bigint])[] = [
  ["SECOND", 1_000n],
  ["MINUTE", MINUTE_MS],
  ["FIVE_MINUTE", 5n * MINUTE_MS],
  ["TEN_MINUTE", 10n * MINUTE_MS],
  ["FIFTEEN_MINUTE", 15n * MINUTE_MS],
  ["THIRTY_MINUTE", 30n * MINUTE_MS],
  ["HOUR", HOUR_MS],
  ["SIX_HOUR", 6n * HOUR_MS],
  ["EIGHT_HOUR", 8n * HOUR_MS],
  ["DAY", DAY_MS],
]

const CALENDAR: readonly (readonly [string, number])[] = [
  ["MONTH", 1],
  ["QUARTER", 3],
  ["YEAR", 12],
]

/** No bucket of time at all: from about the beginning to about the end. */
const ENDLESS_MS = 4_611_686_018_427_387_903n

/** Druid's name for the granularity of which the interval is one bucket (in UTC); undefined if there is none. */
export function granularityOf({ start, end }: Interval): string | undefined {
  if (start <= -ENDLESS_MS && end >= ENDLESS_MS) return "ALL"
  const length = end - start
  const fixed = FIXED.find(([, ms]) => ms === length)
  if (fixed !== undefined) return start % length === 0n ? fixed[0] : undefined
  if (length === 7n * DAY_MS) return (start - MONDAY_MS) % length === 0n ? "WEEK" : undefined
  const from = monthOf(start)
  const to = monthOf(end)
  if (from === undefined || to === undefined) return undefined
  return CALENDAR.find(([, months]) => to - from === months && from % months === 0)?.[0]
}

/** Months since the year 0, where a month begins then. */
function monthOf(ms: bigint): number | undefined {
  const { year, month, day, ofDayMs } = civil(ms)
  return day === 1 && ofDayMs === 0 ? year * 12 + month - 1 : undefined
}

/**
 * The granularities of many intervals, the most frequent first; `OTHER` for intervals that are no bucket of any.
 * Compaction and changed ingestion leave several.
 */
export function granularitiesOf(intervals: readonly Interval[]): string[] {
  const counts = new Map<string, number>()
  for (const interval of intervals) {
    const name = granularityOf(interval) ?? "OTHER"
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([name]) => name)
}
