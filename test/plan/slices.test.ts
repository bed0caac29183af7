import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import type { Bucket, Chunk, Interval, Slice, Work } from "../../src/base/domain.ts"
import { contains, subtract, union } from "../../src/base/intervals.ts"
import {
  apart,
  bucketWidthMs,
  cut,
  halves,
  isTooBig,
  needsMeasuring,
  rowsOfSlice,
  slicesOf,
} from "../../src/plan/slices.ts"
import { chunk, RUNS, span, work } from "./support.ts"

/** Buckets within an interval, as a histogram gives them: ascending, empty ones left out. */
const bucketsIn = ({ start, end }: Interval): fc.Arbitrary<Bucket[]> => {
  const length = Number(end - start)
  return fc
    .tuple(
      fc.integer({ min: 1, max: Math.max(1, length) }),
      fc.array(fc.nat({ max: 30 }), { maxLength: length }),
    )
    .map(([width, counts]) => {
      const buckets: Bucket[] = []
      for (const [n, rows] of counts.entries()) {
        const from = start + BigInt(n * width)
        const to = from + BigInt(width) < end ? from + BigInt(width) : end
        if (from < end && rows > 0)
          buckets.push({ interval: { start: from, end: to }, all: rows, matching: rows })
      }
      return buckets
    })
}

/** Disjoint chunks, ascending, with gaps; some touch. */
const chunkList: fc.Arbitrary<Chunk[]> = fc
  .array(fc.tuple(fc.nat({ max: 3 }), fc.integer({ min: 1, max: 12 }), fc.nat({ max: 40 })), {
    maxLength: 10,
  })
  .map((list) => {
    let at = -20
    return list.map(([gap, length, rows]) => {
      const start = at + gap
      at = start + length
      return chunk(start, at, { rows })
    })
  })

/** Some of the chunks, whole or in pieces, as a diff leaves them: ascending, disjoint, each within its chunk. */
const worksOf = (chunks: readonly Chunk[]): fc.Arbitrary<Work[]> =>
  fc
    .tuple(
      ...chunks.map((one) =>
        fc
          .record({
            holes: fc.array(fc.tuple(fc.nat({ max: 12 }), fc.integer({ min: 1, max: 6 })), { maxLength: 2 }),
            take: fc.boolean(),
            state: fc.constantFrom<Work["state"]>("complete", "complete", "provisional", "unproven"),
            rows: fc.option(fc.nat({ max: 40 }), { nil: undefined }),
          })
          .map(({ holes, take, state, rows }) =>
            !take
              ? []
              : subtract(
                  one.interval,
                  holes.map(([from, length]) => ({
                    start: one.interval.start + BigInt(from),
                    end: one.interval.start + BigInt(from + length),
                  })),
                ).map((interval) => work(one, { interval, state, expectedRows: rows })),
          ),
      ),
    )
    .map((lists) => lists.flat())

const planned = chunkList.chain((chunks) => fc.tuple(fc.constant(chunks), worksOf(chunks)))

const intervalsOf = (slices: readonly Slice[]) => slices.flatMap((s) => s.works.map((w) => w.interval))

describe("cutting a work", () => {
  const cuts = fc
    .tuple(
      fc.integer({ min: -50, max: 50 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 50 }),
    )
    .chain(([start, length, target]) =>
      fc.tuple(
        fc.constant(work(chunk(start, start + length))),
        bucketsIn(span(start, start + length)),
        fc.constant(target),
      ),
    )

  it("covers it exactly once: no gap, no overlap (I5)", () => {
    fc.assert(
      fc.property(cuts, ([one, buckets, target]) => {
        const pieces = cut(one, buckets, target)
        expect(pieces[0]!.interval.start).toBe(one.interval.start)
        expect(pieces.at(-1)!.interval.end).toBe(one.interval.end)
        for (const [n, piece] of pieces.entries()) {
          expect(piece.interval.start < piece.interval.end).toBe(true)
          if (n > 0) expect(piece.interval.start).toBe(pieces[n - 1]!.interval.end)
        }
      }),
      { numRuns: RUNS },
    )
  })

  it("expects of each piece the rows of its buckets, and exceeds the target only where one bucket does", () => {
    fc.assert(
      fc.property(cuts, ([one, buckets, target]) => {
        for (const piece of cut(one, buckets, target)) {
          const inside = buckets.filter((bucket) => contains(piece.interval, bucket.interval))
          const rows = inside.reduce((sum, bucket) => sum + bucket.matching, 0)
          expect(piece.expectedRows).toBe(rows)
          const filled = inside.filter((bucket) => bucket.matching > 0)
          if (rows > target) expect(filled.length).toBe(1)
        }
        expect(
          buckets.every((bucket) =>
            cut(one, buckets, target).some((p) => contains(p.interval, bucket.interval)),
          ),
        ).toBe(true)
      }),
      { numRuns: RUNS / 2 },
    )
  })

  it("promises no rows of what may still change", () => {
    const live = work(chunk(0, 10), { state: "provisional", expectedRows: undefined })
    const pieces = cut(
      live,
      [
        { interval: span(0, 5), all: 9, matching: 9 },
        { interval: span(5, 10), all: 9, matching: 9 },
      ],
      10,
    )
    expect(pieces.map((p) => [p.expectedRows, p.measuredRows])).toEqual([
      [undefined, 9],
      [undefined, 9],
    ])
  })

  it("without a bucket leaves it in one piece that expects nothing", () => {
    expect(cut(work(chunk(0, 10)), [], 5)).toMatchObject([{ interval: span(0, 10), expectedRows: 0 }])
  })
})

describe("slices", () => {
  it("cover the works exactly once, in order (I5)", () => {
    fc.assert(
      fc.property(planned, fc.integer({ min: 1, max: 80 }), ([chunks, works], target) => {
        const slices = slicesOf([...works].reverse(), chunks, target)
        expect(intervalsOf(slices)).toEqual(works.map((one) => one.interval))
        for (const slice of slices) {
          expect(slice.interval.start).toBe(slice.works[0]!.interval.start)
          expect(slice.interval.end).toBe(slice.works.at(-1)!.interval.end)
        }
      }),
      { numRuns: RUNS },
    )
  })

  it("span nothing that Druid has and that is not theirs: no foreign chunk, no held stretch", () => {
    fc.assert(
      fc.property(planned, fc.integer({ min: 1, max: 200 }), ([chunks, works], target) => {
        const active = union(chunks.map((one) => one.interval))
        for (const slice of slicesOf(works, chunks, target)) {
          const own = slice.works.map((one) => one.interval)
          for (const between of subtract(slice.interval, own))
            expect(subtract(between, active)).toEqual([between])
        }
      }),
      { numRuns: RUNS },
    )
  })

  it("mix no states, and exceed the target only with a single work", () => {
    fc.assert(
      fc.property(planned, fc.integer({ min: 1, max: 80 }), ([chunks, works], target) => {
        for (const slice of slicesOf(works, chunks, target)) {
          expect(new Set(slice.works.map((one) => one.state)).size).toBe(1)
          if (slice.rows > target) expect(slice.works.length).toBe(1)
        }
      }),
      { numRuns: RUNS },
    )
  })

  it("join small neighbours, at most 1,000, also across time without data", () => {
    const chunks = Array.from({ length: 2_250 }, (_, n) => chunk(n * 10, n * 10 + 5, { rows: 1 }))
    const slices = slicesOf(
      chunks.map((one) => work(one)),
      chunks,
      100_000,
    )
    expect(slices.map((slice) => slice.works.length)).toEqual([1_000, 1_000, 250])
  })

  it("keep apart what was cut apart, also where Druid knows no row count", () => {
    const uncounted = chunk(0, 10, { rows: 0 })
    const whole = work(uncounted, { state: "unproven", expectedRows: undefined })
    const pieces = cut(
      whole,
      [
        { interval: span(0, 5), all: 90, matching: 90 },
        { interval: span(5, 10), all: 90, matching: 90 },
      ],
      100,
    )
    expect(slicesOf(pieces, [uncounted], 100).length).toBe(2)
  })
})

describe("what must be measured before it is fetched", () => {
  const target = 100
  it("is what is too big, and what cannot be proven by metadata", () => {
    const of = (rows: number | undefined, more: Partial<Work> = {}) =>
      needsMeasuring(work(chunk(0, 10, { rows: rows ?? 50 }), { expectedRows: rows, ...more }), target, false)
    expect(of(100)).toBe(false)
    expect(of(150)).toBe(false)
    expect(of(151)).toBe(true)
    expect(of(undefined)).toBe(true)
    expect(of(undefined, { state: "provisional" })).toBe(false)
  })

  it("is any chunk that Druid has not counted: 0 may mean millions", () => {
    for (const state of ["unproven", "provisional"] as const) {
      const one = work(chunk(0, 10, { rows: 0 }), { state, expectedRows: undefined })
      expect(needsMeasuring(one, target, false)).toBe(true)
    }
  })

  it("is a realtime chunk that has grown beyond the target", () => {
    const one = work(chunk(0, 10, { rows: 101 }), { state: "provisional", expectedRows: undefined })
    expect(needsMeasuring(one, target, false)).toBe(true)
  })

  it("is anything under a filter, since metadata counts the rows that it leaves out, but for known emptiness", () => {
    const of = (rows: number, more: Partial<Work> = {}) =>
      needsMeasuring(work(chunk(0, 10, { rows }), { expectedRows: rows, ...more }), target, true)
    expect(of(1)).toBe(true)
    expect(of(0)).toBe(false)
    expect(of(1, { reason: { kind: "added", segments: 1 } })).toBe(false)
  })
})

describe("buckets", () => {
  it("are whole milliseconds, cover the interval, and are fine enough to balance", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 9223372036854775807n }),
        fc.nat({ max: 1e9 }),
        fc.integer({ min: 1, max: 1e6 }),
        (length, rows, target) => {
          const width = bucketWidthMs({ start: -5n, end: length - 5n }, rows, target)
          const buckets = (length + width - 1n) / width
          expect(width >= 1n).toBe(true)
          expect(buckets <= 4096n).toBe(true)
        },
      ),
      { numRuns: RUNS },
    )
  })

  it("that are too big are measured again, always finer, so that measuring ends", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1000 }), fc.integer({ min: 1, max: 50 }), (length, target) => {
        const bucket = { interval: span(0, length), all: target * 2, matching: target * 2 }
        expect(isTooBig(bucket, target)).toBe(true)
        const width = bucketWidthMs(bucket.interval, bucket.all, target)
        expect(width < BigInt(length)).toBe(true)
      }),
      { numRuns: RUNS },
    )
  })

  it("of one millisecond are as small as it gets: rows with equal time stay together", () => {
    expect(isTooBig({ interval: span(5, 6), all: 40_000, matching: 40_000 }, 100)).toBe(false)
  })
})

describe("halves", () => {
  it("cover the slice exactly once and end at single milliseconds", () => {
    fc.assert(
      fc.property(planned, ([chunks, works]) => {
        for (const slice of slicesOf(works, chunks, 60)) {
          const both = halves(slice)
          if (both === undefined) {
            expect(slice.works.length).toBe(1)
            expect(slice.interval.end - slice.interval.start).toBe(1n)
            continue
          }
          expect(union(intervalsOf(both))).toEqual(union(slice.works.map((one) => one.interval)))
          expect(subtract(both[0].interval, [both[1].interval])).toEqual([both[0].interval])
          for (const half of both)
            for (const one of half.works)
              if (slice.works.length === 1) expect(one.expectedRows).toBeUndefined()
        }
      }),
      { numRuns: RUNS },
    )
  })
})

describe("the rows of a slice", () => {
  it("are as many as the config says, or fewer where they are wide", () => {
    expect(rowsOfSlice(125_000, undefined, 1e9)).toBe(125_000)
    expect(rowsOfSlice(125_000, 262.4, 1e9)).toBe(125_000)
    expect(rowsOfSlice(125_000, 10_000, 1e9)).toBe(6_400)
    expect(rowsOfSlice(125_000, 10_000, 8e6)).toBe(200)
    expect(rowsOfSlice(125_000, 1e9, 1e9)).toBe(1)
  })

  it("are at least one, no more than the config's, and fit the spool with some beside them", () => {
    const bytes = fc.double({ min: 1, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), bytes, bytes, (most, rowBytes, spool) => {
        const rows = rowsOfSlice(most, rowBytes, spool)
        expect(rows >= 1 && rows <= most && Number.isInteger(rows)).toBe(true)
        if (rows > 1) expect(rows * rowBytes).toBeLessThanOrEqual(spool / 4)
      }),
      { numRuns: RUNS },
    )
  })
})

describe("a slice taken apart", () => {
  it("covers the same works in order, the suspects alone", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(fc.nat({ max: 11 })), (count, chosen) => {
        const chunks = Array.from({ length: count }, (_, n) => chunk(n * 10, n * 10 + 10))
        const [slice] = slicesOf(
          chunks.map((one) => work(one)),
          chunks,
          1e6,
        )
        const suspects = [...new Set(chosen.filter((n) => n < count))].sort((a, b) => a - b)
        const pieces = apart(slice!, suspects)
        expect(intervalsOf(pieces)).toEqual(slice!.works.map((one) => one.interval))
        for (const n of suspects)
          expect(pieces.find((p) => p.works.includes(slice!.works[n]!))!.works.length).toBe(1)
        expect(pieces.length).toBeLessThanOrEqual(2 * suspects.length + 1)
      }),
      { numRuns: RUNS },
    )
  })
})
