import { describe, expect, it } from "bun:test"
import type { Chunk, Part, PartState, Segment } from "../../src/base/domain.ts"
import { parseSample, sampled } from "../../src/compare/sample.ts"
import { packed, stillAnswers, stretchesOf } from "../../src/compare/stretches.ts"
import { segmentSetText } from "../../src/plan/segment-set.ts"
import { seg } from "../plan/support.ts"

const DAY = 86_400_000n
const options = { settings: "s", since: undefined, until: undefined, realtime: "include" as const }

const segment = (day: bigint, given: Partial<Segment> = {}) => seg(day * DAY, (day + 1n) * DAY, given)

function chunk(day: bigint, given: Partial<Segment> = {}): Chunk {
  const one = segment(day, given)
  return { interval: one.interval, segments: [one] }
}

function part(day: bigint, state: PartState = "complete", given: Partial<Part> = {}): Part {
  const { interval, segments } = chunk(day)
  return { interval, segments: segmentSetText(segments), rows: 10, state, settings: "s", ...given }
}

const kinds = (chunks: Chunk[], parts: Part[], given: object = {}) =>
  stretchesOf(chunks, parts, { ...options, ...given }).skipped.map((one) => one.kind)

describe("what is compared", () => {
  it("is every checkpoint whose segments answer for it now", () => {
    const { stretches, skipped } = stretchesOf(
      [chunk(1n), chunk(2n)],
      [part(1n), part(2n, "unproven")],
      options,
    )
    expect(stretches.map((stretch) => stretch.interval.start)).toEqual([DAY, 2n * DAY])
    expect(skipped).toEqual([])
  })

  it("is the part of it that lies within the window", () => {
    const window = { since: DAY + 5n, until: DAY + 9n }
    const { stretches } = stretchesOf([chunk(1n), chunk(2n)], [part(1n), part(2n)], { ...options, ...window })
    expect(stretches.map((stretch) => stretch.interval)).toEqual([{ start: DAY + 5n, end: DAY + 9n }])
  })

  it("is not what Druid dropped and we keep", () => {
    expect(kinds([chunk(1n)], [part(1n), part(2n, "kept")])).toEqual(["kept"])
  })

  it("is not what Druid dropped unnoticed", () => {
    expect(kinds([chunk(1n)], [part(1n), part(2n)])).toEqual(["dropped"])
  })

  it("is not what a newer version replaced, nor what got a further segment", () => {
    expect(kinds([chunk(1n, { version: "v2" })], [part(1n)])).toEqual(["changed"])
    const more = { ...chunk(1n), segments: [segment(1n), segment(1n, { partition: 1 })] }
    expect(kinds([more], [part(1n)])).toEqual(["changed"])
  })

  it("is not half of a replacement, nor what other settings brought, nor kept rows whose chunk is back", () => {
    expect(kinds([chunk(1n)], [part(1n, "stale")])).toEqual(["stale"])
    expect(kinds([chunk(1n)], [part(1n, "complete", { settings: "other" })])).toEqual(["settings"])
    expect(kinds([chunk(1n)], [part(1n, "kept")])).toEqual(["changed"])
  })

  it("is nothing of realtime segments; once they are handed off a pull is due", () => {
    const live = { isRealtime: true, isPublished: false }
    expect(kinds([chunk(1n, live)], [part(1n, "provisional")])).toEqual(["realtime"])
    expect(kinds([chunk(1n)], [part(1n, "provisional")])).toEqual(["changed"])
    expect(kinds([chunk(1n, live)], [])).toEqual(["realtime"])
    expect(kinds([chunk(1n, live)], [], { realtime: "exclude" })).toEqual([])
  })

  it("is not what no server serves, by accident or by intention", () => {
    expect(kinds([chunk(1n, { isAvailable: false })], [part(1n)])).toEqual(["unavailable"])
    expect(kinds([chunk(1n, { isAvailable: false, replicationFactor: 0 })], [part(1n)])).toEqual(["cold"])
  })

  it("is not what was never pulled, except that a tombstone holds nothing to pull", () => {
    expect(kinds([chunk(1n), chunk(2n)], [part(1n)])).toEqual(["missing"])
    expect(kinds([chunk(1n), chunk(2n, { isTombstone: true, rows: 0 })], [part(1n)])).toEqual([])
  })
})

describe("the look afterwards", () => {
  const [stretch] = stretchesOf([chunk(1n)], [part(1n)], options).stretches

  it("accepts the same segments, served", () => {
    expect(stillAnswers(stretch!, [chunk(1n)])).toBe(true)
  })

  it("refuses others, none, and such as are not served", () => {
    expect(stillAnswers(stretch!, [chunk(1n, { version: "v2" })])).toBe(false)
    expect(stillAnswers(stretch!, [])).toBe(false)
    expect(stillAnswers(stretch!, [chunk(1n, { isAvailable: false })])).toBe(false)
  })
})

describe("packing", () => {
  it("bounds number and rows, keeps the order, and lets a giant stand alone", () => {
    const days = [1n, 2n, 3n, 4n, 5n]
    const { stretches } = stretchesOf(
      days.map((day) => chunk(day)),
      days.map((day) => part(day, "complete", { rows: day === 3n ? 1000 : 10 })),
      options,
    )
    const sizes = (groups: unknown[][]) => groups.map((group) => group.length)
    expect(sizes(packed(stretches, 2, 1e9))).toEqual([2, 2, 1])
    expect(sizes(packed(stretches, 10, 100))).toEqual([2, 1, 2])
    expect(packed(stretches, 2, 1e9).flat()).toEqual(stretches)
  })
})

describe("a sample", () => {
  const days = Array.from({ length: 40 }, (_, i) => BigInt(i))
  const { stretches } = stretchesOf(
    days.map((day) => chunk(day)),
    days.map((day) => part(day)),
    options,
  )
  const chosen = (text: string, seed: string, name = "w") =>
    sampled(stretches, parseSample(text), seed, name).map((stretch) => stretch.interval.start / DAY)

  it("is the same for the same seed, and another for another", () => {
    expect(chosen("10", "a")).toEqual(chosen("10", "a"))
    expect(chosen("10", "a")).not.toEqual(chosen("10", "b"))
    expect(chosen("10", "a")).not.toEqual(chosen("10", "a", "other"))
  })

  it("has the wanted size and the order of time, and at least one chunk", () => {
    expect(chosen("10", "a")).toHaveLength(10)
    expect(chosen("25%", "a")).toHaveLength(10)
    expect(chosen("0.1%", "a")).toHaveLength(1)
    expect(chosen("1000", "a")).toHaveLength(40)
    const some = chosen("10", "a")
    expect(some).toEqual([...some].sort((a, b) => Number(a - b)))
  })

  it("takes chunks whole", () => {
    const halves = stretches.flatMap((stretch) => [
      stretch,
      { ...stretch, interval: { start: stretch.interval.start + 1n, end: stretch.interval.end } },
    ])
    expect(sampled(halves, parseSample("3"), "a", "w")).toHaveLength(6)
  })

  it("is refused where it makes no sense", () => {
    for (const text of ["0", "0%", "101%", "2.5", "x", "-1", "5 %", ""])
      expect(parseSample(text)).toBeUndefined()
  })
})
