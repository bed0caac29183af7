/** Short builders for the words of the domain, and the arbitraries that the property tests share. */
import fc from "fast-check"
import type { Chunk, Interval, Part, Segment, Work } from "../../src/base/domain.ts"
import { segmentSetText } from "../../src/plan/segment-set.ts"

/** Every property test runs with this many cases unless it says otherwise; a failure prints its seed. */
export const RUNS = 1_000

export function span(start: number | bigint, end: number | bigint): Interval {
  return { start: BigInt(start), end: BigInt(end) }
}

/** A settled segment of ten rows, but for what is given. */
export function seg(start: number | bigint, end: number | bigint, given: Partial<Segment> = {}): Segment {
  return {
    interval: span(start, end),
    version: "v1",
    partition: 0,
    rows: 10,
    sizeBytes: 100,
    isPublished: true,
    isAvailable: true,
    isRealtime: false,
    replicationFactor: 1,
    isTombstone: false,
    isUsed: true,
    ...given,
  }
}

/** A chunk of segments that all have its interval. */
export function chunk(start: number, end: number, ...given: Partial<Segment>[]): Chunk {
  const segments = (given.length === 0 ? [{}] : given).map((one, partition) =>
    seg(start, end, { partition, ...one }),
  )
  return { interval: span(start, end), segments }
}

/** What we hold after a complete fetch of the segments. */
export function part(
  start: number,
  end: number,
  segments: readonly Segment[],
  given: Partial<Part> = {},
): Part {
  return {
    interval: span(start, end),
    segments: segmentSetText(segments),
    rows: segments.reduce((sum, segment) => sum + segment.rows, 0),
    state: "complete",
    settings: "s",
    ...given,
  }
}

export function work(of: Chunk, given: Partial<Work> = {}): Work {
  return {
    interval: of.interval,
    chunk: of,
    reason: { kind: "new" },
    state: "complete",
    expectedRows: of.segments.reduce((sum, segment) => sum + segment.rows, 0),
    ...given,
  }
}

/** Every millisecond of the intervals. */
export function bitmap(intervals: readonly Interval[]): Set<bigint> {
  const set = new Set<bigint>()
  for (const { start, end } of intervals) for (let t = start; t < end; t++) set.add(t)
  return set
}

export const smallInterval: fc.Arbitrary<Interval> = fc
  .tuple(fc.integer({ min: -30, max: 30 }), fc.integer({ min: 1, max: 20 }))
  .map(([start, length]) => span(start, start + length))
