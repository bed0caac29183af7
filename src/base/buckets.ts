/**
 * Buckets of an aggregate: spans of UTC time that touch one another, as Druid's `TIME_FLOOR` makes them. Weeks begin on
 * Monday. A bucket is named by its first instant. Pure.
 */
import type { Interval } from "./domain.ts"
import { civil, floorDiv, fromCivil, MAX_TIME, MIN_TIME } from "./time.ts"

const MINUTE_MS = 60_000n
const DAY_MS = 1_440n * MINUTE_MS
/** Monday, 5 January 1970. */
const A_MONDAY = 4n * DAY_MS

/** The column of an aggregate that has the number of rows of each group: what proves it, so every aggregate has it. */
export const ROWS_COLUMN = "_rows"

export const EVERY = [
  "minute",
  "5 minutes",
  "15 minutes",
  "hour",
  "day",
  "week",
  "month",
  "year",
  "all",
] as const

/** How long a bucket is; `all`: one for all of time. */
export type Every = (typeof EVERY)[number]

const WIDTH_MS: Readonly<Partial<Record<Every, bigint>>> = {
  minute: MINUTE_MS,
  "5 minutes": 5n * MINUTE_MS,
  "15 minutes": 15n * MINUTE_MS,
  hour: 60n * MINUTE_MS,
  day: DAY_MS,
  week: 7n * DAY_MS,
}

/** The start of the bucket that a time lies in, not before the first instant of all. @param ms since 1970 */
export function bucketStart(every: Every, ms: bigint): bigint {
  if (every === "all") return MIN_TIME
  const widthMs = WIDTH_MS[every]
  const start = widthMs === undefined ? calendarStart(every, ms) : floored(ms, widthMs, every)
  return start < MIN_TIME ? MIN_TIME : start
}

/** The start of the next bucket after the one that a time lies in, not after the last instant of all. */
export function bucketEnd(every: Every, ms: bigint): bigint {
  if (every === "all") return MAX_TIME
  const widthMs = WIDTH_MS[every]
  const end = widthMs === undefined ? calendarEnd(every, ms) : floored(ms, widthMs, every) + widthMs
  return end > MAX_TIME ? MAX_TIME : end
}

/** The buckets that an interval touches, as one. */
export function bucketsAround(every: Every, { start, end }: Interval): Interval {
  return { start: bucketStart(every, start), end: bucketEnd(every, end - 1n) }
}

/** A step in which one comes from the start of any bucket to the start of every other; undefined: there is only one bucket. */
export function bucketStepMs(every: Every): bigint | undefined {
  return every === "all" ? undefined : (WIDTH_MS[every] ?? DAY_MS)
}

/** True where a bucket may hold several days. */
export function isLongerThanADay(every: Every): boolean {
  return (WIDTH_MS[every] ?? MAX_TIME) > DAY_MS
}

function floored(ms: bigint, widthMs: bigint, every: Every): bigint {
  const origin = every === "week" ? A_MONDAY : 0n
  return floorDiv(ms - origin, widthMs) * widthMs + origin
}

function calendarStart(every: Every, ms: bigint): bigint {
  const { year, month } = civil(ms)
  return fromCivil({ year, month: every === "year" ? 1 : month, day: 1, ofDayMs: 0 })!
}

function calendarEnd(every: Every, ms: bigint): bigint {
  const { year, month } = civil(ms)
  const isLast = every === "year" || month === 12
  return fromCivil({ year: isLast ? year + 1 : year, month: isLast ? 1 : month + 1, day: 1, ofDayMs: 0 })!
}
