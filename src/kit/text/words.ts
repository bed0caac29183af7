/** Numbers, sizes and times as people read them. Pure, and the same on every machine: no locale, UTC only. */
import type { Interval } from "../../base/domain.ts"
import { hull, parseInterval, union } from "../../base/intervals.ts"
import { civil, formatDruidTime, MIN_TIME } from "../../base/time.ts"

/** `24,112` */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",")
}

/** What a configuration has: `2 datasources and 1 pattern`. */
export function choiceWords(datasources: number, patterns: number): string {
  const matched = patterns > 0 ? [counted(patterns, "pattern")] : []
  const named = datasources > 0 || patterns === 0 ? [counted(datasources, "datasource")] : []
  return [...named, ...matched].join(" and ")
}

/** `1 row`, `24,112 rows` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** With a capital letter first. */
export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const SIZES = ["B", "kB", "MB", "GB", "TB", "PB"] as const

/** `512 B`, `26.1 MB`: decimal units, as in the configuration. */
export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  // 999.95 kB would be printed as 1000.0 kB
  while (value >= 999.95 && unit < SIZES.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${SIZES[unit]}`
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 05 min`, `3 d 04 h`. @param tenths whether less than 10 s has a decimal */
export function duration(ms: number, tenths = true): string {
  if (tenths && ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0")
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86_400)} d ${two((seconds % 86_400) / 3600)} h`
}

/** `just now`, `5 minutes ago`, `3 days ago`; `in the future` where the clocks disagree by more than a minute. */
export function ago(thenMs: number, nowMs: number): string {
  const seconds = Math.floor((nowMs - thenMs) / 1000)
  if (seconds < -60) return "in the future"
  if (seconds < 60) return "just now"
  if (seconds < 3600) return `${counted(Math.floor(seconds / 60), "minute")} ago`
  if (seconds < 2 * 86_400) return `${counted(Math.floor(seconds / 3600), "hour")} ago`
  return `${counted(Math.floor(seconds / 86_400), "day")} ago`
}

/** `2016-06-27 21:31:02.498` from Druid's `2016-06-27T21:31:02.498Z`; seconds and fractions only where they count. */
export function time(text: string): string {
  // As DuckDB shows it, and the one bucket of all time begins there.
  if (text === formatDruidTime(MIN_TIME)) return "-infinity"
  return text.replace("T", " ").replace(/(:00)?(\.000)?Z$/, "")
}

/**
 * What a run was limited to: `only from 2016-06-27 on was looked at (--since)`.
 * @param range times as Druid writes them
 */
export function rangeWords({ since, until }: { since: string | null; until: string | null }): string {
  const short = (text: string) => time(text).replace(/ 00:00$/, "")
  if (until === null) return `only from ${short(since!)} on was looked at (--since)`
  if (since === null) return `only what is before ${short(until)} was looked at (--until)`
  return `only from ${short(since)} to before ${short(until)} was looked at (--since, --until)`
}

const DAY_MS = 86_400_000n

/**
 * An interval in words: `2016`, `2016-06`, `2016-06-28`, `2016-06-28 to 2016-06-30` (the last day belongs to it),
 * `2016-06-28 05:00 to 06:00`.
 */
export function intervalWords({ start, end }: Interval): string {
  const endless = 4611686018427387903n
  if (start <= -endless && end >= endless) return "all time"
  if (start <= -endless) return `before ${moment(end)}`
  if (end >= endless) return `from ${moment(start)} on`
  if (start % DAY_MS !== 0n || end % DAY_MS !== 0n) return clockWords(start, end)
  const from = day(start)
  const [first, next] = [civil(start), civil(end)]
  if (first.day === 1 && next.day === 1) {
    const months = (next.year - first.year) * 12 + next.month - first.month
    if (months === 12 && first.month === 1) return from.slice(0, -"-01-01".length)
    if (months === 1) return from.slice(0, -"-01".length)
  }
  return end - start === DAY_MS ? from : `${from} to ${day(end - DAY_MS)}`
}

/** The same of an interval as documents have it. */
export function spanWords(interval: string): string {
  return intervalWords(parseInterval(interval))
}

function clockWords(start: bigint, end: bigint): string {
  const sameDay = day(start) === day(end)
  if (sameDay) return `${moment(start)} to ${clock(end)}`
  if (end % DAY_MS === 0n && day(end - DAY_MS) === day(start)) return `${moment(start)} to 24:00`
  return `${moment(start)} to ${moment(end)}`
}

function day(ms: bigint): string {
  return formatDruidTime(ms).split("T")[0]!
}

function clock(ms: bigint): string {
  return formatDruidTime(ms)
    .split("T")[1]!
    .replace(/(:00)?(\.000)?Z$/, "")
}

function moment(ms: bigint): string {
  return ms % DAY_MS === 0n ? day(ms) : `${day(ms)} ${clock(ms)}`
}

/**
 * Several intervals in words: neighbours are joined; more than `most` become a number and what they span.
 * @param intervals in any order
 */
export function intervalsWords(intervals: readonly Interval[], most = 3): string {
  const joined = union(intervals)
  if (joined.length <= most) return joined.map(intervalWords).join(", ")
  return `${count(joined.length)} intervals within ${intervalWords(hull(joined)!)}`
}

/** The same of intervals as documents have them. */
export function spansWords(intervals: readonly string[], most = 3): string {
  return intervalsWords(intervals.map(parseInterval), most)
}
