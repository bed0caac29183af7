import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import { subtract } from "../../src/base/intervals.ts"
import { MAX_TIME } from "../../src/base/time.ts"
import { copiedFrom, movingWindow, windowStart } from "../../src/plan/window.ts"
import { bitmap, chunk, part, RUNS, seg, span } from "./support.ts"

const DAY = 86_400_000
const noon = Date.parse("2026-11-30T12:00:00Z")
const ms = (text: string) => BigInt(Date.parse(text))

describe("where the window of keep begins", () => {
  it("is the UTC day that holds the moment so long before now", () => {
    expect(windowStart(90 * DAY, noon)).toBe(ms("2026-09-01"))
    expect(windowStart(DAY, noon)).toBe(ms("2026-11-29"))
    expect(windowStart(1.5 * DAY, noon)).toBe(ms("2026-11-29"))
    expect(windowStart("all", noon)).toBeUndefined()
  })

  it("moves at midnight: a day that ends just then has passed out", () => {
    const midnight = Date.parse("2026-11-30")
    expect(windowStart(DAY, midnight - 1)).toBe(ms("2026-11-28"))
    expect(windowStart(DAY, midnight)).toBe(ms("2026-11-29"))
  })

  it("works before 1970", () => {
    expect(windowStart(100_000 * DAY, noon)).toBe(BigInt(-79_213 * DAY))
    expect(windowStart(DAY, -1)).toBe(BigInt(-2 * DAY))
  })

  it("keeps each day that ends after now - keep, whole, and no other", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: DAY, max: 10_000 * DAY }),
        fc.integer({ min: -1e13, max: 1e13 }),
        (keepMs, nowMs) => {
          const start = windowStart(keepMs, nowMs)!
          expect(start % BigInt(DAY)).toBe(0n)
          expect(start + BigInt(DAY)).toBeGreaterThan(BigInt(nowMs - keepMs))
          expect(start).toBeLessThanOrEqual(BigInt(nowMs - keepMs))
        },
      ),
      { numRuns: RUNS },
    )
  })

  it("rows are copied from the latest of all bounds", () => {
    const wish = { sinceMs: ms("2026-10-01"), keepMs: 90 * DAY }
    expect(copiedFrom(wish, undefined, noon)).toBe(ms("2026-10-01"))
    expect(copiedFrom({ ...wish, keepMs: 10 * DAY }, undefined, noon)).toBe(ms("2026-11-20"))
    expect(copiedFrom(wish, ms("2026-11-25"), noon)).toBe(ms("2026-11-25"))
    expect(copiedFrom({ sinceMs: undefined, keepMs: "all" }, undefined, noon)).toBeUndefined()
  })
})

describe("what passed out of the window", () => {
  // Days 0 to 9 after 1970, seen at noon of day 9 with three days kept: from day 6 on.
  const now = 9.5 * DAY
  const day = (n: number) => chunk(n * DAY, (n + 1) * DAY)
  const held = (from: number, to: number) => part(from * DAY, to * DAY, [])
  const look = (chunks: Parameters<typeof movingWindow>[2], parts: Parameters<typeof movingWindow>[3]) =>
    movingWindow(3 * DAY, now, chunks, parts)!

  it("is what is held before its first day, in one piece where it can be", () => {
    const found = look([day(2), day(8)], [held(0, 1), held(1, 4), held(5, 6), held(6, 7), held(8, 9)])
    expect(found.passed).toEqual([span(0, 4 * DAY), span(5 * DAY, 6 * DAY)])
    expect(found.rows).toBe("some")
  })

  it("is the older piece of a checkpoint that reaches into it", () => {
    expect(look([day(8)], [held(0, 10)]).passed).toEqual([span(0, 6 * DAY)])
  })

  it("is doubted if no chunk reaches into it, or only markers of emptiness", () => {
    expect(look([day(2)], [held(2, 3)]).rows).toBe("none")
    expect(look([day(2), chunk(8 * DAY, 9 * DAY, { isTombstone: true, rows: 0 })], []).rows).toBe("none")
  })

  it("is doubted if all that is in it lies after now: a clock that runs ahead meets rows of the far future", () => {
    expect(look([day(2), day(40)], [held(2, 3)]).rows).toBe("none")
  })

  it("is to be asked for if only a longer chunk reaches into it, or nothing is counted yet", () => {
    expect(look([chunk(0, 10 * DAY)], []).rows).toBe("unknown")
    expect(look([chunk(7 * DAY, 8 * DAY, { rows: 0 })], []).rows).toBe("unknown")
    expect(look([chunk(0, Number(MAX_TIME))], []).rows).toBe("unknown")
  })

  it("is to be asked for if a segment that others hide in part is all there is: its rows may be the hidden ones", () => {
    const hidden = { interval: span(8 * DAY, 9 * DAY), segments: [seg(0, 9 * DAY)] }
    expect(look([hidden], []).rows).toBe("unknown")
  })

  it("is nothing where all is kept", () => {
    expect(movingWindow("all", now, [day(2)], [held(2, 3)])).toBeUndefined()
  })

  it("and what stays are all that was held, without a gap or an overlap", () => {
    const small = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 8 }))
    fc.assert(
      fc.property(fc.array(small, { maxLength: 8 }), fc.integer({ min: 1, max: 30 }), (spans, keep) => {
        const parts = spans.map(([start, length]) => ({
          ...held(0, 1),
          interval: span((start * DAY) / 4, ((start + length) * DAY) / 4),
        }))
        const { passed, interval } = movingWindow(keep * DAY, now, [], parts)!
        const stays = parts.flatMap((one) => subtract(one.interval, passed))
        const quarters = (list: readonly { start: bigint; end: bigint }[]) =>
          bitmap(list.map(({ start, end }) => span(start / BigInt(DAY / 4), end / BigInt(DAY / 4))))
        const all = quarters(parts.map((one) => one.interval))
        expect(quarters(passed).size + quarters(stays).size).toBe(all.size)
        for (const one of passed) expect(one.end).toBeLessThanOrEqual(interval.start)
        for (const one of stays) expect(one.start).toBeGreaterThanOrEqual(interval.start)
      }),
      { numRuns: RUNS },
    )
  })

  it("takes no segment for a row that Druid has not counted", () => {
    const unknown = { interval: span(8 * DAY, 9 * DAY), segments: [seg(8 * DAY, 9 * DAY, { rows: 0 })] }
    expect(look([unknown, day(7)], []).rows).toBe("some")
  })
})
