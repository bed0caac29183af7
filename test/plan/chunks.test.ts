import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import type { Chunk, ChunkCondition, Segment } from "../../src/base/domain.ts"
import { chunkBytes, chunksOf, conditionOf, estimatedRows, knownRows } from "../../src/plan/chunks.ts"
import { chunk, RUNS, seg, smallInterval, span } from "./support.ts"

/** Druid's timeline, millisecond by millisecond: the newest version that covers it answers, with all its partitions. */
function answering(segments: readonly Segment[], t: bigint): Segment[] {
  const covering = segments.filter((s) => s.interval.start <= t && t < s.interval.end)
  const newest = covering
    .map((s) => s.version)
    .sort()
    .at(-1)
  return covering.filter((s) => s.version === newest)
}

const name = (s: Segment) => `${s.interval.start}/${s.interval.end}@${s.version}:${s.partition}`

function chunkAt(chunks: readonly Chunk[], t: bigint): Chunk | undefined {
  const found = chunks.filter((c) => c.interval.start <= t && t < c.interval.end)
  expect(found.length).toBeLessThan(2)
  return found[0]
}

/** Intervals of nested granularities, as Druid's are, under several versions and partitions. */
const druidLike = fc
  .array(
    fc.record({
      size: fc.constantFrom(2, 4, 8, 16),
      position: fc.integer({ min: -4, max: 8 }),
      version: fc.constantFrom("v1", "v2", "v3"),
      partitions: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 14 },
  )
  .map((list) =>
    // the version of an interval names it: two granularities never share one
    list.flatMap(({ size, position, version, partitions }) =>
      Array.from({ length: partitions }, (_, partition) =>
        seg(position * size, (position + 1) * size, { partition, version: `${version}-${size}` }),
      ),
    ),
  )
const anything = fc
  .array(fc.tuple(smallInterval, fc.constantFrom("v1", "v2", "v3"), fc.integer({ min: 0, max: 2 })), {
    maxLength: 10,
  })
  .map((list) => list.map(([i, version, partition]) => seg(i.start, i.end, { version, partition })))

describe("chunks", () => {
  for (const [how, segments] of [
    ["nested granularities", druidLike],
    ["any intervals at all", anything],
  ] as const) {
    it(`give each millisecond the segments that answer for it in Druid: ${how}`, () => {
      fc.assert(
        fc.property(segments, (active) => {
          const chunks = chunksOf(active)
          for (let t = -80n; t < 160n; t++) {
            const expected = answering(active, t).map(name).sort()
            const found = (chunkAt(chunks, t)?.segments ?? []).map(name).sort()
            expect(found).toEqual(expected)
          }
        }),
        { numRuns: RUNS / 5 },
      )
    })
  }

  it("are ascending, disjoint, and as long as the same segments answer", () => {
    fc.assert(
      fc.property(druidLike, (active) => {
        const chunks = chunksOf(active)
        for (const [n, one] of chunks.entries()) {
          expect(one.interval.start < one.interval.end).toBe(true)
          const last = chunks[n - 1]
          if (last === undefined) continue
          expect(last.interval.end <= one.interval.start).toBe(true)
          if (last.interval.end === one.interval.start)
            expect(last.segments.map(name).sort()).not.toEqual(one.segments.map(name).sort())
        }
      }),
      { numRuns: RUNS },
    )
  })

  it("do not depend on the order in which Druid lists its segments", () => {
    fc.assert(
      fc.property(druidLike, (active) => {
        const plain = (chunks: readonly Chunk[]) =>
          chunks.map((c) => [c.interval, c.segments.map(name).sort()])
        expect(plain(chunksOf([...active].reverse()))).toEqual(plain(chunksOf(active)))
      }),
      { numRuns: RUNS },
    )
  })

  it("cut an older MONTH around a newer DAY inside it", () => {
    const month = seg(0, 30, { version: "v1" })
    const day = seg(10, 11, { version: "v2" })
    expect(chunksOf([day, month])).toEqual([
      { interval: span(0, 10), segments: [month] },
      { interval: span(10, 11), segments: [day] },
      { interval: span(11, 30), segments: [month] },
    ])
  })

  it("hide an older DAY below a newer MONTH", () => {
    const month = seg(0, 30, { version: "v2" })
    expect(chunksOf([seg(10, 11, { version: "v1" }), month])).toEqual([
      { interval: span(0, 30), segments: [month] },
    ])
  })

  it("of 50,000 segments are made in a moment", () => {
    const active = Array.from({ length: 50_000 }, (_, n) => seg(n, n + 1))
    const before = performance.now()
    expect(chunksOf(active).length).toBe(50_000)
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  it("of 9,000 hours over an older year are made in a moment", () => {
    const active = Array.from({ length: 9_000 }, (_, n) => seg(n, n + 1, { version: "v2" }))
    const before = performance.now()
    expect(chunksOf([seg(0, 10_000), ...active]).length).toBe(9_001)
    expect(performance.now() - before).toBeLessThan(2_000)
  })
})

describe("rows of a chunk", () => {
  it("are known as the sum of its segments, where each is known and none reaches out of it", () => {
    expect(knownRows(chunk(0, 10, { rows: 3 }, { rows: 4 }))).toBe(7)
    expect(estimatedRows(chunk(0, 10, { rows: 3 }, { rows: 4 }))).toBe(7)
    expect(chunkBytes(chunk(0, 10, { sizeBytes: 3 }, { sizeBytes: 4 }))).toBe(7)
  })

  it("are not known while Druid shows 0 for a segment: 0 means not counted yet", () => {
    expect(knownRows(chunk(0, 10, { rows: 3 }, { rows: 0 }))).toBeUndefined()
  })

  it("are known to be none under a tombstone", () => {
    expect(knownRows(chunk(0, 10, { rows: 0, isTombstone: true }))).toBe(0)
    expect(knownRows(chunk(0, 10, { rows: 0, isTombstone: true }, { rows: 5 }))).toBe(5)
  })

  it("are not known where another version hides a part of the segment", () => {
    const [before] = chunksOf([seg(0, 30, { version: "v1" }), seg(10, 11, { version: "v2" })])
    expect(knownRows(before!)).toBeUndefined()
  })
})

describe("a segment that is served and not used", () => {
  const unused = (start: number, end: number, version: string) => seg(start, end, { version, isUsed: false })

  it("makes no chunk", () => {
    expect(chunksOf([unused(0, 10, "v9")])).toEqual([])
  })

  it("answers for the chunks that it overlaps where it is not older, and makes them unavailable", () => {
    const used = [seg(0, 10), seg(10, 20), seg(20, 30, { version: "v3" }), seg(30, 40)]
    const chunks = chunksOf([unused(5, 25, "v2"), ...used, unused(30, 40, "v1"), unused(30, 40, "v0")])
    expect(chunks.map((one) => one.answeredBy)).toEqual(["v2", "v2", undefined, "v1"])
    expect(chunks.map(conditionOf)).toEqual(["unavailable", "unavailable", "settled", "unavailable"])
  })

  it("is named by the newest version", () => {
    const [one] = chunksOf([unused(0, 10, "v2"), seg(0, 10), unused(0, 10, "v4"), unused(0, 10, "v3")])
    expect(one!.answeredBy).toBe("v4")
  })
})

describe("the condition of a chunk", () => {
  const of = (...given: Partial<Segment>[]): ChunkCondition => conditionOf(chunk(0, 10, ...given))

  it("is settled where everything is published, served and counted", () => {
    expect(of({}, {})).toBe("settled")
    expect(of({ replicationFactor: undefined })).toBe("settled")
    expect(of({ rows: 0, isTombstone: true })).toBe("settled")
    expect(of({ rows: 0, isTombstone: true, replicationFactor: -1 })).toBe("settled")
  })

  it("is that of a tombstone, too: until it is served, a broker answers what it is to hide", () => {
    const tombstone = { rows: 0, isTombstone: true, isAvailable: false }
    expect(of(tombstone)).toBe("unavailable")
    expect(of({}, { ...tombstone, replicationFactor: -1 })).toBe("unavailable")
    expect(of({ ...tombstone, replicationFactor: 0 })).toBe("cold")
  })

  it("is uncounted while Druid does not know some segment's rows", () => {
    expect(of({}, { rows: 0 })).toBe("uncounted")
  })

  it("is realtime while rows may come or merge, also after publishing, until a historical is wanted", () => {
    expect(of({ isRealtime: true, isPublished: false, replicationFactor: -1 })).toBe("realtime")
    expect(of({ isRealtime: true })).toBe("realtime")
    expect(of({ isPublished: false })).toBe("realtime")
    expect(of({ replicationFactor: 0 })).toBe("realtime")
    expect(of({ replicationFactor: -1 })).toBe("realtime")
  })

  it("is cold where it is not served and no replica is wanted", () => {
    expect(of({ isAvailable: false, replicationFactor: 0 })).toBe("cold")
  })

  it("is unavailable where it is wanted, or that is not known, and not served", () => {
    expect(of({ isAvailable: false })).toBe("unavailable")
    expect(of({ isAvailable: false, replicationFactor: -1 })).toBe("unavailable")
    expect(of({ isAvailable: false, replicationFactor: undefined })).toBe("unavailable")
    expect(of({ isAvailable: false, isPublished: false, replicationFactor: 0 })).toBe("unavailable")
  })

  it("is that of its least trustworthy segment, wherever that one stands", () => {
    const given: Partial<Segment>[] = [
      {},
      { rows: 0 },
      { isRealtime: true },
      { isAvailable: false, replicationFactor: 0 },
      { isAvailable: false },
    ]
    const order: ChunkCondition[] = ["settled", "uncounted", "realtime", "cold", "unavailable"]
    for (const [a, one] of given.entries()) {
      for (const [b, other] of given.entries()) expect(of(one, other)).toBe(order[Math.max(a, b)]!)
    }
  })
})
