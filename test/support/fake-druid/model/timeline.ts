/**
 * Which part of which segment is visible: the rule of Druid's `VersionedIntervalTimeline`. At each instant the
 * greatest version wins whose core partitions are all there; a newer DAY hides just its day of an older MONTH.
 */
import type { StoredSegment } from "./segment.ts"
import type { Interval } from "./time.ts"

/** A segment and the interval in which its rows are seen. */
export interface Visible {
  readonly segment: StoredSegment
  readonly interval: Interval
}

/** The visible parts of segments, in the order scans read them: interval, then partition. */
export function visibleParts(segments: Iterable<StoredSegment>): Visible[] {
  const covered = new Coverage()
  const visible: Visible[] = []
  for (const holder of holdersOf(segments).filter(isComplete)) {
    const free = covered.take(holder[0]!.interval)
    for (const interval of free) for (const segment of holder) visible.push({ segment, interval })
  }
  return visible.sort(
    (a, b) => order(a.interval.start, b.interval.start) || a.segment.partition - b.segment.partition,
  )
}

/**
 * Segments that no newer ones hide. Those of a core set that is not whole are among them, though nobody sees their rows:
 * they hide nothing themselves.
 */
export function unhidden(segments: Iterable<StoredSegment>): ReadonlySet<StoredSegment> {
  const covered = new Coverage()
  const found = new Set<StoredSegment>()
  for (const holder of holdersOf(segments)) {
    const { interval } = holder[0]!
    const free = isComplete(holder) ? covered.take(interval) : covered.copy().take(interval)
    if (free.length > 0) for (const segment of holder) found.add(segment)
  }
  return found
}

/** Segments of one interval and version, the newest first. */
function holdersOf(segments: Iterable<StoredSegment>): StoredSegment[][] {
  const holders = new Map<string, StoredSegment[]>()
  for (const segment of segments) {
    const key = `${segment.interval.start}/${segment.interval.end}/${segment.version}`
    const holder = holders.get(key)
    if (holder) holder.push(segment)
    else holders.set(key, [segment])
  }
  return [...holders.values()].sort(newestFirst)
}

/** Without one of its core partitions, nothing of an interval's version is visible. */
function isComplete(holder: readonly StoredSegment[]): boolean {
  const core = holder[0]!.corePartitions
  if (core <= 1 && holder.length === 1) return core === 0 || holder[0]!.partition === 0
  const present = new Set(holder.map((segment) => segment.partition))
  for (let partition = 0; partition < core; partition++) if (!present.has(partition)) return false
  return true
}

function newestFirst(a: readonly StoredSegment[], b: readonly StoredSegment[]): number {
  return order(b[0]!.version, a[0]!.version) || order(a[0]!.interval.start, b[0]!.interval.start)
}

function order<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Disjoint sorted intervals that are taken already. */
class Coverage {
  readonly #taken: Interval[]

  constructor(taken: readonly Interval[] = []) {
    this.#taken = [...taken]
  }

  copy(): Coverage {
    return new Coverage(this.#taken)
  }

  /** Takes an interval; returns what of it was free. */
  take(wanted: Interval): Interval[] {
    const taken = this.#taken
    let [low, high] = [0, taken.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (taken[middle]!.end < wanted.start) low = middle + 1
      else high = middle
    }
    const free: Interval[] = []
    let { start, end } = wanted
    let at = wanted.start
    let next = low
    for (; next < taken.length && taken[next]!.start <= wanted.end; next++) {
      const block = taken[next]!
      if (at < block.start) free.push({ start: at, end: block.start })
      if (block.end > at) at = block.end
      if (block.start < start) start = block.start
      if (block.end > end) end = block.end
    }
    if (at < wanted.end) free.push({ start: at, end: wanted.end })
    taken.splice(low, next - low, { start, end })
    return free
  }
}
