/** Algebra of half-open intervals: pure, exact, over `bigint` milliseconds. Shared by `plan/`, `store/` and those above. */
import type { Interval } from "./domain.ts"
import { formatDruidTime, parseDruidTime } from "./time.ts"

/** The part that two intervals share, or undefined. */
export function intersection(a: Interval, b: Interval): Interval | undefined {
  const start = a.start > b.start ? a.start : b.start
  const end = a.end < b.end ? a.end : b.end
  return start < end ? { start, end } : undefined
}

export function overlaps(a: Interval, b: Interval): boolean {
  return a.start < b.end && b.start < a.end
}

export function contains(outer: Interval, inner: Interval): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

export function sameInterval(a: Interval, b: Interval): boolean {
  return a.start === b.start && a.end === b.end
}

/** Sorts by start, then end: a comparison for `Array.sort`. */
export function byStart(a: Interval, b: Interval): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1
  if (a.end !== b.end) return a.end < b.end ? -1 : 1
  return 0
}

/** The union as ascending, disjoint intervals; neighbours that touch become one. */
export function union(intervals: readonly Interval[]): Interval[] {
  const merged: { start: bigint; end: bigint }[] = []
  for (const next of [...intervals].sort(byStart)) {
    const last = merged.at(-1)
    if (last !== undefined && next.start <= last.end) {
      if (next.end > last.end) last.end = next.end
    } else merged.push({ start: next.start, end: next.end })
  }
  return merged
}

/** From the first start to the last end; undefined of none. */
export function hull(intervals: readonly Interval[]): Interval | undefined {
  let all: Interval | undefined
  for (const { start, end } of intervals) {
    if (all === undefined) all = { start, end }
    else all = { start: start < all.start ? start : all.start, end: end > all.end ? end : all.end }
  }
  return all
}

/** What of `whole` none of `others` covers: ascending, disjoint. */
export function subtract(whole: Interval, others: readonly Interval[]): Interval[] {
  const rest: Interval[] = []
  let start = whole.start
  for (const other of union(others)) {
    if (other.end <= start) continue
    if (other.start >= whole.end) break
    if (other.start > start) rest.push({ start, end: other.start })
    start = other.end
  }
  if (start < whole.end) rest.push({ start, end: whole.end })
  return rest
}

/**
 * Walks two ascending lists side by side: for each interval of `a` the members of `b` that overlap it.
 * The members of `b` must be disjoint among themselves. Linear in the number of overlaps, so that 50,000
 * chunks against 50,000 checkpoints stay cheap.
 */
export function overlapping<A extends { interval: Interval }, B extends { interval: Interval }>(
  a: readonly A[],
  b: readonly B[],
): B[][] {
  let from = 0
  return a.map(({ interval }) => {
    while (from < b.length && b[from]!.interval.end <= interval.start) from++
    const found: B[] = []
    for (let i = from; i < b.length && b[i]!.interval.start < interval.end; i++) {
      if (overlaps(b[i]!.interval, interval)) found.push(b[i]!)
    }
    return found
  })
}

/** How many of an ascending list come before the first of which this does not hold: found by halving. */
export function countWhile<T>(ascending: readonly T[], holds: (one: T) => boolean): number {
  let from = 0
  let to = ascending.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (holds(ascending[middle]!)) from = middle + 1
    else to = middle
  }
  return from
}

/** A question to ask of many: does any of `intervals` overlap this one? Sorted once, each answer found by halving. */
export function anyOverlap(intervals: readonly Interval[]): (interval: Interval) => boolean {
  const merged = union(intervals)
  return (interval) => {
    const next = merged[countWhile(merged, (one) => one.end <= interval.start)]
    return next !== undefined && overlaps(next, interval)
  }
}

/**
 * The longest step in which one comes from the first start to every start and every end, ms.
 * @param intervals ascending; at least one
 */
export function commonStepMs(intervals: readonly Interval[]): bigint {
  const { start: first, end } = intervals[0]!
  let step = end - first
  for (const { start, end } of intervals) step = divisor(divisor(step, start - first), end - first)
  return step
}

/** The greatest common divisor (Euclid). */
function divisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : divisor(b, a % b)
}

/** As Druid writes it: `2016-06-27T00:00:00.000Z/2016-06-28T00:00:00.000Z`. */
export function intervalText({ start, end }: Interval): string {
  return `${formatDruidTime(start)}/${formatDruidTime(end)}`
}

/** The interval of such a text. @throws RangeError if it is not an interval */
export function parseInterval(text: string): Interval {
  const [start = "", end = ""] = text.split("/")
  return { start: parseDruidTime(start), end: parseDruidTime(end) }
}
