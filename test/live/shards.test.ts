/**
 * A real Druid pulled in four shards by four runs that know nothing of each other: together their files are the
 * datasource, before and after Druid compacts, adds and replaces between them. With the sources of the checkout.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { type Dataset, type Druid, markUnused } from "../../scripts/druid/index.ts"
import { dayOfTime, ownDays } from "../../src/base/shard.ts"
import type { VerifyReport } from "../../src/commands/verify/document.ts"
import { query, readTable } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { difference, Multiset } from "../support/conformance/rows.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import { bunSource, executable } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import type { World } from "../support/conformance/world.ts"
import { datasets, liveDruid, loadedDruid, tag } from "./support.ts"

const INGESTION_MS = 400_000
const SHARDS = 4
const january = Array.from({ length: 31 }, (_, n) => `2024-01-${String(n + 1).padStart(2, "0")}`)
const epoch = ["1969-12-30", "1969-12-31", "1970-01-01", "1970-01-02"]

let druid: Druid
let world: World
const stages: Stage[] = []
const made: string[] = []

/** A machine for each shard, each with a file of its own. */
function machines(datasources: readonly string[], settings: Record<string, unknown> = {}) {
  return Array.from({ length: SHARDS }, (_, k) => {
    const runner = process.env.DRUIDSYNC_LIVE_RUNNER === "sources" ? bunSource() : executable()
    const stage = new Stage(world, runner)
    stages.push(stage)
    stage.config(
      datasources.map((name) => ({ name, table: name })),
      settings,
    )
    return { stage, flags: ["--shard", `${k + 1}/${SHARDS}`] }
  })
}

type Machines = ReturnType<typeof machines>

async function pull({ stage, flags }: Machines[number]) {
  const pulled = await stage.pull(...flags)
  if (pulled.exitCode !== 0) throw new Error(`exit ${pulled.exitCode}\n${pulled.stdout}\n${pulled.stderr}`)
  return pulled
}

/** All files together are the datasource, and each file has the days of its shard alone. */
async function expectWhole(all: Machines, datasource: string): Promise<void> {
  const truth = await world.truth(datasource)
  const union = new Multiset()
  for (const [k, { stage }] of all.entries()) {
    const { rows } = await readTable(stage.out, datasource)
    for (const [text, count] of rows.minus(new Multiset())) for (let n = 0; n < count; n++) union.add(text)
    await stage.expectTruthfulState(datasource)
    const isOwn = ownDays({ number: k + 1, of: SHARDS }, datasource)
    const times = await query(
      stage.out,
      `SELECT DISTINCT epoch_ms(__time) AS ms FROM "${datasource.replaceAll('"', '""')}"`,
    )
    expect(times.filter(({ ms }) => !isOwn(dayOfTime(ms as bigint)))).toEqual([])
  }
  const wrong = difference(union, truth.rows)
  if (wrong !== undefined) throw new Error(`${datasource}: ${wrong}`)
}

async function expectVerified(all: Machines, ...flags: string[]): Promise<void> {
  for (const { stage } of all) {
    const args = ["verify", "--config", stage.configPath, "--out", stage.out, "--json", ...flags]
    const report = JSON.parse((await stage.runner.run(args)).stdout) as VerifyReport
    expect(report.datasources.flatMap((one) => [...one.different, ...one.skipped])).toEqual([])
    expect(report).toMatchObject({ outcome: "equal", exitCode: 0 })
  }
}

beforeAll(async () => {
  druid = await liveDruid()
  world = liveWorld(druid, tag)
}, INGESTION_MS)

afterAll(async () => {
  for (const stage of stages) stage.close()
  for (const datasource of made) await markUnused(druid, datasource).catch(() => undefined)
})

async function create(
  base: string,
  days: readonly string[],
  rows: number,
  granularity: "HOUR" | "DAY" | "MONTH" | "YEAR",
) {
  const name = world.name(base)
  made.push(name)
  await world.create(name, daysOf(days, rows), { columns: COLUMNS, granularity })
  return name
}

describe("four shards of a real Druid", () => {
  it(
    "are together every dataset of the live suite, and each is quiet when nothing is new",
    async () => {
      await loadedDruid()
      const names = datasets.map((dataset: Dataset) => dataset.datasource)
      const all = machines(names)
      for (const machine of all) await pull(machine)
      for (const name of names) await expectWhole(all, name)
      await expectVerified(all)
      for (const machine of all)
        expect((await pull(machine)).report).toMatchObject({ requests: 2, rowsFetched: 0 })
    },
    INGESTION_MS,
  )

  it(
    "are together a datasource of hours, one of days, of months and of years, also before 1970",
    async () => {
      const names = [
        await create("shard hours", january.slice(0, 2), 100, "HOUR"),
        await create("shard days", january, 20, "DAY"),
        await create("shard months", [...epoch, ...january], 20, "MONTH"),
        await create("shard years", [...epoch, ...january], 20, "YEAR"),
      ]
      const all = machines(names, { sliceRows: 1_000 })
      let requests = 0
      for (const machine of all) requests += (await pull(machine)).report.requests
      for (const name of names) await expectWhole(all, name)
      expect(requests).toBeLessThan(SHARDS * 40)
      await expectVerified(all)
      await expectVerified(all, "--deep")
    },
    INGESTION_MS,
  )

  it(
    "lose and double nothing when Druid compacts, adds and replaces between their pulls",
    async () => {
      const name = await create("shard changes", january, 20, "DAY")
      const all = machines([name])
      await pull(all[0]!)
      await world.compact(name, "2024-01-01/2024-02-01", "MONTH")
      await pull(all[1]!)
      await pull(all[2]!)
      await pull(all[3]!)
      // Only the chunks changed: nobody had to look again.
      await expectWhole(all, name)
      await world.append(name, daysOf(["2024-01-03", "2024-01-04", "2024-01-20"], 3, 9), {
        granularity: "MONTH",
      })
      await pull(all[0]!)
      await world.compact(name, "2024-01-01/2024-02-01", "DAY")
      await pull(all[1]!)
      await world.overwrite(name, dayOf("2024-01-11", 9, 5))
      for (const machine of all) await pull(machine)
      await expectWhole(all, name)
      await expectVerified(all)
    },
    INGESTION_MS,
  )
})
