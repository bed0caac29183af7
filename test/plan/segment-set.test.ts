import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import { isPureAddition, parseSegmentSet, segmentSetText } from "../../src/plan/segment-set.ts"
import { RUNS, smallInterval, span } from "./support.ts"

const identity = fc.record({
  interval: fc.oneof(smallInterval, fc.constant({ start: -4611686018427387904n, end: 4611686018427387903n })),
  version: fc.oneof(
    fc.constantFrom("2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z"),
    // separators of the text itself, in versions that no Druid makes
    fc.string({ unit: fc.constantFrom("a", ":", ";", "@", "/", "%", ",", "-", "3", " ") }),
  ),
  partition: fc.integer({ min: 0, max: 40 }),
})
const set = fc.array(identity, { minLength: 1, maxLength: 12 })

const keyOf = (one: { interval: { start: bigint; end: bigint }; version: string; partition: number }) =>
  JSON.stringify([`${one.interval.start}/${one.interval.end}`, one.version, one.partition])
const groupOf = (one: { interval: { start: bigint; end: bigint }; version: string }) =>
  JSON.stringify([`${one.interval.start}/${one.interval.end}`, one.version])

describe("the text of a segment set", () => {
  it("is the same for the same set, whatever the order and however often a member is named", () => {
    fc.assert(
      fc.property(set, fc.infiniteStream(fc.nat()), (segments, chance) => {
        const shuffled = [...segments, segments[0]!]
          .map((one) => ({ one, at: chance.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one)
        expect(segmentSetText(shuffled)).toBe(segmentSetText(segments))
      }),
      { numRuns: RUNS },
    )
  })

  it("differs where the sets differ", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const same =
          new Set(a.map(keyOf)).size === new Set([...a, ...b].map(keyOf)).size &&
          new Set(b.map(keyOf)).size === new Set([...a, ...b].map(keyOf)).size
        expect(segmentSetText(a) === segmentSetText(b)).toBe(same)
      }),
      { numRuns: RUNS },
    )
  })

  it("can be read back: every partition, in every interval and version", () => {
    fc.assert(
      fc.property(set, (segments) => {
        const parsed = parseSegmentSet(segmentSetText(segments))
        const groups = new Map<string, Set<number>>()
        for (const one of segments) {
          const numbers = groups.get(groupOf(one)) ?? new Set()
          groups.set(groupOf(one), numbers.add(one.partition))
        }
        const sorted = (sets: Iterable<ReadonlySet<number>>) =>
          [...sets].map((numbers) => [...numbers].sort((a, b) => a - b).join()).sort()
        expect(sorted(parsed.values())).toEqual(sorted(groups.values()))
      }),
      { numRuns: RUNS },
    )
  })

  it("stays small: a thousand partitions in a row are one range", () => {
    const segments = Array.from({ length: 1000 }, (_, partition) => ({
      interval: span(0, 10),
      version: "v",
      partition,
    }))
    expect(segmentSetText(segments)).toBe("0/10@v:0-999")
    expect(segmentSetText(segments.filter((s) => s.partition !== 500))).toBe("0/10@v:0-499,501-999")
  })

  it("that is none reads as the empty set, which nothing was added to", () => {
    for (const text of ["", "nonsense", "5", ":", "a:b", "0/10@v:0;", "0/10@v:1-"]) {
      expect({ text, size: parseSegmentSet(text).size }).toEqual({ text, size: 0 })
      expect(isPureAddition(text, "0/10@v:0-3")).toBe(false)
    }
  })
})

describe("pure addition", () => {
  it("holds exactly where every old segment is still there and no interval or version came or went", () => {
    fc.assert(
      fc.property(set, set, fc.boolean(), (a, b, nested) => {
        const now = nested ? [...a, ...b] : b
        const have = new Set(now.map(keyOf))
        const groups = (list: typeof a) => [...new Set(list.map(groupOf))].sort().join()
        const expected = a.every((one) => have.has(keyOf(one))) && groups(a) === groups(now)
        expect(isPureAddition(segmentSetText(a), segmentSetText(now))).toBe(expected)
      }),
      { numRuns: RUNS },
    )
  })

  it("is not a newer version beside the old one, nor another interval", () => {
    expect(isPureAddition("0/10@v1:0", "0/10@v1:0-1")).toBe(true)
    expect(isPureAddition("0/10@v1:0", "0/10@v1:0;0/10@v2:0")).toBe(false)
    expect(isPureAddition("0/10@v1:0", "0/10@v2:0-1")).toBe(false)
    expect(isPureAddition("0/10@v1:0-1", "0/10@v1:1-2")).toBe(false)
    expect(isPureAddition("0/10@v1:0", "0/20@v1:0-1")).toBe(false)
  })
})
