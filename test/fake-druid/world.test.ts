import { describe, expect, it } from "bun:test"
import { type InputRow, iso, ms, World } from "../support/fake-druid/fake-druid.ts"

const at = (time: string, k: string): InputRow => ({ __time: time, k })
/** the rows of a datasource in one line */
const seen = (world: World, name = "d") =>
  world
    .rows(name)
    .map((row) => row.k)
    .join(" ")
const shape = (world: World, name = "d") =>
  world
    .segments(name)
    .map(
      (s) =>
        `${s.start.slice(0, 10)}/${s.end.slice(0, 10)}_${s.partition_num}:${s.is_active ? s.num_rows : "-"}`,
    )
    .sort()
    .join(" ")

function twoDays(): World {
  const world = new World()
  world.append("d", [at("2020-01-01T01", "a"), at("2020-01-02T01", "b")])
  return world
}

describe("time", () => {
  it("prints and reads Druid's whole range", () => {
    for (const text of [
      "2020-01-01T00:00:01.000Z",
      "10000-01-01T00:00:00.000Z",
      "-4970-03-02T18:40:00.000Z",
      "0000-01-01T00:00:00.000Z",
      "-146136543-09-08T08:23:32.096Z",
    ])
      expect(iso(ms(text))).toBe(text)
    expect(ms("-146136543-09-08T08:23:32.096Z")).toBe(-4611686018427387904n)
    expect(ms("1969-12-31T23:59:59.999Z")).toBe(-1n)
  })
})

describe("batch ingestion", () => {
  it("appends the next partition under the same version, and leaves the core count", () => {
    const world = twoDays()
    const [first] = world.segments("d")
    const [added] = world.append("d", [at("2020-01-01T02", "c")])
    expect(added).toMatchObject({ version: first!.version, partition_num: 1, num_rows: 1, is_active: 1 })
    expect(JSON.parse(added!.shard_spec)).toEqual({ type: "numbered", partitionNum: 1, partitions: 1 })
    expect(added!.segment_id).toBe(`${first!.segment_id}_1`)
    expect(seen(world)).toBe("a c b")
  })

  it("overwrites a day with a newer version; the old segment stays listed, published, served and inactive", () => {
    const world = twoDays()
    world.overwrite("d", "2020-01-01/2020-01-02", [at("2020-01-01", "x")])
    expect(seen(world)).toBe("x b")
    const [old] = world.segments("d")
    expect(old).toMatchObject({
      is_active: 0,
      is_overshadowed: 1,
      is_published: 1,
      is_available: 1,
      replication_factor: 0,
    })
    world.purgeOvershadowed("d")
    expect(shape(world)).toBe("2020-01-01/2020-01-02_0:1 2020-01-02/2020-01-03_0:1")
  })

  it("appends after an overwrite with the newer version", () => {
    const world = twoDays()
    const [newer] = world.overwrite("d", "2020-01-01/2020-01-02", [at("2020-01-01", "x")])
    const [added] = world.append("d", [at("2020-01-01T05", "y")])
    expect(added).toMatchObject({ version: newer!.version, partition_num: 1 })
    expect(seen(world)).toBe("x y b")
  })

  it("compacts days into a month and back; a month under incomplete days stays active for the others", () => {
    const world = twoDays()
    world.compact("d", "2020-01-01/2020-02-01", "MONTH")
    world.purgeOvershadowed("d")
    expect(shape(world)).toBe("2020-01-01/2020-02-01_0:2")
    expect(world.segments("d")[0]!.last_compaction_state).toContain("MONTH")
    world.compact("d", "2020-01-01/2020-02-01", "DAY")
    world.purgeOvershadowed("d")
    expect(shape(world)).toBe("2020-01-01/2020-01-02_0:1 2020-01-01/2020-02-01_0:2 2020-01-02/2020-01-03_0:1")
    expect(seen(world)).toBe("a b")
    world.compact("d", "2020-01-01/2020-02-01", "DAY", { dropExisting: true })
    world.purgeOvershadowed("d")
    expect(world.segments("d").filter((s) => s.shard_spec.includes('"tombstone"')).length).toBe(29)
    expect(shape(world)).not.toContain("2020-01-01/2020-02-01")
    expect(seen(world)).toBe("a b")
    world.compact("d", "2020-01-01/2020-01-02", "HOUR")
    expect(seen(world)).toBe("a b")
  })

  it("hides just its day of an older month behind a newer day", () => {
    const world = new World()
    world.append("d", [at("2020-01-01", "a"), at("2020-01-15", "b"), at("2020-01-31", "c")], {
      granularity: "MONTH",
    })
    world.overwrite("d", "2020-01-15/2020-01-16", [at("2020-01-15T05", "B")])
    expect(seen(world)).toBe("a B c")
    expect(shape(world)).toBe("2020-01-01/2020-02-01_0:3 2020-01-15/2020-01-16_0:1")
    world.append("d", [at("2020-01-14", "e"), at("2020-01-15T06", "f")])
    expect(seen(world)).toBe("a e B f c")
    world.markUnused("d", "2020-01-15/2020-01-16")
    expect(seen(world)).toBe("a b c e")
  })

  it("marks dropped chunks with tombstones of no rows", () => {
    const world = twoDays()
    const [tombstone] = world.overwrite("d", "2020-01-01/2020-01-03", [at("2020-01-02", "x")], {
      granularity: "DAY",
      dropExisting: true,
    })
    expect(tombstone).toMatchObject({
      num_rows: 0,
      size: 1,
      dimensions: "[]",
      is_active: 1,
      start: iso(ms("2020-01-01")),
    })
    expect(JSON.parse(tombstone!.shard_spec).type).toBe("tombstone")
    expect(seen(world)).toBe("x")
  })

  it("replaces only chunks that get rows, without dropExisting", () => {
    const world = twoDays()
    world.overwrite("d", "2020-01-01/2020-01-03", [at("2020-01-02", "x")], { granularity: "DAY" })
    expect(seen(world)).toBe("a x")
  })

  it("answers the old rows while a newer version is published and not loaded", () => {
    const world = twoDays()
    const [newer] = world.overwrite("d", "2020-01-01/2020-01-02", [at("2020-01-01", "x")], { loaded: false })
    expect(newer).toMatchObject({
      is_active: 1,
      is_available: 0,
      num_rows: 0,
      num_replicas: 0,
      replication_factor: -1,
    })
    expect(seen(world)).toBe("a b")
    world.setAvailable("d", undefined, true)
    expect(seen(world)).toBe("x b")
  })

  it("refuses to overwrite what a task is streaming into", () => {
    const world = new World()
    world.stream("d", [at("2020-01-01", "a")])
    expect(world.hasOpenStream("d", "2020-01-01/2020-01-02")).toBeTrue()
    expect(() => world.overwrite("d", "2020-01-01/2020-01-02", [])).toThrow("hand it off first")
    world.handOff("d")
    world.overwrite("d", "2020-01-01/2020-01-02", [at("2020-01-01", "b")])
    expect(seen(world)).toBe("b")
  })
})

describe("dropping", () => {
  it("forgets what is marked unused, and only what lies wholly in the span", () => {
    const world = twoDays()
    world.markUnused("d", "2020-01-01/2020-01-02T12")
    expect(shape(world)).toBe("2020-01-02/2020-01-03_0:1")
    world.markUnused("d")
    expect(world.segments("d")).toEqual([])
    expect(world.schema("d")).toEqual([])
  })

  it("can serve on for a moment what is dropped already", () => {
    const world = twoDays()
    world.markUnused("d", "2020-01-01/2020-01-02", { stillServed: true })
    expect(world.segments("d")[0]).toMatchObject({
      is_active: 0,
      is_published: 0,
      is_available: 1,
      replication_factor: -1,
    })
    expect(seen(world)).toBe("a b")
    world.unloadUnused("d")
    expect(seen(world)).toBe("b")
  })

  it("gives a re-created datasource newer versions, and nothing of the old one", () => {
    const world = twoDays()
    const [old] = world.segments("d")
    world.deleteDatasource("d")
    const [again] = world.append("d", [at("2020-01-01", "z")])
    expect(again!.version > old!.version).toBeTrue()
    expect(seen(world)).toBe("z")
  })
})

describe("availability", () => {
  it("hides rows of what no server serves, while sys.segments lists it with 0 rows", () => {
    const world = twoDays()
    world.setAvailable("d", "2020-01-01/2020-01-02", false)
    expect(seen(world)).toBe("b")
    expect(world.segments("d")[0]).toMatchObject({
      is_active: 1,
      is_available: 0,
      num_rows: 0,
      replication_factor: 1,
    })
  })

  it("skips the whole interval without a core partition, and only its own rows without an appended one", () => {
    const world = twoDays()
    world.append("d", [at("2020-01-01T02", "c")])
    world.setAvailable("d", (s) => s.partition === 1, false)
    expect(seen(world)).toBe("a b")
    world.setAvailable("d", undefined, true)
    world.setAvailable("d", (s) => s.partition === 0 && s.interval.start === ms("2020-01-01"), false)
    expect(seen(world)).toBe("b")
  })

  it("has no table while nothing of a datasource is served", () => {
    const world = twoDays()
    world.setAvailable("d", undefined, false)
    expect(world.schema("d")).toEqual([])
    expect(world.segments("d").map((s) => s.is_active)).toEqual([1, 1])
  })

  it("does not serve what is cold", () => {
    const world = twoDays()
    world.setCold("d", "2020-01-01/2020-01-02", true)
    world.setAvailable("d", undefined, true)
    expect(seen(world)).toBe("b")
    expect(world.segments("d")[0]).toMatchObject({ is_active: 1, is_available: 0, replication_factor: 0 })
    world.setCold("d", undefined, false)
    expect(seen(world)).toBe("a b")
  })

  it("reports 0 rows, or stale ones, until the broker has looked again", () => {
    const world = new World()
    world.reportRows(false)
    world.append("d", [at("2020-01-01", "a")])
    world.stream("d", [at("2020-01-02", "b")])
    world.setReportedRows("d", "2020-01-02/2020-01-03", undefined)
    world.stream("d", [at("2020-01-02", "c")])
    expect(world.segments("d").map((s) => s.num_rows)).toEqual([0, 1])
    world.reportRows(true)
    expect(world.segments("d").map((s) => s.num_rows)).toEqual([1, 2])
  })
})

describe("streaming", () => {
  it("goes through the states of hand-off under one segment id", () => {
    const world = new World()
    world.stream("d", [at("2020-01-01T00:10", "a")])
    const [open] = world.stream("d", [at("2020-01-01T00:20", "b")])
    expect(open).toMatchObject({
      num_rows: 2,
      is_active: 1,
      is_published: 0,
      is_available: 1,
      is_realtime: 1,
      replication_factor: -1,
      size: 0,
      end: iso(ms("2020-01-01T01")),
    })
    expect(JSON.parse(open!.shard_spec).partitions).toBe(0)
    world.publish("d")
    expect(world.segments("d")[0]).toMatchObject({
      is_published: 1,
      is_realtime: 0,
      is_available: 1,
      replication_factor: 0,
    })
    world.handOff("d")
    const [done] = world.segments("d")
    expect(done).toMatchObject({ replication_factor: 1, segment_id: open!.segment_id, num_rows: 2 })
  })

  it("gives late rows of a published hour a new partition of the same version", () => {
    const world = new World()
    const [open] = world.stream("d", [at("2020-01-01T00:10", "a")])
    world.publish("d")
    const [late] = world.stream("d", [at("2020-01-01T00:20", "b")])
    expect(late).toMatchObject({ version: open!.version, partition_num: 1, is_realtime: 1 })
    world.settle()
    world.setAvailable("d", (s) => s.partition === 0, false)
    expect(seen(world)).toBe("b")
  })

  it("merges rolled-up rows at hand-off: same id, fewer rows, same sums", () => {
    const world = new World()
    const rollup = { metrics: ["cnt"], queryGranularity: "HOUR" } as const
    for (let persist = 0; persist < 4; persist++)
      world.stream(
        "d",
        ["x", "y", "z", "x"].map((k, i) => ({ __time: `2020-01-01T00:0${i}`, k, cnt: 1n })),
        { rollup },
      )
    world.publish("d")
    expect(world.count("d")).toBe(12)
    world.reportRows(false)
    world.handOff("d")
    expect(world.count("d")).toBe(3)
    expect(world.segments("d")[0]).toMatchObject({ num_rows: 12, replication_factor: 1 })
    expect(world.rows("d").map((row) => `${row.k}${row.cnt}`)).toEqual(["x8", "y4", "z4"])
    world.settle()
    expect(world.segments("d")[0]).toMatchObject({ num_rows: 3 })
  })

  it("loses a realtime segment from sys.segments when its task dies", () => {
    const world = new World()
    world.stream("d", [at("2020-01-01", "a")])
    world.setAvailable("d", undefined, false)
    expect(world.segments("d")).toEqual([])
  })

  it("streams into a batch chunk as its next partition", () => {
    const world = twoDays()
    const [added] = world.stream("d", [at("2020-01-01T07", "c")])
    expect(added).toMatchObject({
      partition_num: 1,
      version: world.segments("d")[0]!.version,
      end: iso(ms("2020-01-02")),
    })
  })
})

describe("schema", () => {
  it("is the union over what is served, newest time chunk first", () => {
    const world = new World()
    world.append("d", [{ __time: "2020-01-01", old: "x", both: 1n }])
    world.append("d", [{ __time: "2020-01-02", young: 1.5, both: "text" }])
    expect(world.schema("d").map((c) => `${c.name} ${c.type}`)).toEqual([
      "__time LONG",
      "young DOUBLE",
      "both STRING",
      "old STRING",
    ])
    expect(world.rows("d").map((row) => [row.old, row.young, row.both])).toEqual([
      ["x", null, "1"],
      [null, 1.5, "text"],
    ])
  })

  it("takes the least restrictive type as Druid 33 does, or the newest where that is set", () => {
    const fill = (world: World) => {
      world.append("d", [{ __time: "2020-01-01", v: 1.5 }])
      world.append("d", [{ __time: "2020-01-02", v: 1n }])
      return world.schema("d")[1]!.type
    }
    expect(fill(new World())).toBe("DOUBLE")
    expect(fill(new World({ mergePolicy: "latestInterval" }))).toBe("LONG")
  })

  it("stores values as ingestion does", () => {
    const world = new World()
    world.define("d", { mv: "STRING", l: "ARRAY<LONG>", j: "COMPLEX<json>", f: "FLOAT" })
    world.append("d", [
      { __time: 1, mv: ["b", "a", "a"], l: [5n, null], j: { a: [1n, null] }, f: 0.1 },
      { __time: 2, mv: ["", null, "b"], l: [], j: "5", f: Number.NaN },
      { __time: 3, mv: ["only"], l: null },
      { __time: 4, mv: [null] },
      { __time: 5, mv: [], j: null },
    ])
    expect(world.rows("d").map(({ mv, l, j }) => [mv, l, j])).toEqual([
      [["a", "a", "b"], [5n, null], '{"a":[1,null]}'],
      [[null, "", "b"], [], "5"],
      ["only", null, null],
      [null, null, null],
      [null, null, null],
    ])
    expect(world.rows("d")[0]!.f).toBe(Math.fround(0.1))
  })
})
