import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import { bucketEnd, bucketStart, bucketStepMs, bucketsAround, EVERY } from "../../src/base/buckets.ts"
import type { Chunk } from "../../src/base/domain.ts"
import { contains } from "../../src/base/intervals.ts"
import { formatDruidTime, MAX_TIME, MIN_TIME, parseDruidTime } from "../../src/base/time.ts"
import { bereft, unitsOf, wholeBuckets } from "../../src/plan/buckets.ts"
import { knownRows } from "../../src/plan/chunks.ts"
import { segmentSetText } from "../../src/plan/segment-set.ts"
import { seg } from "./support.ts"

const at = (text: string) => parseDruidTime(text.includes("T") ? `${text}:00.000Z` : `${text}T00:00:00.000Z`)
const day = (ms: bigint) => formatDruidTime(ms).slice(0, 10)
const times = fc.bigInt({ min: MIN_TIME, max: MAX_TIME - 1n })

function chunk(start: string, end: string, rows = 10): Chunk {
  const segment = seg(at(start), at(end), { rows })
  return { interval: segment.interval, segments: [segment] }
}

const spans = (chunks: readonly Chunk[]) =>
  chunks.map(({ interval, segments }) => [day(interval.start), day(interval.end), segments.length])

describe("buckets", () => {
  it.each([
    ["minute", "2024-02-29T12:34", "2024-02-29T12:34", "2024-02-29T12:35"],
    ["5 minutes", "2024-02-29T12:34", "2024-02-29T12:30", "2024-02-29T12:35"],
    ["15 minutes", "2024-02-29T12:34", "2024-02-29T12:30", "2024-02-29T12:45"],
    ["hour", "1969-12-31T23:59", "1969-12-31T23:00", "1970-01-01"],
    ["day", "2024-02-29T12:34", "2024-02-29", "2024-03-01"],
    ["week", "2020-01-01", "2019-12-30", "2020-01-06"],
    ["week", "2019-12-30", "2019-12-30", "2020-01-06"],
    ["month", "2024-02-29T12:34", "2024-02-01", "2024-03-01"],
    ["month", "2023-12-31", "2023-12-01", "2024-01-01"],
    ["year", "2024-02-29T12:34", "2024-01-01", "2025-01-01"],
  ] as const)("by %s: %s lies from %s to %s", (every, time, start, end) => {
    expect([bucketStart(every, at(time)), bucketEnd(every, at(time))]).toEqual([at(start), at(end)])
  })

  it("hold each time once, and begin where the one before ends", () => {
    fc.assert(
      fc.property(fc.constantFrom(...EVERY), times, (every, time) => {
        const [start, end] = [bucketStart(every, time), bucketEnd(every, time)]
        expect(start <= time && time < end).toBe(true)
        expect(bucketStart(every, end - 1n)).toBe(start)
        if (end < MAX_TIME) expect(bucketStart(every, end)).toBe(end)
        const stepMs = bucketStepMs(every)
        if (stepMs !== undefined && start > MIN_TIME && end < MAX_TIME)
          expect((end - start) % stepMs).toBe(0n)
      }),
    )
  })
})

describe("units", () => {
  const days = [
    chunk("2024-01-30", "2024-01-31"),
    chunk("2024-01-31", "2024-02-01"),
    chunk("2024-02-01", "2024-02-02"),
  ]

  it("are the chunks themselves where rows are copied, or buckets are shorter", () => {
    expect(unitsOf(days, undefined)).toBe(days)
    expect(unitsOf(days, "hour")).toEqual(days)
    expect(unitsOf(days, "hour")[0]).toBe(days[0]!)
    expect(unitsOf(days, "hour")).toBe(unitsOf(days, "hour"))
  })

  it("are buckets where these are longer, with the rows of all their chunks", () => {
    const units = unitsOf(days, "month")
    expect(spans(units)).toEqual([
      ["2024-01-01", "2024-02-01", 2],
      ["2024-02-01", "2024-03-01", 1],
    ])
    expect(units.map(knownRows)).toEqual([20, 10])
  })

  it("share a chunk that reaches from one bucket into the next, and tell no rows then", () => {
    const weeks = [
      chunk("2024-01-22", "2024-01-29"),
      chunk("2024-01-29", "2024-02-05"),
      chunk("2024-02-05", "2024-02-12"),
    ]
    const units = unitsOf(weeks, "month")
    expect(spans(units)).toEqual([
      ["2024-01-01", "2024-02-01", 2],
      ["2024-02-01", "2024-03-01", 2],
    ])
    expect(units.map(knownRows)).toEqual([undefined, undefined])
  })

  it("are the shared bucket, the chunk's own buckets, the shared bucket", () => {
    expect(
      spans(unitsOf([chunk("2024-01-01", "2024-02-01"), chunk("2024-02-01", "2024-03-01")], "week")),
    ).toEqual([
      ["2024-01-01", "2024-01-29", 1],
      ["2024-01-29", "2024-02-05", 2],
      ["2024-02-05", "2024-02-26", 1],
      ["2024-02-26", "2024-03-04", 1],
    ])
  })

  it("begin and end with buckets, are disjoint, and have every chunk that they overlap", () => {
    const bounds = fc.uniqueArray(fc.bigInt({ min: 0n, max: 4_000n }), { minLength: 2, maxLength: 12 })
    fc.assert(
      fc.property(fc.constantFrom(...EVERY), bounds, (every, hours) => {
        const cuts = hours
          .sort((a, b) => (a < b ? -1 : 1))
          .map((hour) => formatDruidTime(hour * 3_600_000n).slice(0, 16))
        const chunks = cuts.slice(1).flatMap((end, n) => (n % 3 === 2 ? [] : [chunk(cuts[n]!, end)]))
        const units = unitsOf(chunks, every)
        for (const [n, { interval, of, segments }] of units.entries()) {
          expect(bucketsAround(every, interval)).toEqual(interval)
          if (n > 0) expect(units[n - 1]!.interval.end <= interval.start).toBe(true)
          const inside = chunks.filter(
            (one) => one.interval.start < interval.end && interval.start < one.interval.end,
          )
          expect(segments).toEqual(inside.flatMap((one) => one.segments))
          expect(of ?? inside).toEqual(inside)
        }
        for (const { interval } of chunks)
          expect(
            units.some((unit) => unit.interval.start <= interval.start && interval.start < unit.interval.end),
          ).toBe(true)
      }),
    )
  })

  it("are bereft where Druid dropped a chunk of what is held, not where another took its place", () => {
    const held = (chunks: readonly Chunk[], every: "month" | "day") =>
      unitsOf(chunks, every).map((unit) => ({
        interval: unit.interval,
        segments: segmentSetText(unit.segments),
        rows: 1,
        state: "complete" as const,
        settings: "s",
      }))
    const left = unitsOf(days.slice(1), "month")
    expect([...bereft(left, held(days, "month"))]).toEqual([left[0]!])
    expect(bereft(unitsOf([chunk("2024-01-01", "2024-02-01")], "month"), held(days, "month")).size).toBe(0)
    expect(bereft(unitsOf(days, "day"), held([chunk("2024-01-01", "2024-02-01")], "day")).size).toBe(0)
  })
})

describe("works", () => {
  it("are widened to whole buckets, and made one where these are the same", () => {
    const [unit] = unitsOf([chunk("2024-01-01", "2024-01-02", 7)], "hour") as [Chunk]
    const work = (start: string, end: string) => ({
      interval: { start: at(start), end: at(end) },
      chunk: unit,
      reason: { kind: "settings" as const },
      state: "complete" as const,
      expectedRows: 3,
    })
    const works = wholeBuckets(
      [
        work("2024-01-01", "2024-01-01T01:30"),
        work("2024-01-01T01:30", "2024-01-01T02:00"),
        work("2024-01-01T05:00", "2024-01-01T06:00"),
      ],
      "hour",
    )
    expect(works.map(({ interval, expectedRows }) => [interval.start, interval.end, expectedRows])).toEqual([
      [at("2024-01-01"), at("2024-01-01T02:00"), undefined],
      [at("2024-01-01T05:00"), at("2024-01-01T06:00"), 3],
    ])
    expect(wholeBuckets([work("2024-01-01T00:30", "2024-01-01T23:30")], "hour")[0]!.expectedRows).toBe(7)
    expect(works.every(({ interval }) => contains(unit.interval, interval))).toBe(true)
  })
})
