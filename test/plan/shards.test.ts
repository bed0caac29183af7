/** The share of a machine: that the days of all shards are all days, each once, whatever Druid's chunks are. */
import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import type { Chunk, Interval, Part, Segment } from "../../src/base/domain.ts"
import { intersection, overlaps, sameInterval, union } from "../../src/base/intervals.ts"
import {
  dayOfTime,
  MAX_SHARDS,
  ownDays,
  parseShard,
  SHARD_DAY_MS,
  type Shard,
  shardHashes,
  shardOffset,
  shareOf,
} from "../../src/base/shard.ts"
import { MAX_TIME, MIN_TIME, parseDruidTime } from "../../src/base/time.ts"
import { scanSql } from "../../src/druid/sql.ts"
import { chunksOf } from "../../src/plan/chunks.ts"
import { diff } from "../../src/plan/diff.ts"
import { segmentSetText } from "../../src/plan/segment-set.ts"
import { slicesOf } from "../../src/plan/slices.ts"
import { seg } from "./support.ts"

const COUNTS = [1, 2, 4, 7] as const
const HOUR_MS = 3_600_000n
const all = (of: number): (Shard | undefined)[] =>
  of === 1 ? [undefined] : Array.from({ length: of }, (_, k) => ({ number: k + 1, of }))

/** The own days of a stretch, as stretches. */
function ownStretches(interval: Interval, shard: Shard | undefined, name: string): Interval[] {
  if (shard === undefined) return [interval]
  const isOwn = ownDays(shard, name)
  const found: Interval[] = []
  for (let day = dayOfTime(interval.start); day * SHARD_DAY_MS < interval.end; day++) {
    const whole = { start: day * SHARD_DAY_MS, end: (day + 1n) * SHARD_DAY_MS }
    if (isOwn(day)) found.push(intersection(whole, interval)!)
  }
  return found
}

/** Segments of one granularity or of a mixture, within a few months around 1970, 2024 or the year 1. */
const segmentsOf: fc.Arbitrary<Segment[]> = fc
  .tuple(
    fc
      .constantFrom("1970-01-01", "2024-02-20", "0001-01-01", "9999-12-20")
      .map((text) => parseDruidTime(`${text}T00:00:00.000Z`)),
    fc.array(
      fc.tuple(
        fc.constantFrom<"HOUR" | "DAY" | "SHIFTED" | "MONTH" | "ALL">(
          "HOUR",
          "DAY",
          "DAY",
          "SHIFTED",
          "MONTH",
          "ALL",
        ),
        fc.integer({ min: -60, max: 60 }),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 1, max: 3 }),
      ),
      { minLength: 1, maxLength: 12 },
    ),
  )
  .map(([origin, list]) => {
    const segments = list.map(([granularity, day, hour, version]) => {
      const at = origin + BigInt(day) * SHARD_DAY_MS
      const start =
        granularity === "HOUR"
          ? at + BigInt(hour) * HOUR_MS
          : granularity === "SHIFTED"
            ? at + 8n * HOUR_MS
            : granularity === "MONTH"
              ? origin + BigInt(Math.floor(day / 30) * 30) * SHARD_DAY_MS
              : granularity === "ALL"
                ? origin - 90n * SHARD_DAY_MS
                : at
      const length = {
        HOUR: HOUR_MS,
        DAY: SHARD_DAY_MS,
        SHIFTED: SHARD_DAY_MS,
        MONTH: 30n * SHARD_DAY_MS,
        ALL: 180n * SHARD_DAY_MS,
      }
      return seg(start, start + length[granularity], { version: `v${version}` })
    })
    return [...new Map(segments.map((one) => [segmentSetText([one]), one])).values()]
  })

const name = fc.constantFrom("wikipedia", "a", "Zürich 😀", "")

/** What each shard's plan would fetch: its days of the works, and what a slice's query lets through. */
function fetched(
  chunks: readonly Chunk[],
  parts: readonly Part[],
  shard: Shard | undefined,
  datasource: string,
) {
  const share = shareOf(shard, datasource)
  const { works } = diff(chunks, parts, { settings: "s", realtime: "include", share })
  const ours = chunks.filter((chunk) => share(chunk.interval) !== "none")
  const slices = slicesOf(works, ours, 1_000)
  return {
    works: works.flatMap((work) => ownStretches(work.interval, shard, datasource)),
    slices: slices.flatMap((slice) => ownStretches(slice.interval, shard, datasource)),
  }
}

const length = (intervals: readonly Interval[]) =>
  intervals.reduce((sum, { start, end }) => sum + (end - start), 0n)

function expectCovered(intervals: readonly Interval[], whole: readonly Interval[]): void {
  // Nothing twice: the lengths add up; nothing missing: the union is the whole.
  expect(length(intervals)).toBe(length(whole))
  expect(union(intervals)).toEqual(union(whole))
}

describe("the plans of all shards", () => {
  for (const of of COUNTS) {
    it(`cover every instant of every chunk exactly once, with ${of}`, () => {
      fc.assert(
        fc.property(segmentsOf, name, (segments, datasource) => {
          const chunks = chunksOf(segments)
          const plans = all(of).map((shard) => fetched(chunks, [], shard, datasource))
          const whole = chunks.map((chunk) => chunk.interval)
          expectCovered(
            plans.flatMap((plan) => plan.works),
            whole,
          )
          // A query spans gaps between chunks too, where Druid has no row: of the chunks it asks each instant once.
          const asked = plans.flatMap((plan) => plan.slices)
          const within = asked.flatMap((interval) =>
            whole.flatMap((one) => intersection(one, interval) ?? []),
          )
          expectCovered(within, whole)
        }),
        { numRuns: 150 },
      )
    }, 60_000)

    it(`hold what they fetched, whatever chunks Druid makes of it then, with ${of}`, () => {
      fc.assert(
        fc.property(segmentsOf, segmentsOf, name, (before, after, datasource) => {
          const [first, then] = [
            chunksOf(before),
            chunksOf(after.map((one) => ({ ...one, version: `w${one.version}` }))),
          ]
          const again: Interval[] = []
          for (const shard of all(of)) {
            const share = shareOf(shard, datasource)
            const found = diff(first, [], { settings: "s", realtime: "include", share })
            const parts = found.works.map(
              (work): Part => ({
                interval: work.interval,
                segments: segmentSetText(work.chunk.segments),
                rows: 10,
                state: "complete",
                settings: "s",
              }),
            )
            const same = diff(first, parts, { settings: "s", realtime: "include", share })
            expect({
              works: same.works,
              recounts: same.recounts,
              gone: same.gone,
              foreign: same.foreign,
            }).toEqual({
              works: [],
              recounts: [],
              gone: [],
              foreign: same.foreign.filter((one) => share(one) === "none"),
            })
            again.push(...fetched(then, parts, shard, datasource).works)
          }
          // All was compacted or replaced: all comes again, each instant from one machine.
          expectCovered(
            again,
            then.map((chunk) => chunk.interval),
          )
        }),
        { numRuns: 100 },
      )
    }, 60_000)
  }

  it("give a chunk within a day to one shard, whole", () => {
    const hours = Array.from({ length: 24 }, (_, h) => seg(BigInt(h) * HOUR_MS, BigInt(h + 1) * HOUR_MS))
    const works = all(4).map((shard) => fetched(chunksOf(hours), [], shard, "a").works)
    expect(works.filter((one) => one.length > 0)).toHaveLength(1)
  })

  it("make one stretch of a long chunk, and one query of neighbours that are days of others apart", () => {
    const shard = { number: 1, of: 4 }
    const share = shareOf(shard, "a")
    const options = { settings: "s", realtime: "include" as const, share }
    const year = chunksOf([seg(0n, 365n * SHARD_DAY_MS)])
    expect(diff(year, [], options).works).toHaveLength(1)
    const days = chunksOf(
      Array.from({ length: 365 }, (_, d) => seg(BigInt(d) * SHARD_DAY_MS, BigInt(d + 1) * SHARD_DAY_MS)),
    )
    const { works } = diff(days, [], options)
    expect(works.length).toBeGreaterThan(88)
    expect(works.length).toBeLessThan(95)
    const ours = days.filter((chunk) => share(chunk.interval) !== "none")
    expect(slicesOf(works, ours, 1_000)).toHaveLength(1)
  })

  it("take eternity for one stretch, and answer at once", () => {
    const eternity = chunksOf([seg(MIN_TIME, MAX_TIME)])
    for (const shard of all(7)) {
      const share = shareOf(shard, "a")
      expect(share({ start: MIN_TIME, end: MAX_TIME })).toBe("some")
      const { works } = diff(eternity, [], { settings: "s", realtime: "include", share })
      expect(works).toHaveLength(1)
      expect(sameInterval(works[0]!.interval, eternity[0]!.interval)).toBe(true)
    }
  })

  it("remove rows of foreign days, but not those that only we have", () => {
    const share = shareOf({ number: 1, of: 2 }, "a")
    const days = Array.from({ length: 10 }, (_, d) =>
      seg(BigInt(d) * SHARD_DAY_MS, BigInt(d + 1) * SHARD_DAY_MS),
    )
    const foreign = days.filter((one) => share(one.interval) === "none").slice(0, 2)
    const parts = foreign.map(
      (one, n): Part => ({
        interval: one.interval,
        segments: segmentSetText([one]),
        rows: 10,
        state: n === 0 ? "complete" : "kept",
        settings: "other",
      }),
    )
    const found = diff(chunksOf(days), parts, { settings: "s", realtime: "include", share })
    expect(found.foreign).toEqual([foreign[0]!.interval])
    expect(found.works.some((work) => overlaps(work.interval, foreign[0]!.interval))).toBe(false)
  })
})

describe("the days of a shard", () => {
  it("never change: these are the files in the field", () => {
    // Published test vectors of FNV-1a.
    expect(shardOffset("")).toBe(0x811c9dc5n)
    expect(shardOffset("a")).toBe(0xe40c292cn)
    expect(shardOffset("foobar")).toBe(0xbf9cf968n)
    const shardOf = (day: string, of: number) =>
      all(of).findIndex((shard) =>
        ownDays(shard!, "wikipedia")(dayOfTime(parseDruidTime(`${day}T12:00:00.000Z`))),
      ) + 1
    const days = [
      "-0044-03-15",
      "0001-01-01",
      "1969-12-31",
      "1970-01-01",
      "2016-06-27",
      "2016-06-28",
      "9999-12-31",
      "12345-06-07",
    ]
    expect(days.map((day) => shardOf(day, 4))).toEqual([3, 2, 2, 2, 1, 3, 4, 4])
    expect(days.map((day) => shardOf(day, 7))).toEqual([4, 4, 3, 4, 1, 5, 7, 7])
  })

  it("belong to exactly one of them, at both ends of time too", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.bigInt({ min: MIN_TIME, max: MAX_TIME }),
          fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
        ),
        fc.integer({ min: 2, max: MAX_SHARDS }),
        name,
        (ms, of, datasource) => {
          const day = dayOfTime(ms)
          expect(day * SHARD_DAY_MS <= ms && ms < (day + 1n) * SHARD_DAY_MS).toBe(true)
          expect(all(of).filter((shard) => ownDays(shard!, datasource)(day))).toHaveLength(1)
        },
      ),
      { numRuns: 200 },
    )
  })

  it("are spread evenly over any run of days, one across 1970 counting as two", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.bigInt({ min: -800_000n, max: 3_000_000n }), fc.bigInt({ min: -400n, max: 0n })),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 2, max: 30 }),
        name,
        (first, count, of, datasource) => {
          const last = first + BigInt(count)
          // Days are counted modulo 2^31, half of the factor's period: the sequence begins anew at day 0.
          const runs = first < 0n && last > 0n ? 2 : 1
          for (const shard of all(of)) {
            const isOwn = ownDays(shard!, datasource)
            let own = 0
            for (let day = first; day < last; day++) if (isOwn(day)) own++
            // 2.84 days at most in one run (20,000 starting points tried for each number of shards, 1 to 400 days).
            expect(Math.abs(own - count / of)).toBeLessThan(3 * runs)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it("are the same to Druid's arithmetic: LONGs of 64 bits, remainders with the sign of the dividend", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.bigInt({ min: MIN_TIME, max: MAX_TIME - 1n }),
          fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
          fc.constantFrom(MIN_TIME, MAX_TIME - 1n, -1n, 0n, -SHARD_DAY_MS, SHARD_DAY_MS - 1n),
        ),
        fc.integer({ min: 2, max: 40 }),
        name,
        (ms, of, datasource) => {
          const own = all(of).filter((shard) => {
            const source = { datasource, shard: shard! }
            const sql = scanSql(source, [], { start: MIN_TIME, end: MAX_TIME })
            return asDruid(sql, ms)
          })
          expect(own.map((shard) => shard!.number)).toEqual(
            all(of).flatMap((shard) => (ownDays(shard!, datasource)(dayOfTime(ms)) ? [shard!.number] : [])),
          )
        },
      ),
      { numRuns: 100 },
    )
  })

  it("need no condition where all of a stretch is ours", () => {
    const shard = { number: 1, of: 2 }
    const share = shareOf(shard, "a")
    const day = Array.from({ length: 9 }, (_, d) => ({
      start: BigInt(d) * SHARD_DAY_MS,
      end: BigInt(d + 1) * SHARD_DAY_MS,
    })).find((one) => share(one) === "all")!
    expect(scanSql({ datasource: "a", shard }, [], day)).not.toContain("MOD(")
    expect(scanSql({ datasource: "a", shard }, [], { ...day, end: day.end + 5n * SHARD_DAY_MS })).toContain(
      "MOD(",
    )
  })
})

/** The condition as JavaScript over 64-bit integers; an overflow throws, since Druid would wrap around. */
function asDruid(sql: string, ms: bigint): boolean {
  const condition = /AND (MOD\(.*) BETWEEN (\d+) AND (\d+)$/.exec(sql)!
  const long = (value: bigint) => {
    if (BigInt.asIntN(64, value) !== value) throw new Error(`overflow: ${value}`)
    return value
  }
  const expression = condition[1]!
    .replaceAll('TIMESTAMP_TO_MILLIS("__time")', "t")
    .replace(/\b(\d+)\b/g, "$1n")
  // Each product and sum is looked at on its own: a tiny recursive reader.
  let at = 0
  const skip = () => {
    while (expression[at] === " ") at++
  }
  const factor = (): bigint => {
    skip()
    if (expression.startsWith("MOD(", at)) {
      at += 4
      const a = sum()
      at++
      const b = sum()
      at++
      return a % b
    }
    if (expression[at] === "(") {
      at++
      const value = sum()
      at++
      return value
    }
    if (expression[at] === "t") {
      at++
      return ms
    }
    const digits = /^\d+/.exec(expression.slice(at))![0]
    at += digits.length + 1
    return BigInt(digits)
  }
  const product = (): bigint => {
    let value = factor()
    for (skip(); expression[at] === "*" || expression[at] === "/"; skip()) {
      const isTimes = expression[at++] === "*"
      const right = factor()
      value = isTimes ? long(value * right) : value / right
    }
    return value
  }
  function sum(): bigint {
    let value = product()
    for (skip(); expression[at] === "+" || expression[at] === "-"; skip()) {
      const isPlus = expression[at++] === "+"
      const right = product()
      value = long(isPlus ? value + right : value - right)
    }
    return value
  }
  const hash = sum()
  expect(at).toBe(expression.length)
  return hash >= BigInt(condition[2]!) && hash <= BigInt(condition[3]!)
}

describe("the text of a shard", () => {
  it("is i/n with 1 ≤ i ≤ n", () => {
    expect(parseShard("2/4")).toEqual({ number: 2, of: 4 })
    expect(parseShard("1000/1000")).toEqual({ number: 1000, of: 1000 })
    expect(parseShard("1/1")).toBe("whole")
    for (const text of [
      "0/4",
      "5/4",
      "x",
      "",
      "1",
      "1/",
      "/4",
      "01/4",
      "1/04",
      " 1/4",
      "1/4 ",
      "1/1001",
      "-1/4",
    ])
      expect(parseShard(text)).toBeUndefined()
  })

  it("divides the hashes without a gap", () => {
    for (const of of [2, 3, 7, 1000]) {
      const bounds = all(of).map((shard) => shardHashes(shard!))
      expect(bounds[0]!.first).toBe(0n)
      expect(bounds.at(-1)!.last).toBe(4_294_967_295n)
      for (let k = 1; k < of; k++) expect(bounds[k]!.first).toBe(bounds[k - 1]!.last + 1n)
    }
  })
})
