import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import type { Chunk, Part, Segment } from "../../src/base/domain.ts"
import { contains, overlaps, subtract } from "../../src/base/intervals.ts"
import { chunksOf } from "../../src/plan/chunks.ts"
import { diff, recounted, stateAfter } from "../../src/plan/diff.ts"
import { bitmap, chunk, part, RUNS, seg, span } from "./support.ts"

const options = { settings: "s", realtime: "include" as const }
const plan = (
  chunks: readonly Chunk[],
  parts: readonly Part[],
  more: Partial<Parameters<typeof diff>[2]> = {},
) => {
  const found = diff(chunks, parts, { ...options, ...more })
  return {
    ...found,
    fetch: found.works.map((w) => [`${w.interval.start}-${w.interval.end}`, w.reason.kind, w.state]),
  }
}

describe("what makes a chunk stale: every row of the table in docs/late-data.md", () => {
  it("no checkpoint: it is new", () => {
    const found = plan([chunk(0, 10)], [])
    expect(found.fetch).toEqual([["0-10", "new", "complete"]])
    expect(found.works[0]!.expectedRows).toBe(10)
  })

  it("the same set: nothing", () => {
    const one = chunk(0, 10)
    const found = plan([one], [part(0, 10, one.segments)])
    expect(found).toMatchObject({ works: [], recounts: [], gone: [], unchanged: 1 })
  })

  it("the same set whose row count is unknown again, as after a restart of the broker: nothing", () => {
    const held = part(0, 10, chunk(0, 10).segments)
    expect(plan([chunk(0, 10, { rows: 0 })], [held])).toMatchObject({ works: [], unchanged: 1 })
  })

  it("the same set that is not served now: nothing, all of it is held", () => {
    const held = part(0, 10, chunk(0, 10).segments)
    const found = plan([chunk(0, 10, { isAvailable: false })], [held])
    expect(found).toMatchObject({ works: [], unavailable: [], unchanged: 1 })
  })

  it("the same set with another number of rows: they merged at hand-off, fetch again", () => {
    const held = part(0, 10, chunk(0, 10, { rows: 12 }).segments)
    expect(plan([chunk(0, 10, { rows: 3 })], [held]).fetch).toEqual([["0-10", "settled", "complete"]])
    expect(plan([chunk(0, 10, { rows: 3 })], [held], { filtered: true }).fetch).toEqual([])
    expect(plan([chunk(0, 10, { rows: 3 })], [held], { since: 1n }).fetch).toEqual([])
  })

  it("a superset of the same version: rows were added, counting tells where", () => {
    const before = chunk(0, 10)
    const now = chunk(0, 10, {}, { rows: 5 })
    const parts = [part(0, 5, before.segments, { rows: 6 }), part(5, 10, before.segments, { rows: 4 })]
    const found = plan([now], parts)
    expect(found.works).toEqual([])
    expect(found.recounts).toEqual([{ chunk: now, parts, reason: { kind: "added", segments: 2 } }])
    expect(found.unchanged).toBe(0)
  })

  it("a superset, where a held stretch reaches beyond what is looked at: fetched, its count says nothing", () => {
    const now = chunk(0, 10, {}, { rows: 5 })
    const found = plan([now], [part(0, 10, chunk(0, 10).segments)], { since: 5n })
    expect(found.recounts).toEqual([])
    expect(found.fetch).toEqual([["5-10", "replaced", "complete"]])
  })

  it("the same set, held in a stretch that reaches beyond the chunk: its number of rows says nothing", () => {
    const one = chunk(0, 10)
    expect(plan([one], [part(0, 20, one.segments, { rows: 99 })]).fetch).toEqual([])
  })

  it("a superset with another version: replaced", () => {
    const before = chunk(0, 10)
    const both = { ...before, segments: [...before.segments, seg(0, 10, { version: "v2" })] }
    expect(plan([both], [part(0, 10, before.segments)]).fetch).toEqual([["0-10", "replaced", "complete"]])
  })

  it("a newer version, also with the same number of rows: replaced", () => {
    const found = plan([chunk(0, 10, { version: "v2" })], [part(0, 10, chunk(0, 10).segments)])
    expect(found.fetch).toEqual([["0-10", "replaced", "complete"]])
    expect(found.works[0]!.reason).toEqual({ kind: "replaced", version: "v2" })
  })

  it("fewer partitions of the same version: replaced", () => {
    const found = plan([chunk(0, 10)], [part(0, 10, chunk(0, 10, {}, {}).segments)])
    expect(found.fetch).toEqual([["0-10", "replaced", "complete"]])
  })

  it("days compacted into a month: the month is fetched, in one stretch", () => {
    const days = [chunk(0, 10), chunk(10, 20), chunk(20, 30)]
    const parts = days.map((one) => part(Number(one.interval.start), Number(one.interval.end), one.segments))
    const month = chunk(0, 30, { version: "v2", rows: 30 })
    const found = plan([month], parts)
    expect(found.fetch).toEqual([["0-30", "replaced", "complete"]])
    expect(found.works[0]!.expectedRows).toBe(30)
    expect(found.gone).toEqual([])
  })

  it("a month over days and empty stretches: replaced and new stretches, side by side", () => {
    const found = plan([chunk(0, 30, { version: "v2" })], [part(10, 20, chunk(10, 20).segments)])
    expect(found.fetch.map((one) => one[0])).toEqual(["0-10", "10-20", "20-30"])
    expect(found.works.every((work) => work.expectedRows === undefined)).toBe(true)
  })

  it("a month split into days: each day is fetched, the rest of the month is gone", () => {
    const month = part(0, 30, chunk(0, 30).segments)
    const found = plan([chunk(0, 10, { version: "v2" }), chunk(20, 30, { version: "v2" })], [month])
    expect(found.fetch.map((one) => one[0])).toEqual(["0-10", "20-30"])
    expect(found.gone).toEqual([span(10, 20)])
  })

  it("a day overwritten inside a month: that day, and nothing of the month around it", () => {
    const month = seg(0, 30, { version: "v1" })
    const chunks = chunksOf([month, seg(10, 11, { version: "v2" })])
    const found = plan(chunks, [part(0, 30, [month])])
    expect(found.fetch).toEqual([["10-11", "replaced", "complete"]])
    expect(found.unchanged).toBe(2)
  })

  it("active and not available, replicas wanted: reported, not fetched", () => {
    const away = chunk(0, 10, { isAvailable: false })
    expect(plan([away, chunk(10, 20)], [])).toMatchObject({
      unavailable: [away],
      fetch: [["10-20", "new", "complete"]],
    })
  })

  it("active, no replica wanted: cold, what is held stays", () => {
    const cold = chunk(0, 10, { isAvailable: false, replicationFactor: 0, version: "v2" })
    const found = plan([cold], [part(0, 10, chunk(0, 10).segments)])
    expect(found).toMatchObject({ works: [], cold: [cold], gone: [], unavailable: [] })
  })

  it("gone, while the datasource has others: told", () => {
    const rest = chunk(10, 20)
    const found = plan([rest], [part(0, 10, chunk(0, 10).segments), part(10, 20, rest.segments)])
    expect(found).toMatchObject({ gone: [span(0, 10)], works: [], unchanged: 1, nothingActive: false })
  })

  it("no active segment at all: nothing is concluded, nothing is gone", () => {
    const found = plan([], [part(0, 10, chunk(0, 10).segments)])
    expect(found).toMatchObject({ nothingActive: true, gone: [], works: [] })
  })

  it("no chunk to decide about, though Druid lists some: what is held is gone", () => {
    const found = plan([], [part(0, 10, chunk(0, 10).segments)], { isListed: true })
    expect(found).toMatchObject({ nothingActive: false, gone: [span(0, 10)], works: [] })
  })

  it("realtime: fetched as provisional, and each time again until it is handed off", () => {
    const live = chunk(0, 10, { isRealtime: true, isPublished: false, replicationFactor: -1 })
    expect(plan([live], []).fetch).toEqual([["0-10", "new", "provisional"]])
    const held = part(0, 10, live.segments, { state: "provisional" })
    expect(plan([live], [held]).fetch).toEqual([["0-10", "realtime", "provisional"]])
    expect(plan([chunk(0, 10)], [held]).fetch).toEqual([["0-10", "settled", "complete"]])
    expect(plan([chunk(0, 10, { replicationFactor: 0 })], [held]).fetch).toEqual([
      ["0-10", "realtime", "provisional"],
    ])
    expect(plan([chunk(0, 10, { version: "v2" })], [held]).fetch).toEqual([["0-10", "replaced", "complete"]])
  })

  it("realtime on top of rows that are held: counted, the held rows stay until more are there", () => {
    const before = chunk(0, 10)
    const now = chunk(0, 10, {}, { isRealtime: true, isPublished: false })
    const found = plan([now], [part(0, 10, before.segments)])
    expect(found).toMatchObject({ works: [], recounts: [{ reason: { kind: "added" } }] })
  })

  it("realtime: exclude leaves it out, also what is handed off of it", () => {
    const live = chunk(0, 10, {}, { isRealtime: true, isPublished: false })
    expect(plan([live], [], { realtime: "exclude" })).toMatchObject({ works: [], excluded: [live] })
    expect(plan([chunk(0, 10)], [], { realtime: "exclude" }).fetch.length).toBe(1)
  })

  it("not counted yet: fetched as unproven; held, it waits for the count, which then decides", () => {
    const uncounted = chunk(0, 10, { rows: 0 })
    expect(plan([uncounted], []).fetch).toEqual([["0-10", "new", "unproven"]])
    const held = part(0, 10, uncounted.segments, { state: "unproven", rows: 10 })
    expect(plan([uncounted], [held])).toMatchObject({ works: [], recounts: [], unchanged: 1 })
    expect(plan([chunk(0, 10)], [held])).toMatchObject({
      works: [],
      recounts: [{ reason: { kind: "unproven" }, parts: [held] }],
    })
  })

  it("stale rows, and rows that were ours alone: fetched as soon as Druid answers for them", () => {
    for (const state of ["stale", "kept"] as const) {
      const held = part(0, 10, chunk(0, 10).segments, { state })
      expect(plan([chunk(0, 10)], [held]).fetch).toEqual([["0-10", "replaced", "complete"]])
    }
  })

  it("other settings: everything again, whatever the segments", () => {
    const held = part(0, 10, chunk(0, 10).segments, { settings: "other" })
    expect(plan([chunk(0, 10)], [held]).fetch).toEqual([["0-10", "settings", "complete"]])
  })

  it("an interrupted run: what is missing, and only that", () => {
    const one = chunk(0, 10)
    const found = plan([one], [part(0, 4, one.segments, { rows: 5 })])
    expect(found.fetch).toEqual([["4-10", "resume", "complete"]])
    expect(found.works[0]!.expectedRows).toBeUndefined()
  })

  it("since and until: nothing outside of them is looked at, fetched or gone", () => {
    const old = part(0, 10, chunk(0, 10).segments)
    const found = plan([chunk(10, 20), chunk(20, 30)], [old], { since: 15n, until: 25n })
    expect(found.fetch.map((one) => one[0])).toEqual(["15-20", "20-25"])
    expect(found.gone).toEqual([])
    expect(found.works.every((work) => work.expectedRows === undefined)).toBe(true)
  })
})

const segmentsArbitrary: fc.Arbitrary<Segment[]> = fc
  .array(
    fc.record({
      size: fc.constantFrom(2, 4, 8),
      position: fc.integer({ min: 0, max: 6 }),
      version: fc.constantFrom("v1", "v2"),
      partitions: fc.integer({ min: 1, max: 2 }),
      flags: fc.constantFrom<Partial<Segment>>(
        {},
        {},
        { rows: 0 },
        { isRealtime: true, isPublished: false },
        { isAvailable: false },
        { isAvailable: false, replicationFactor: 0 },
      ),
    }),
    { maxLength: 8 },
  )
  .map((list) =>
    list.flatMap(({ size, position, version, partitions, flags }) =>
      Array.from({ length: partitions }, (_, partition) =>
        seg(position * size, (position + 1) * size, { version: `${version}-${size}`, partition, ...flags }),
      ),
    ),
  )

/** Checkpoints as an earlier world would have left them: disjoint, some of the chunks of now, some of others. */
const partsOf = (segments: readonly Segment[]) =>
  fc
    .array(
      fc.record({
        start: fc.integer({ min: 0, max: 56 }),
        length: fc.integer({ min: 1, max: 10 }),
        current: fc.boolean(),
        state: fc.constantFrom("complete", "provisional", "unproven", "stale", "kept") as fc.Arbitrary<
          Part["state"]
        >,
        settings: fc.constantFrom("s", "s", "s", "t"),
      }),
      { maxLength: 8 },
    )
    .map((list) => {
      const chunks = chunksOf(segments)
      const parts: Part[] = []
      for (const { start, length, current, state, settings } of list) {
        const whole = span(start, start + length)
        for (const interval of subtract(
          whole,
          parts.map((p) => p.interval),
        )) {
          const of = chunks.find((c) => contains(c.interval, interval))
          const from = current && of !== undefined ? of.segments : [seg(0, 64, { version: "old" })]
          parts.push({ ...part(0, 1, from), interval, state, settings })
        }
      }
      return parts
    })

const worlds = segmentsArbitrary.chain((segments) => fc.tuple(fc.constant(segments), partsOf(segments)))

describe("a diff, whatever the world", () => {
  it("names ascending, disjoint stretches, each within its chunk", () => {
    fc.assert(
      fc.property(worlds, ([segments, parts]) => {
        const { works } = diff(chunksOf(segments), parts, { ...options, filtered: true })
        for (const [n, work] of works.entries()) {
          expect(contains(work.chunk.interval, work.interval)).toBe(true)
          if (n > 0) expect(works[n - 1]!.interval.end <= work.interval.start).toBe(true)
        }
      }),
      { numRuns: RUNS },
    )
  })

  it("accounts for every millisecond: held and right, fetched, counted, waited for, or gone", () => {
    fc.assert(
      fc.property(worlds, ([segments, parts]) => {
        const chunks = chunksOf(segments)
        const found = diff(chunks, parts, { ...options, filtered: true })
        const fetched = bitmap(found.works.map((work) => work.interval))
        const counted = bitmap(found.recounts.flatMap((one) => one.parts.map((p) => p.interval)))
        const later = bitmap([...found.unavailable, ...found.cold].map((one) => one.interval))
        const active = bitmap(chunks.map((one) => one.interval))
        const gone = bitmap(found.gone)
        for (let t = 0n; t < 64n; t++) {
          const holder = parts.find((p) => p.interval.start <= t && t < p.interval.end)
          const answered = active.has(t)
          expect(gone.has(t)).toBe(!answered && holder !== undefined && chunks.length > 0)
          if (!answered) {
            expect(fetched.has(t) || counted.has(t)).toBe(false)
            continue
          }
          const chunkOf = chunks.find((c) => c.interval.start <= t && t < c.interval.end)!
          const trusted =
            holder !== undefined &&
            holder.settings === "s" &&
            ["complete", "unproven"].includes(holder.state) &&
            overlaps(holder.interval, chunkOf.interval)
          if (!fetched.has(t) && !counted.has(t) && !later.has(t)) expect(trusted).toBe(true)
          if (fetched.has(t)) expect(counted.has(t) || later.has(t)).toBe(false)
        }
      }),
      { numRuns: RUNS },
    )
  })

  it("has nothing left to do once its works are held as fetched", () => {
    fc.assert(
      fc.property(worlds, ([segments, parts]) => {
        const settled = segments.map((s) => ({
          ...s,
          rows: 10,
          isRealtime: false,
          isPublished: true,
          isAvailable: true,
          replicationFactor: 1,
        }))
        const chunks = chunksOf(settled)
        const filtered = { ...options, filtered: true }
        const first = diff(chunks, parts, filtered)
        const done = [
          ...first.works.map((w) => ({ ...part(0, 1, w.chunk.segments), interval: w.interval })),
          ...first.recounts.flatMap((r) =>
            r.parts.map((p) => ({ ...part(0, 1, r.chunk.segments), interval: p.interval })),
          ),
        ]
        const left = parts.flatMap((p) =>
          subtract(
            p.interval,
            done.map((d) => d.interval),
          ).map((interval) => ({ ...p, interval })),
        )
        const second = diff(chunks, [...done, ...left], filtered)
        expect(second.works).toEqual([])
        expect(second.recounts).toEqual([])
      }),
      { numRuns: RUNS },
    )
  })
})

describe("counting the parts of a chunk to which rows were added", () => {
  const before = chunk(0, 10)
  const now = chunk(0, 10, {}, { rows: 5 })
  const parts = [part(0, 5, before.segments, { rows: 6 }), part(5, 10, before.segments, { rows: 4 })]
  const recount = { chunk: now, parts, reason: { kind: "added", segments: 2 } as const }
  const count = (...numbers: number[]) => numbers.map((n) => ({ all: n, matching: n }))

  it("fetches those whose counts differ and renews the others", () => {
    const found = recounted(recount, count(6, 9), 15)
    expect(found.works).toMatchObject([{ interval: span(5, 10), state: "complete", expectedRows: 9 }])
    expect(found.refreshed).toEqual([{ ...part(0, 5, now.segments), rows: 6 }])
    expect(found.doubtful).toBe(false)
  })

  it("concludes nothing where Druid counts other rows in all than its metadata promises", () => {
    expect(recounted(recount, count(6, 4), 10)).toEqual({ works: [], refreshed: [], doubtful: true })
  })

  it("compares the rows that meet the filter, and the promise with all rows", () => {
    const counts = [
      { all: 9, matching: 6 },
      { all: 6, matching: 4 },
    ]
    expect(recounted(recount, counts, 15)).toMatchObject({ works: [], doubtful: false })
  })

  it("renews nothing while rows still come: an equal count today proves nothing for tomorrow", () => {
    const live = { ...recount, chunk: chunk(0, 10, {}, { isRealtime: true, isPublished: false }) }
    const found = recounted(live, count(6, 5), 11)
    expect(found.refreshed).toEqual([])
    expect(found.works).toMatchObject([
      { interval: span(5, 10), state: "provisional", expectedRows: undefined },
    ])
  })

  it("renews nothing while Druid has not counted all segments", () => {
    const uncounted = { ...recount, chunk: chunk(0, 10, {}, { rows: 0 }) }
    expect(recounted(uncounted, count(6, 4), 10)).toEqual({ works: [], refreshed: [], doubtful: false })
  })
})

describe("the state that fetched rows deserve", () => {
  it("follows from the condition of their chunk", () => {
    expect(stateAfter("settled")).toBe("complete")
    expect(stateAfter("uncounted")).toBe("unproven")
    expect(stateAfter("realtime")).toBe("provisional")
  })
})
