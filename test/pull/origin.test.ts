/** The file knows the cluster that it was pulled from: two of them are never mixed in one table. */
import { describe, expect, it } from "bun:test"
import { DruidsyncError, ExitCode } from "../../src/base/errors.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Bench, datasource, dayRows } from "./support.ts"

const PRODUCTION = "druid.example:8888"
const STAGING = "staging.example:8888"
const W = [datasource("w")]

let fake: FakeDruid
let bench: Bench
onFake(Bench, (one, own) => {
  fake = one
  bench = own
  fill(0)
})

/** A cluster's two days of `w`; later calls make other segments. */
function fill(from: number): void {
  fake.world.append("w", [...dayRows("2020-01-01", 20, from), ...dayRows("2020-01-02", 20, from + 20)])
  fake.world.settle()
}

/** The fake becomes another cluster: its segments are others. */
function otherCluster(): void {
  fake.reset()
  fake.world.append("w", dayRows("1999-01-01", 1))
  fill(1_000)
  fake.world.overwrite("w", "2020-01-01/2020-01-03", [
    ...dayRows("2020-01-01", 20, 1_000),
    ...dayRows("2020-01-02", 20, 1_020),
  ])
  fake.world.settle()
}

const ids = () => bench.query("SELECT min(id)::INTEGER, max(id)::INTEGER FROM file.w")
const origins = () => bench.query("SELECT datasource, origin FROM file._sync_origins")

async function refusal(work: Promise<unknown>): Promise<DruidsyncError> {
  const error = await work.then(
    () => new Error("it passed"),
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(DruidsyncError)
  return error
}

describe("a file of another cluster", () => {
  it("is refused with both origins, and nothing in it is touched", async () => {
    expect(await bench.pull(W, { origin: PRODUCTION })).toMatchObject({ exitCode: 0 })
    otherCluster()
    const error = await refusal(bench.pull(W, { origin: STAGING }))
    expect(error).toMatchObject({ code: "usage", exitCode: ExitCode.usage })
    expect(error.message).toContain(`was pulled from ${PRODUCTION}, and the configuration names ${STAGING}`)
    expect(error.hint).toContain("--moved")
    expect(await ids()).toEqual([[0, 39]])
    expect(await bench.query("SELECT count(*)::INTEGER FROM file._sync_runs")).toEqual([[1]])
    expect(await origins()).toEqual([["w", PRODUCTION]])
  })

  it("is refused, too, where the other has no such datasource", async () => {
    await bench.pull(W, { origin: PRODUCTION })
    fake.reset()
    fake.world.append("another", dayRows("2020-01-01", 5))
    fake.world.settle()
    expect(await refusal(bench.pull(W, { origin: STAGING }))).toMatchObject({ code: "usage" })
  })

  it("is taken over with --moved, and belongs to the new one from then on", async () => {
    await bench.pull(W, { origin: PRODUCTION })
    otherCluster()
    expect(await bench.pull(W, { origin: STAGING, moved: true })).toMatchObject({ exitCode: 0 })
    expect(await origins()).toEqual([["w", STAGING]])
    expect(await bench.pull(W, { origin: STAGING })).toMatchObject({ exitCode: 0, rowsFetched: 0 })
  })
})

describe("the same cluster", () => {
  it("by another way is adopted without a word: its segments are those that the file holds", async () => {
    await bench.pull(W, { origin: PRODUCTION })
    fake.world.append("w", dayRows("2020-01-03", 20, 40))
    fake.world.settle()
    expect(await bench.pull(W, { origin: "localhost:18888" })).toMatchObject({ exitCode: 0, rowsFetched: 20 })
    expect(bench.events.filter((event) => event.type === "warning")).toEqual([])
    expect(await origins()).toEqual([["w", "localhost:18888"]])
  })

  it("is adopted for all its datasources if one of them tells", async () => {
    const both = [...W, datasource("gone")]
    fake.world.append("gone", dayRows("2020-01-01", 5))
    fake.world.settle()
    await bench.pull(both, { origin: PRODUCTION })
    fake.world.deleteDatasource("gone")
    const report = await bench.pull(both, { origin: "localhost:18888" })
    expect(report.datasources[0]).toMatchObject({ outcome: "complete" })
  })

  it("of which a datasource was made again is no other", async () => {
    await bench.pull(W, { origin: PRODUCTION })
    otherCluster()
    expect(await bench.pull(W, { origin: PRODUCTION })).toMatchObject({ exitCode: 0 })
  })
})

describe("a file of a version that noted no origin", () => {
  it("adopts the cluster, also where nothing is to be fetched", async () => {
    await bench.pull(W)
    await bench.with([], ({ engine, file }) =>
      file.write(() => engine.run("DROP TABLE IF EXISTS file._sync_origins")),
    )
    expect(await bench.pull(W, { origin: PRODUCTION })).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(await origins()).toEqual([["w", PRODUCTION]])
  })
})

it("is known as soon as rows are in the file, also when the run dies", async () => {
  const stop = new AbortController()
  bench.onEvent = (event) => {
    if (event.type === "committed") stop.abort(new DruidsyncError("interrupted", "interrupted"))
  }
  await bench.pull(W, { origin: PRODUCTION, signal: stop.signal }).catch(() => undefined)
  expect(await origins()).toEqual([["w", PRODUCTION]])
})
