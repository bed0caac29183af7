/** Chunks of which Druid lists some partitions of the core set and answers no row: waiting mends nothing (FIELD 12). */
import { describe, expect, it } from "bun:test"
import { brokenOf } from "../../src/pull/broken.ts"
import { seg } from "../plan/support.ts"
import { errors, type FakeDruid, reply } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Bench, datasource, dayRows } from "./support.ts"

const DAY = "2020-01-02T00:00:00.000Z/2020-01-03T00:00:00.000Z"
const REASON = "partition 1 of 3 is not among the used segments"

let fake: FakeDruid
let bench: Bench
onFake(Bench, (one, own) => {
  fake = one
  bench = own
  for (const day of ["2020-01-01", "2020-01-02", "2020-01-03"])
    fake.world.overwrite("w", `${day}/${day.slice(0, -1)}${Number(day.at(-1)) + 1}`, dayRows(day, 30), {
      partitions: 3,
    })
  fake.world.settle()
})

describe("a partition of the core set that is not among the used segments", () => {
  it("leaves its day out: nothing is waited for, what is held is kept, exit code 0 with a warning", async () => {
    await bench.pull([datasource("w")])
    fake.world.dropPartition("w", "2020-01-02/2020-01-03", 1)
    bench.clock.slept.length = 0
    const report = await bench.pull([datasource("w")], { settleWaitMs: 60_000 })
    expect(report).toMatchObject({ exitCode: 0, outcome: "complete", rowsFetched: 0 })
    expect(report.datasources[0]).toMatchObject({ rows: 90, keptRows: 30, incomplete: [] })
    expect(report.datasources[0]!.broken).toEqual([
      { interval: DAY, reason: expect.stringContaining(REASON) },
    ])
    expect(bench.clock.slept).toEqual([])
    const warnings = bench.events.flatMap((event) => (event.type === "warning" ? [event.message] : []))
    expect(warnings.join()).toContain(`${DAY}: ${REASON}`)
    expect(await bench.query("SELECT reason FROM file._sync_missing")).toEqual([
      [expect.stringContaining(REASON)],
    ])
  })

  it("leaves its day out of a first pull and of a full one, and removes nothing with deletions: mirror", async () => {
    fake.world.dropPartition("w", "2020-01-02/2020-01-03", 1)
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 60 })
    expect(await bench.pull([datasource("w")], { full: true })).toMatchObject({
      exitCode: 0,
      rowsFetched: 60,
    })
    fake.world.overwrite("w", "2020-01-02/2020-01-03", dayRows("2020-01-02", 30), { partitions: 3 })
    fake.world.settle()
    await bench.pull([datasource("w")])
    fake.world.dropPartition("w", "2020-01-02/2020-01-03", 0)
    const mirror = datasource("w", { deletions: "mirror" })
    const report = await bench.pull([mirror])
    expect(report.datasources[0]).toMatchObject({ rows: 90, keptRows: 30, rowsDeleted: 0 })
  })

  it("is seen where the first two are missing, which leave no shard spec in the list: asked for once", async () => {
    await bench.pull([datasource("w")])
    for (const partition of [0, 1]) fake.world.dropPartition("w", "2020-01-02/2020-01-03", partition)
    const asked = () => fake.log.entries.filter(({ sql }) => sql?.includes("segment_id IN")).length
    const report = await bench.pull([datasource("w")], { settleWaitMs: 60_000 })
    expect(report).toMatchObject({ exitCode: 0, outcome: "complete", rowsFetched: 0 })
    expect(report.datasources[0]).toMatchObject({ rows: 90, keptRows: 30, incomplete: [] })
    expect(report.datasources[0]!.broken).toEqual([
      {
        interval: DAY,
        reason: expect.stringContaining("partitions 0, 1 of 3 are not among the used segments"),
      },
    ])
    expect(asked()).toBe(1)
  })

  it("says nothing where the question for a shard spec fails: exit code 3, nothing is kept", async () => {
    await bench.pull([datasource("w")])
    for (const partition of [0, 1]) fake.world.dropPartition("w", "2020-01-02/2020-01-03", partition)
    fake.hooks.beforeRequest = (_kind, _n, { sql }) =>
      sql?.includes("segment_id IN") ? reply(errors.forbidden()) : undefined
    const report = await bench.pull([datasource("w")], { settleWaitMs: 0 })
    expect(report.exitCode).toBe(3)
    expect(report.datasources[0]).toMatchObject({ rows: 90, keptRows: 0 })
  })

  it("is not believed while Druid answers rows of the day: the list is wrong then, exit code 3, nothing is kept", async () => {
    await bench.pull([datasource("w")])
    const [segment] = fake.world
      .segments("w")
      .filter((one) => one.start.startsWith("2020-01-02") && one.partition_num === 1)
    fake.world.patch("w", (_, id) => id === segment!.segment_id, { unlisted: true })
    const report = await bench.pull([datasource("w")], { settleWaitMs: 0 })
    expect(report.exitCode).toBe(3)
    expect(report.datasources[0]!.broken).toBeUndefined()
    expect(report.datasources[0]!.keptRows).toBe(0)
  })

  it("is copied again once it is back", async () => {
    await bench.pull([datasource("w")])
    fake.world.dropPartition("w", "2020-01-02/2020-01-03", 2)
    await bench.pull([datasource("w")])
    fake.world.overwrite("w", "2020-01-02/2020-01-03", dayRows("2020-01-02", 40), { partitions: 3 })
    fake.world.settle()
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 40 })
    const state = await bench.state()
    expect(state.held.get("w")!.parts.map((part) => part.state)).toEqual(
      Array.from({ length: 3 }, () => "complete"),
    )
  })
})

describe("a core set", () => {
  const interval = { start: 0n, end: 10n }
  const chunkOf = (partitions: readonly number[], corePartitions: number | undefined) => ({
    interval,
    segments: partitions.map((partition) =>
      seg(0, 10, { partition, ...(corePartitions === undefined ? {} : { corePartitions }) }),
    ),
  })

  it("is whole, or appended to, or unknown: not broken", () => {
    expect(brokenOf(chunkOf([0, 1, 2], 3))).toBeUndefined()
    expect(brokenOf(chunkOf([0, 1, 2, 3, 7], 3))).toBeUndefined()
    expect(brokenOf(chunkOf([4], 0))).toBeUndefined()
    expect(brokenOf(chunkOf([1], undefined))).toBeUndefined()
  })

  it("that was replaced in part says nothing", () => {
    expect(brokenOf(chunkOf([0, 32_768], 3))).toBeUndefined()
  })

  it("lacks what is not listed", () => {
    expect(brokenOf(chunkOf([1, 3], 4))).toEqual({ interval, missing: [0, 2], partitions: 4 })
  })
})
