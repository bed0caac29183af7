import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import type { Interval } from "../../src/base/domain.ts"
import {
  anyOverlap,
  byStart,
  contains,
  intersection,
  overlapping,
  overlaps,
  sameInterval,
  subtract,
  union,
} from "../../src/base/intervals.ts"
import { bitmap, RUNS, smallInterval, span } from "./support.ts"

const many = fc.array(smallInterval, { maxLength: 12 })

function isAscendingAndApart(intervals: readonly Interval[], gap: bigint): boolean {
  return intervals.every(
    (one, n) => one.start < one.end && (n === 0 || one.start >= intervals[n - 1]!.end + gap),
  )
}

describe("interval algebra, against every single millisecond", () => {
  it("union holds exactly what its members hold, ascending, and leaves no two that touch", () => {
    fc.assert(
      fc.property(many, (intervals) => {
        const result = union(intervals)
        expect(bitmap(result)).toEqual(bitmap(intervals))
        expect(isAscendingAndApart(result, 1n)).toBe(true)
      }),
      { numRuns: RUNS },
    )
  })

  it("subtract leaves exactly what no other covers, ascending and disjoint", () => {
    fc.assert(
      fc.property(smallInterval, many, (whole, others) => {
        const result = subtract(whole, others)
        const rest = bitmap([whole])
        for (const t of bitmap(others)) rest.delete(t)
        expect(bitmap(result)).toEqual(rest)
        expect(isAscendingAndApart(result, 1n)).toBe(true)
      }),
      { numRuns: RUNS },
    )
  })

  it("intersection, overlaps, contains and sameInterval agree with sets of milliseconds", () => {
    fc.assert(
      fc.property(smallInterval, smallInterval, (a, b) => {
        const inA = bitmap([a])
        const inB = bitmap([b])
        const both = new Set([...inA].filter((t) => inB.has(t)))
        const shared = intersection(a, b)
        expect(bitmap(shared === undefined ? [] : [shared])).toEqual(both)
        expect(overlaps(a, b)).toBe(both.size > 0)
        expect(contains(a, b)).toBe([...inB].every((t) => inA.has(t)))
        expect(sameInterval(a, b)).toBe(inA.size === inB.size && both.size === inA.size)
      }),
      { numRuns: RUNS },
    )
  })

  it("overlapping finds, for each interval, the members of the other list that share a millisecond", () => {
    const ascending = many.map((list) => [...list].sort(byStart).map((interval) => ({ interval })))
    const disjoint = many.map((list) => union(list).map((interval) => ({ interval })))
    fc.assert(
      fc.property(ascending, disjoint, (a, b) => {
        const brute = a.map((one) => b.filter((other) => overlaps(one.interval, other.interval)))
        expect(overlapping(a, b)).toEqual(brute)
      }),
      { numRuns: RUNS },
    )
  })

  it("anyOverlap says whether any member shares a millisecond", () => {
    fc.assert(
      fc.property(many, many, (intervals, asked) => {
        const brute = asked.map((one) => intervals.some((other) => overlaps(one, other)))
        expect(asked.map(anyOverlap(intervals))).toEqual(brute)
      }),
      { numRuns: RUNS },
    )
  })

  it("works at the ends of Druid's time, beyond any JavaScript number", () => {
    const eternity = { start: -4611686018427387904n, end: 4611686018427387903n }
    const last = { start: eternity.end - 1n, end: eternity.end }
    expect(subtract(eternity, [last])).toEqual([{ start: eternity.start, end: last.start }])
    expect(union([last, { start: eternity.start, end: last.start }])).toEqual([eternity])
    expect(intersection(span(0, 1), { start: 1n, end: 2n })).toBeUndefined()
  })
})
