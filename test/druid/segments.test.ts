import { describe, expect, it } from "bun:test"
import { SegmentsReader } from "../../src/druid/segments.ts"

type Row = readonly unknown[]

const row = (
  datasource: string,
  day: number,
  { version = "v1", partition = 0, rows = 10, core = "" } = {},
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

/** A reader whose Druid answers with these looks, one after the other. */
function reader(...looks: (readonly Row[])[]) {
  const answers = looks.map((rows) => rows.map((one) => JSON.stringify(one)))
  const lines = async <T>(_sql: string, _options: unknown, read: (lines: string[]) => T) =>
    read([...answers.shift()!])
  return new SegmentsReader({ lines }, ["a", "b"])
}

const available = new Set(["is_active"])

describe("a look at the segments", () => {
  it("has a list for each datasource, also for one that Druid does not list, and none for others", async () => {
    const found = await reader([row("a", 1), row("c", 1)]).read(available)
    expect([...found.keys()]).toEqual(["a", "b"])
    expect(found.get("a")).toMatchObject([{ version: "v1", rows: 10, isUsed: true, isTombstone: false }])
    expect(found.get("b")).toEqual([])
  })

  it("knows how many partitions a core set has, where a shard spec tells", async () => {
    const specs = [
      '{"type":"numbered","partitionNum":0,"partitions":3}',
      '{"type":"hashed","partitionNum":0,"partitions":4,"bucketId":0,"numBuckets":4}',
      '{"type":"range","partitionNum":1,"numCorePartitions":5}',
      '{"type":"linear","partitionNum":0}',
      "",
    ]
    const rows = specs.map((core, n) => row("a", 1, { partition: n, core }))
    const found = await reader(rows).read(available)
    expect(found.get("a")!.map((one) => one.corePartitions)).toEqual([3, 4, 5, undefined, undefined])
  })

  it("gives back the very lists of the look before where nothing has changed, in whatever order it came", async () => {
    const two = [row("a", 1), row("b", 1)]
    const reading = reader(two, [...two].reverse(), two)
    const first = await reading.read(available)
    for (let n = 0; n < 2; n++) {
      const next = await reading.read(available)
      expect(next.get("a")).toBe(first.get("a")!)
      expect(next.get("b")).toBe(first.get("b")!)
    }
  })

  it("sees every change: a count, a new version, a segment that came or went", async () => {
    const before = [row("a", 1), row("a", 2), row("b", 1)]
    for (const after of [
      [row("a", 1, { rows: 11 }), row("a", 2), row("b", 1)],
      [row("a", 1, { version: "v2" }), row("a", 2), row("b", 1)],
      [...before, row("a", 2, { partition: 1 })],
      [row("a", 1), row("b", 1)],
      [row("b", 1)],
    ]) {
      const reading = reader(before, after)
      const first = await reading.read(available)
      const then = await reading.read(available)
      const fresh = await reader(after).read(available)
      expect(then).toEqual(fresh)
      expect(then.get("a")).not.toBe(first.get("a")!)
      expect(then.get("b")).toBe(first.get("b")!)
    }
  })

  it("refuses an answer that has a segment twice, also with another count and in a later look", async () => {
    const twice = [
      [row("a", 1), row("a", 1)],
      [row("a", 1), row("a", 1, { rows: 11 })],
    ]
    for (const rows of twice) {
      await expect(reader(rows).read(available)).rejects.toThrow("a segment is in it twice")
      const later = reader([row("a", 1)], rows)
      await later.read(available)
      await expect(later.read(available)).rejects.toThrow("a segment is in it twice")
    }
  })

  it("refuses rows that are not whole, and goes on from the last good look", async () => {
    const good = [row("a", 1)]
    const reading = reader(good, [row("a", 1).slice(1)], good)
    const first = await reading.read(available)
    await expect(reading.read(available)).rejects.toThrow("of 14 values")
    expect((await reading.read(available)).get("a")).toBe(first.get("a")!)
  })
})
