/** Looks at `sys.segments` in DuckDB: what a row must be, and that what is left out is what the pure deciders call unchanged. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { existsSync } from "node:fs"
import { rm } from "node:fs/promises"
import fc from "fast-check"
import type { Interval, Part, PartState, Segment } from "../../src/base/domain.ts"
import { overlaps } from "../../src/base/intervals.ts"
import type { Holding, SegmentsDesk } from "../../src/base/segments-look.ts"
import { MAX_SHARDS, type Shard, shareOf } from "../../src/base/shard.ts"
import { MAX_TIME, MIN_TIME } from "../../src/base/time.ts"
import { chunksOf } from "../../src/plan/chunks.ts"
import { type Diff, type DiffOptions, diff } from "../../src/plan/diff.ts"
import { segmentSetText } from "../../src/plan/segment-set.ts"
import { slicesOf } from "../../src/plan/slices.ts"
import { movingWindow, windowOfKeep, windowStart } from "../../src/plan/window.ts"
import { brokenOf, tellerOf } from "../../src/pull/broken.ts"
import { segmentsDesk } from "../../src/store/look/desk.ts"
import { writeParts } from "../../src/store/notes/checkpoints.ts"
import { ensureTables } from "../../src/store/notes/tables.ts"
import { RUNS, seg } from "../plan/support.ts"
import { Store } from "./support.ts"

let store: Store
let desk: SegmentsDesk
beforeAll(async () => {
  store = await Store.open()
  desk = segmentsDesk(await store.engine.beside(), async () => store.folder, 0)
})
afterAll(() => store.close())
beforeEach(() => rm(store.path, { force: true }))

type Row = readonly unknown[]

const row = (
  datasource: string,
  day: number,
  { version = "v1", partition = 0, rows = 10 as unknown, core = "" as unknown } = {},
): Row => [
  datasource,
  `2024-01-0${day}T00:00:00.000Z`,
  `2024-01-0${day + 1}T00:00:00.000Z`,
  version,
  partition,
  rows,
  1_000,
  1,
  ...[1, 1, 0, 0, 1],
  core,
]

const take = async (rows: readonly Row[]) =>
  desk.take(
    await store.spool(
      rows.map((one) => JSON.stringify(one)),
      `rows-${Math.random()}.jsonl`,
    ),
  )

describe("a look at the segments", () => {
  it("has the segments of each datasource, and knows which it lists", async () => {
    const look = await take([row("a", 1), row("a", 2, { partition: 3 }), row("c", 1)])
    expect(["a", "b", "c"].map((name) => look.lists(name))).toEqual([true, false, true])
    expect(await look.segments("a")).toMatchObject([
      { version: "v1", rows: 10, partition: 0, isUsed: true, isTombstone: false, replicationFactor: 1 },
      { interval: { start: 1_704_153_600_000n, end: 1_704_240_000_000n }, partition: 3 },
    ])
    expect(await look.segments("a", [{ start: 0n, end: 1_704_153_600_000n }])).toHaveLength(1)
    expect(await look.segments("b")).toEqual([])
  })

  it("lists nothing of a datasource of which all segments are unused", async () => {
    const unused = [...row("a", 1)]
    unused[12] = 0
    expect((await take([unused])).lists("a")).toBe(false)
    expect((await take([])).lists("a")).toBe(false)
  })

  it("knows how many partitions a core set has, where a shard spec tells", async () => {
    const specs = [
      '{"type":"numbered","partitionNum":0,"partitions":3}',
      '{"type":"hashed","partitionNum":0,"partitions":4,"bucketId":0,"numBuckets":4}',
      '{"type":"range","partitionNum":1,"numCorePartitions":5}',
      '{"type":"linear","partitionNum":0}',
      "",
      null,
    ]
    const look = await take(specs.map((core, n) => row("a", 1, { partition: n, core })))
    const segments = [...(await look.segments("a"))].sort((a, b) => a.partition - b.partition)
    expect(segments.map((one) => one.corePartitions)).toEqual([3, 4, 5, undefined, undefined, undefined])
  })

  it("finds core sets that lack a partition, with what lies over them", async () => {
    const core = '{"type":"numbered","partitions":2}'
    const look = await take([
      row("a", 1, { core }),
      row("a", 1, { partition: 1, core }),
      row("a", 2, { partition: 1, core }),
      row("a", 3),
      ["a", "2024-01-02T06:00:00.000Z", "2024-01-02T07:00:00.000Z", "v2", 0, 1, 1, 1, 1, 1, 0, 0, 1, ""],
    ])
    const found = await look.coreSetsLacking("a")
    expect(found.map((one) => `${one.version}:${one.partition}`).sort()).toEqual(["v1:1", "v2:0"])
    expect(await look.coreSetsLacking("b")).toEqual([])
  })

  it("reads times of any year", async () => {
    const eternity = ["-146136543-09-08T08:23:32.096Z", "146140482-04-24T15:36:27.903Z"]
    const [look] = [await take([["a", ...eternity, ...row("a", 1).slice(3)]])]
    expect((await look.segments("a")).map((one) => one.interval)).toEqual([
      { start: MIN_TIME, end: MAX_TIME },
    ])
  })

  for (const [what, rows] of [
    ["has a segment twice", [row("a", 1), row("a", 1)]],
    ["has a segment twice, with another count", [row("a", 1), row("a", 2), row("a", 1, { rows: 11 })]],
    ["has a row that is not whole", [row("a", 1).slice(1)]],
    ["has a number that is none", [row("a", 1, { rows: "many" })]],
    ["has no number", [row("a", 1, { rows: null })]],
    ["has a time that is none", [["a", "yesterday", ...row("a", 1).slice(2)]]],
    ["has a day that no calendar has", [["a", "2024-02-30T00:00:00.000Z", ...row("a", 1).slice(2)]]],
    ["has no time", [["a", null, ...row("a", 1).slice(2)]]],
  ] as const) {
    it(`refuses an answer that ${what}, and takes the next`, async () => {
      await expect(take(rows)).rejects.toMatchObject({ code: "response-cut", retryable: true })
      expect((await take([row("a", 1)])).lists("a")).toBe(true)
    })
  }

  it("leaves neither a file nor a table behind", async () => {
    const path = await store.spool([JSON.stringify(row("a", 1))], "kept.jsonl")
    const look = await desk.take(path)
    await look.differing([holding()])
    await look.drop()
    expect(existsSync(path)).toBe(false)
    const tables = await store.engine.rows(
      "SELECT count(*) FROM duckdb_tables() WHERE table_name = (SELECT max(table_name) FROM duckdb_tables() WHERE table_name LIKE 'look%verdict')",
    )
    expect(tables).toEqual([[0n]])
  })
})

const holding = (more: Partial<Holding> = {}): Holding => ({
  datasource: "a",
  table: undefined,
  settings: "s",
  isPartial: false,
  range: { start: MIN_TIME, end: MAX_TIME },
  keep: undefined,
  shard: undefined,
  lost: [],
  ...more,
})

// A quarter of a day: chunks are of a quarter to two days, so that shards own some of them, all or none.
const UNIT = 21_600_000n

interface World {
  readonly segments: readonly Segment[]
  readonly parts: readonly Part[]
  readonly options: DiffOptions & { readonly shard: Shard | undefined }
  /** in place of `since`: how long rows are kept, and what time it is, ms */
  readonly keep?: { readonly keepMs: number; readonly nowMs: number } | undefined
}

const rare = <T>(usual: T, ...unusual: T[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...unusual) },
  )

/** One interval of segments, and what is held of it. */
const place = fc.record({
  gap: rare(0, 1, 3),
  length: fc.constantFrom(1, 1, 2, 4, 8),
  version: rare("2024-01-01T00:00:00.000Z", "v%1;2,3:4", ""),
  partitions: rare<readonly number[]>([0], [0, 1], [0, 2, 3, 7], [5], [32_768, 32_769], []),
  core: rare<number | undefined>(undefined, 1, 2, 4),
  rows: fc.integer({ min: 1, max: 3 }),
  odd: rare<Partial<Segment>>(
    {},
    { isTombstone: true, rows: 0 },
    { isTombstone: true, rows: 0, isAvailable: false },
    { rows: 0 },
    { isAvailable: false },
    { isAvailable: false, replicationFactor: 0 },
    { isRealtime: true, isPublished: false },
    { replicationFactor: 0 },
    { replicationFactor: undefined },
    { isPublished: false, isUsed: false },
  ),
  isOddAlone: fc.boolean(),
  second: rare<string | undefined>(undefined, "v0", "v2"),
  inside: rare<number | undefined>(undefined, 1, 2),
  held: rare<readonly PartState[]>(
    ["complete"],
    [],
    ["complete", "complete"],
    ["complete", "stale"],
    ["kept"],
    ["provisional"],
    ["unproven"],
    ["stale"],
  ),
  isOther: rare(false, true),
  settings: rare("s", "t"),
  moreRows: rare(0, 1, -1),
  isShort: rare(false, true),
})

const worlds: fc.Arbitrary<World> = fc
  .record({
    places: fc.array(place, { maxLength: 12 }),
    origin: fc.integer({ min: -20, max: 4 }),
    since: fc.option(fc.integer({ min: -10, max: 20 }), { freq: 3 }),
    until: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 3 }),
    keep: fc.option(
      fc.record({ units: fc.integer({ min: 1, max: 12 }), now: fc.integer({ min: -4, max: 30 }) }),
      { freq: 3 },
    ),
    filtered: fc.boolean(),
    realtime: fc.constantFrom("include" as const, "exclude" as const),
    shard: fc.option(
      fc.constantFrom<Shard>({ number: 1, of: 2 }, { number: 2, of: 3 }, { number: 7, of: MAX_SHARDS }),
      { freq: 3 },
    ),
  })
  .map(({ places, origin, since, until, keep, filtered, realtime, shard }) => {
    const segments: Segment[] = []
    const parts: Part[] = []
    let at = BigInt(origin) * UNIT
    for (const one of places) {
      const start = at + BigInt(one.gap) * UNIT
      const end = start + BigInt(one.length) * UNIT
      at = end
      const own = one.partitions.map((partition, n) =>
        seg(start, end, {
          partition,
          version: one.version,
          rows: one.rows,
          ...(one.isOddAlone && n > 0 ? {} : one.odd),
          ...(one.core === undefined ? {} : { corePartitions: one.core }),
        }),
      )
      segments.push(...own)
      if (one.second !== undefined) segments.push(seg(start, end, { version: one.second, rows: 1 }))
      if (one.inside !== undefined && one.inside < one.length)
        segments.push(seg(start, start + BigInt(one.inside) * UNIT, { version: "v9", rows: 1 }))
      const named = one.isOther ? [...own, seg(start, end, { version: "other" })] : own
      const rows = own.reduce((sum, segment) => sum + segment.rows, 0) + one.moreRows
      parts.push(...pieces({ start, end }, one.held, named, rows, one))
    }
    const share = shard === null ? undefined : shareOf(shard, "a")
    const unit = Number(UNIT)
    const window = keep === null ? undefined : { keepMs: keep.units * unit, nowMs: keep.now * unit + 1_000 }
    const first = window === undefined ? undefined : windowStart(window.keepMs, window.nowMs)
    return {
      segments,
      parts,
      keep: window,
      options: {
        settings: "s",
        realtime,
        filtered,
        since: first ?? (since === null ? undefined : BigInt(since) * UNIT),
        until: until === null ? undefined : BigInt(until) * UNIT,
        shard: shard ?? undefined,
        ...(share === undefined ? {} : { share }),
      },
    }
  })

/** Checkpoints of an interval, one for each state. */
function pieces(
  { start, end }: Interval,
  states: readonly PartState[],
  segments: readonly Segment[],
  rows: number,
  { settings, isShort }: { readonly settings: string; readonly isShort: boolean },
): Part[] {
  const cut = (n: number) => start + ((end - start) * BigInt(n)) / BigInt(states.length)
  return states.map((state, n) => {
    const last = n === states.length - 1
    return {
      interval: { start: cut(n), end: last && isShort ? end - 1n : cut(n + 1) },
      segments: segmentSetText(segments),
      rows: last ? rows - n : 1,
      state,
      settings,
    }
  })
}

/** In an order that does not depend on where they come from. */
function sorted(segments: readonly Segment[]): Segment[] {
  const key = (one: Segment) => segmentSetText([one])
  return [...segments].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

async function hold(parts: readonly Part[]): Promise<void> {
  await store.file().write(async () => {
    await ensureTables(store.engine)
    await store.engine.run("DELETE FROM file._sync_chunks")
    await writeParts(store.engine, { datasource: "a", table: "a", isNew: false, runId: "r", nowMs: 0 }, parts)
  })
}

/** Both ways to the plan: from everything, and from what DuckDB did not leave out. */
async function bothWays({ segments, parts, options, keep }: World) {
  const look = await desk.put(new Map([["a", segments]]))
  await hold(parts)
  const asked = holding({
    table: "a",
    isPartial: options.filtered === true,
    range: { start: options.since ?? MIN_TIME, end: options.until ?? MAX_TIME },
    shard: options.shard,
    keep: keep === undefined ? undefined : windowOfKeep(keep.keepMs, keep.nowMs),
  })
  const found = (await store.file().read(() => look.differing([holding(), asked])))[1]!
  await look.drop()
  const all = chunksOf(sorted(segments))
  const some = chunksOf(sorted(found.segments))
  const whole = diff(all, parts, options)
  const left = diff(some, found.parts, options)
  // Both ways end alike beyond the plan, too: what `keep` deletes, and chunks that may lack a partition.
  const window = (chunks: typeof all, held: readonly Part[]) =>
    keep === undefined ? undefined : movingWindow(keep.keepMs, keep.nowMs, chunks, held)
  expect(window(some, found.parts)).toEqual(window(all, parts))
  const lacking = (chunks: typeof all) =>
    chunks.filter(
      (one) => overlaps(one.interval, asked.range) && (brokenOf(one) ?? tellerOf(one)) !== undefined,
    )
  if (options.shard === undefined) expect(lacking(some)).toEqual(lacking(all))
  return { all, some, whole, left: { ...left, unchanged: left.unchanged + found.unchanged }, found }
}

const sliced = (
  plan: Diff,
  chunks: ReturnType<typeof chunksOf>,
  { share = () => "all" as const }: DiffOptions,
) =>
  slicesOf(
    plan.works,
    chunks.filter((chunk) => share(chunk.interval) !== "none"),
    5,
  )

describe("what is left out", () => {
  it("is what the pure deciders call unchanged: the plan of the rest is the plan of everything", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const { all, some, whole, left } = await bothWays(world)
        expect(left).toEqual(whole)
        expect(sliced(left, some, world.options)).toEqual(sliced(whole, all, world.options))
      }),
      { numRuns: RUNS / 10 },
    )
  }, 120_000)

  it("is all but the first chunk, and but what stands before a change, of a copy that is as Druid has it", async () => {
    const days = Array.from({ length: 2_000 }, (_, n) => ({
      start: BigInt(n) * UNIT,
      end: BigInt(n + 1) * UNIT,
    }))
    const of = ({ start, end }: Interval, n: number) =>
      n % 3 === 0 ? [seg(start, end), seg(start, end, { partition: 4 })] : [seg(start, end)]
    const segments = days.flatMap(of)
    const parts = days.flatMap((day, n) =>
      pieces(day, n % 5 === 0 ? ["complete", "complete"] : ["complete"], of(day, n), n % 3 === 0 ? 20 : 10, {
        settings: "s",
        isShort: false,
      }),
    )
    const options = { settings: "s", realtime: "include" as const, shard: undefined }
    const quiet = await bothWays({ segments, parts, options })
    expect(quiet.left).toEqual(quiet.whole)
    expect(quiet.left.unchanged).toBe(2_000)
    expect(quiet.found).toMatchObject({ unchanged: 1_999 })
    expect(quiet.some).toHaveLength(1)
    const changed = segments.map((one) =>
      one.interval.start === 1_001n * UNIT ? { ...one, version: "v2" } : one,
    )
    const one = await bothWays({ segments: changed, parts, options })
    expect(one.left).toEqual(one.whole)
    expect(one.some.map(({ interval }) => interval.start / UNIT)).toEqual([0n, 1_000n, 1_001n])
    expect(one.found.parts.map(({ interval }) => interval.start / UNIT)).toEqual([
      0n,
      0n,
      1_000n,
      1_000n,
      1_001n,
    ])
  })

  it("is nothing where the settings do not count, and where checkpoints are lost", async () => {
    const segments = [seg(0n, UNIT), seg(UNIT, 2n * UNIT), seg(2n * UNIT, 3n * UNIT)]
    await hold(
      segments.map((one) => ({
        interval: one.interval,
        segments: segmentSetText([one]),
        rows: 10,
        state: "complete",
        settings: "s",
      })),
    )
    const look = await desk.put(new Map([["a", segments]]))
    const ask = async (more: Partial<Holding>) => {
      const found = await store.file().read(() => look.differing([holding({ table: "a", ...more })]))
      const { segments, parts, unchanged } = found[0]!
      return [segments.length, parts.length, unchanged]
    }
    expect(await ask({})).toEqual([1, 1, 2])
    expect(await ask({ settings: undefined })).toEqual([3, 3, 0])
    expect(await ask({ lost: [2n * UNIT] })).toEqual([3, 2, 0])
  })
})

it("many datasources are held against the file in a few statements, each with its own settings", async () => {
  const names = Array.from({ length: 300 }, (_, n) => `d${n}`)
  const look = await desk.put(new Map(names.map((name) => [name, [seg(0n, UNIT), seg(UNIT, 2n * UNIT)]])))
  const found = await look.differing(names.map((datasource) => holding({ datasource })))
  expect(found).toHaveLength(names.length)
  for (const one of found) expect(one).toMatchObject({ parts: [], unchanged: 0, segments: { length: 2 } })
})
