/**
 * Time over Druid's whole range, in milliseconds as `bigint`: ISO text in, ISO text as Joda writes it out, and
 * the time chunks of Druid's granularities. No `Date`, whose range is too small.
 */
import type { Interval } from "../../../../src/base/domain.ts"

export type { Interval }

/** An instant: milliseconds, or ISO text of any precision (`"2020"`, `"2020-01-02"`, `"2020-01-02T03:04:05.678Z"`). */
export type Instant = bigint | number | string

/** An interval: two instants, or `"start/end"`. */
export type Span = string | { readonly start: Instant; readonly end: Instant }

export type Granularity =
  | "SECOND"
  | "MINUTE"
  | "FIVE_MINUTE"
  | "FIFTEEN_MINUTE"
  | "HOUR"
  | "SIX_HOUR"
  | "DAY"
  | "WEEK"
  | "MONTH"
  | "QUARTER"
  | "YEAR"
  | "ALL"

/** Druid's smallest and greatest instant (Joda's range, halved), the interval of granularity ALL. */
export const ETERNITY: Interval = { start: -4611686018427387904n, end: 4611686018427387903n }

const DAY_MS = 86_400_000n
const FIXED_MS: Partial<Record<Granularity, bigint>> = {
  FIVE_MINUTE: 300_000n,
  SECOND: 1_000n,
  MINUTE: 60_000n,
  FIFTEEN_MINUTE: 900_000n,
  HOUR: 3_600_000n,
  SIX_HOUR: 21_600_000n,
  DAY: DAY_MS,
}
const MONTHS: Partial<Record<Granularity, number>> = { MONTH: 1, QUARTER: 3, YEAR: 12 }

/** From coarse to fine, as segment allocation tries them (weeks are never tried). */
const FINER: readonly Granularity[] = [
  "ALL",
  "YEAR",
  "QUARTER",
  "MONTH",
  "WEEK",
  "DAY",
  "SIX_HOUR",
  "HOUR",
  "FIFTEEN_MINUTE",
  "MINUTE",
  "SECOND",
]

/** The granularity itself and then all finer ones. */
export function andFiner(granularity: Granularity): Granularity[] {
  return FINER.slice(FINER.indexOf(granularity)).filter((g) => g === granularity || g !== "WEEK")
}

function floorDiv(a: bigint, b: bigint): bigint {
  const q = a / b
  return a % b < 0n ? q - 1n : q
}

/** Days since 1970 of a date of the proleptic Gregorian calendar; `month` 1 to 12. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return (
    era * 146097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719468
  )
}

/** `[year, month, day]` of a day since 1970. */
function civilFromDays(days: number): [number, number, number] {
  const z = days + 719468
  const era = Math.floor(z / 146097)
  const dayOfEra = z - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const mp = Math.floor((5 * dayOfYear + 2) / 153)
  const month = mp < 10 ? mp + 3 : mp - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return [year, month, dayOfYear - Math.floor((153 * mp + 2) / 5) + 1]
}

const ISO =
  /^([+-]?\d{1,9})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,3}))?)?)?)?)?)?Z?$/

/** Milliseconds of an instant. */
export function ms(instant: Instant): bigint {
  if (typeof instant === "bigint") return instant
  if (typeof instant === "number") return BigInt(instant)
  const match = ISO.exec(instant)
  if (!match) throw new Error(`Not an instant: ${instant}`)
  const [, year, month = "1", day = "1", hour = "0", minute = "0", second = "0", milli = "0"] = match
  const days = daysFromCivil(Number(year), Number(month), Number(day))
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  return BigInt(days) * DAY_MS + BigInt(seconds * 1000 + Number(milli.padEnd(3, "0")))
}

const pad = (n: number, width = 2) => String(n).padStart(width, "0")

/** Instant as Druid prints it: `2020-01-01T00:00:00.000Z`, `10000-01-01…` without a plus, `-4970-03-02…`. */
export function iso(instant: bigint): string {
  const day = floorDiv(instant, DAY_MS)
  const inDay = Number(instant - day * DAY_MS)
  const [year, month, dayOfMonth] = civilFromDays(Number(day))
  const yearText = year < 0 ? `-${pad(-year, 4)}` : pad(year, 4)
  const time = `${pad(Math.floor(inDay / 3_600_000))}:${pad(Math.floor(inDay / 60_000) % 60)}`
  return `${yearText}-${pad(month)}-${pad(dayOfMonth)}T${time}:${pad(Math.floor(inDay / 1000) % 60)}.${pad(inDay % 1000, 3)}Z`
}

/** Interval of a span. */
export function interval(span: Span): Interval {
  const { start, end } = typeof span === "string" ? splitSpan(span) : span
  const found = { start: ms(start), end: ms(end) }
  if (found.start > found.end) throw new Error(`Interval ends before it starts: ${isoInterval(found)}`)
  return found
}

function splitSpan(span: string): { start: string; end: string } {
  const [start, end, more] = span.split("/")
  if (start === undefined || end === undefined || more !== undefined)
    throw new Error(`Not an interval: ${span}`)
  return { start, end }
}

/** `start/end` in ISO. */
export function isoInterval(i: Interval): string {
  return `${iso(i.start)}/${iso(i.end)}`
}

/** The time chunk of a granularity that holds an instant. */
export function chunkOf(instant: bigint, granularity: Granularity): Interval {
  if (granularity === "ALL") return ETERNITY
  const width = FIXED_MS[granularity]
  if (width !== undefined) {
    const start = floorDiv(instant, width) * width
    return { start, end: start + width }
  }
  const day = floorDiv(instant, DAY_MS)
  if (granularity === "WEEK") {
    const monday = floorDiv(day + 3n, 7n) * 7n - 3n
    return { start: monday * DAY_MS, end: (monday + 7n) * DAY_MS }
  }
  const span = MONTHS[granularity] ?? 1
  const [year, month] = civilFromDays(Number(day))
  const first = Math.floor((year * 12 + month - 1) / span) * span
  return { start: monthStart(first), end: monthStart(first + span) }
}

function monthStart(monthIndex: number): bigint {
  return BigInt(daysFromCivil(Math.floor(monthIndex / 12), (((monthIndex % 12) + 12) % 12) + 1, 1)) * DAY_MS
}

/** All time chunks of a granularity that overlap an interval. */
export function chunksOf(of: Interval, granularity: Granularity): Interval[] {
  const chunks: Interval[] = []
  for (let at = of.start; at < of.end; ) {
    const chunk = chunkOf(at, granularity)
    chunks.push(chunk)
    at = chunk.end
  }
  return chunks
}

export function overlaps(a: Interval, b: Interval): boolean {
  return a.start < b.end && b.start < a.end
}

export function contains(outer: Interval, inner: Interval): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

/** The common part; undefined where there is none. */
export function intersection(a: Interval, b: Interval): Interval | undefined {
  let { start, end } = a
  if (b.start > start) start = b.start
  if (b.end < end) end = b.end
  return start < end ? { start, end } : undefined
}
