/** A moving window, and lookups, on a real Druid. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { type Druid, markUnused, poll, request, sqlLines } from "../../scripts/druid/index.ts"
import { query } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { COLUMNS, daysOf } from "../support/conformance/rows-of.ts"
import { bunSource, executable } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { liveDruid, tag } from "./support.ts"

const DAY_MS = 86_400_000
/** A coordinator with Druid's own settings tells its servers of a lookup within two minutes. */
const LISTED_MS = 200_000

let druid: Druid
let stage: Stage
const made: string[] = []
const runner = () => (process.env.DRUIDSYNC_LIVE_RUNNER === "sources" ? bunSource() : executable())

beforeAll(async () => {
  druid = await liveDruid()
  stage = new Stage(liveWorld(druid, tag), runner())
})
afterAll(async () => {
  stage?.close()
  await Promise.all(made.map((name) => markUnused(druid, name).catch(() => undefined)))
})

describe("a moving window", () => {
  /** Days before today, by the clock that the executable sees. */
  const day = (ago: number) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10)
  const held = async (table: string) => {
    const rows = await query(
      stage.out,
      `SELECT strftime(__time, '%Y-%m-%d') AS day, count(*)::INT AS n FROM "${table}" GROUP BY day ORDER BY day`,
    )
    return rows.map((row) => [String(row.day), Number(row.n)] as [string, number])
  }

  for (const granularity of ["HOUR", "DAY", "MONTH"] as const) {
    it(`holds its days alone, also where it gets longer and shorter, in chunks of a ${granularity}`, async () => {
      const name = `window_${granularity}_${tag}`
      made.push(name)
      const days = [9, 8, 3, 2, 1].map(day)
      await stage.world.create(name, daysOf(days, 24), { columns: COLUMNS, granularity })
      const pullOf = async (keep: string) => {
        stage.config([{ name, keep }])
        const pulled = await stage.pull()
        expect(pulled.exitCode).toBe(0)
        await stage.expectTruthfulState(name)
        return pulled.report.datasources[0]!
      }
      expect((await pullOf("3d")).rowsFetched).toBe(72)
      expect(await held(name)).toEqual([3, 2, 1].map((ago) => [day(ago), 24]))
      expect(await pullOf("2d")).toMatchObject({ rowsFetched: 0, rowsDeleted: 24, rows: 48 })
      expect(await held(name)).toEqual([2, 1].map((ago) => [day(ago), 24]))
      expect(await pullOf("8d")).toMatchObject({ rowsFetched: 48, rowsDeleted: 0, rows: 96 })
      expect(await held(name)).toEqual([8, 3, 2, 1].map((ago) => [day(ago), 24]))
      const verified = await stage.runner.run([
        "verify",
        "--config",
        stage.configPath,
        "--out",
        stage.out,
        "--deep",
      ])
      expect(verified.exitCode).toBe(0)
      expect(await pullOf("all")).toMatchObject({ rowsFetched: 24, rows: 120 })
    }, 240_000)
  }
})

describe("a lookup", () => {
  const name = `druidsync ${tag}`
  const table = `lookup_druidsync_${tag}`
  const path = () => `${druid.routerUrl}/druid/coordinator/v1/lookups/config`
  const entries = { DE: "Germany", FR: null, "": "nowhere", 'q"x\\': "a\nb", é数: "ü😀" }
  const set = async (version: string, map: Record<string, string | null>) => {
    await request(path(), { body: {} })
    const lookup = { version, lookupExtractorFactory: { type: "map", map } }
    await request(path(), { body: { __default: { [name]: lookup } } })
  }
  const shows = (what: string, count: number | undefined) =>
    poll(`Druid to show ${what}`, { deadlineMs: LISTED_MS }, async () => {
      const lines = await sqlLines(druid, `SELECT COUNT(*) FROM "lookup"."${name}"`).catch(() => undefined)
      const shown = lines === undefined ? undefined : Number(JSON.parse(String(lines[0]))[0])
      return shown === count ? true : undefined
    })
  const pulled = async () => {
    const { exitCode, report } = await stage.pull()
    expect(exitCode).toBe(0)
    return report.lookups!.find((one) => one.lookup === name)
  }
  const held = async () => {
    const rows = await query(stage.out, `SELECT k, v FROM "${table}"`)
    return Object.fromEntries(rows.map(({ k, v }) => [String(k), v]))
  }

  it("becomes a table, is replaced when it changed, and kept when it is gone", async () => {
    const datasource = `with_lookup_${tag}`
    made.push(datasource)
    await stage.world.create(datasource, daysOf(["2024-01-01"], 3), { columns: COLUMNS })
    await set("v1", entries)
    await shows("the lookup", 5)
    stage.config([datasource], { lookups: [name] })
    expect(await pulled()).toEqual({ lookup: name, table, outcome: "new", rows: 5 })
    expect(await held()).toEqual(entries)
    expect((await pulled())!.outcome).toBe("unchanged")
    const args = ["--config", stage.configPath, "--out", stage.out]
    expect((await stage.runner.run(["verify", ...args])).exitCode).toBe(0)
    await set("v2", { DE: "Deutschland" })
    await shows("the changed lookup", 1)
    expect(await pulled()).toMatchObject({ outcome: "replaced", rows: 1 })
    expect(await held()).toEqual({ DE: "Deutschland" })
    await request(`${path()}/__default/${encodeURIComponent(name)}`, { method: "DELETE" })
    await shows("no such lookup", undefined)
    expect(await pulled()).toMatchObject({ outcome: "gone", rows: 1 })
    expect(await held()).toEqual({ DE: "Deutschland" })
  }, 700_000)
})
