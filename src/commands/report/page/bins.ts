/**
 * Time cut into bars of equal width, few enough for a page whatever the number of chunks: what each bar holds of which
 * state, and how many rows. Pure. Chunks without bounds, whose times `Date` cannot hold, are counted apart.
 */

import type { Interval } from "../../../base/domain.ts"
import { hull } from "../../../base/intervals.ts"
import { sumOf } from "../../../base/lists.ts"
import { civil, fromCivil } from "../../../base/time.ts"
import type { Mark } from "../../../kit/status/states.ts"

/** Something on the time line. */
export interface Mentioned {
  readonly interval: Interval
  readonly mark: Mark
  readonly rows: number
}

export interface Bin {
  readonly startMs: number
  readonly endMs: number
  /** share of the whole line, 0 to 1 */
  readonly from: number
  readonly to: number
  readonly rows: number
  /** chunks, or pieces of chunks, by state */
  readonly marks: ReadonlyMap<Mark, number>
}

export interface Bins {
  readonly bins: readonly Bin[]
  /** length of a bar in words: `day`, `6 hours` */
  readonly unit: string
  /** some chunk is longer than a bar: its rows are spread evenly over its bars */
  readonly isSpread: boolean
  /** chunks that are left out, since they have no bounds that a calendar knows, and their rows */
  readonly unbounded: { readonly chunks: number; readonly rows: number }
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

interface Unit {
  readonly words: string
  readonly ms: number
  /** by the calendar, where it is not a fixed length */
  readonly months?: number
}

const UNITS: readonly Unit[] = [
  { words: "minute", ms: MINUTE },
  { words: "5 minutes", ms: 5 * MINUTE },
  { words: "15 minutes", ms: 15 * MINUTE },
  { words: "hour", ms: HOUR },
  { words: "3 hours", ms: 3 * HOUR },
  { words: "6 hours", ms: 6 * HOUR },
  { words: "12 hours", ms: 12 * HOUR },
  { words: "day", ms: DAY },
  { words: "week", ms: 7 * DAY },
  { words: "month", ms: 30.4375 * DAY, months: 1 },
  { words: "quarter", ms: 91.3125 * DAY, months: 3 },
  { words: "year", ms: 365.25 * DAY, months: 12 },
  ...[5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000].map((years) => ({
    words: `${years} years`,
    ms: years * 365.25 * DAY,
    months: years * 12,
  })),
]

/** Half the range of `Date` on either side, so that the next calendar step still fits. */
const BOUND = 4_000_000_000_000_000n

/** Monday, 1970-01-05: weeks begin there. */
const MONDAY = 4 * DAY

/**
 * @param items disjoint among those that hold rows; `missing` ones may overlap them
 * @param most how many bars there may be, at least 2
 * @returns undefined if there is nothing to show on a line
 */
export function binned(items: readonly Mentioned[], most: number): Bins | undefined {
  const bounded = items.filter(({ interval }) => interval.start > -BOUND && interval.end < BOUND)
  const isBounded = new Set(bounded)
  const rest = items.filter((item) => !isBounded.has(item) && item.mark !== "missing")
  const unbounded = { chunks: rest.length, rows: sumOf(rest, (item) => item.rows) }
  if (bounded.length === 0) return undefined
  const span = hull(bounded.map(({ interval }) => interval))!
  const [start, end] = [Number(span.start), Number(span.end)]
  const unit = unitFor(bounded, start, end, most)
  const edges = edgesOf(unit, start, end)
  const whole = edges.at(-1)! - edges[0]!
  const bins = edges.slice(1).map((to, n) => ({
    startMs: edges[n]!,
    endMs: to,
    from: (edges[n]! - edges[0]!) / whole,
    to: (to - edges[0]!) / whole,
    rows: 0,
    marks: new Map<Mark, number>(),
  }))
  let isSpread = false
  for (const { interval, mark, rows } of bounded) {
    const from = Number(interval.start)
    const to = Number(interval.end)
    const first = binAt(edges, from)
    let given = 0
    for (let n = first; n < bins.length && bins[n]!.startMs < to; n++) {
      const bin = bins[n]!
      bin.marks.set(mark, (bin.marks.get(mark) ?? 0) + 1)
      if (mark === "missing") continue
      // Rounded as a running sum, so that no row is lost or doubled.
      const upTo = bin.endMs >= to ? rows : Math.round((rows * (bin.endMs - from)) / (to - from))
      bin.rows += upTo - given
      given = upTo
      if (n > first) isSpread = true
    }
  }
  return { bins, unit: unit.words, isSpread, unbounded }
}

/** Not finer than the chunks are, and not more bars than allowed. */
function unitFor(items: readonly Mentioned[], start: number, end: number, most: number): Unit {
  const lengths = items.map(({ interval }) => Number(interval.end - interval.start)).sort((a, b) => a - b)
  const usual = lengths[lengths.length >> 1]!
  const fits = (unit: Unit) => (end - start) / unit.ms <= most - 2
  // Months differ in length: 28 days are a month too.
  return UNITS.find((unit) => unit.ms >= usual * 0.9 && fits(unit)) ?? UNITS.find(fits) ?? UNITS.at(-1)!
}

/** Ascending, from at or before the start to at or after the end. */
function edgesOf(unit: Unit, start: number, end: number): number[] {
  const edges: number[] = []
  if (unit.months === undefined) {
    const origin = unit.ms === 7 * DAY ? MONDAY : 0
    for (let at = Math.floor((start - origin) / unit.ms) * unit.ms + origin; ; at += unit.ms) {
      edges.push(at)
      if (at >= end) return edges
    }
  }
  const first = civil(BigInt(start))
  const months = first.year * 12 + first.month - 1
  for (let month = Math.floor(months / unit.months) * unit.months; ; month += unit.months) {
    const at = firstOfMonth(month)
    edges.push(at)
    if (at >= end) return edges
  }
}

/** @param month months since the year 0 */
function firstOfMonth(month: number): number {
  const year = Math.floor(month / 12)
  return Number(fromCivil({ year, month: month - year * 12 + 1, day: 1, ofDayMs: 0 }))
}

/** Index of the bar that holds the instant. */
function binAt(edges: readonly number[], ms: number): number {
  let low = 0
  let high = edges.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (edges[middle]! <= ms) low = middle
    else high = middle - 1
  }
  return low
}
