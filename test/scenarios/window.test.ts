/** A moving window (`keep`): the whole program, day by day, with a clock that the test moves. */
import { beforeEach, describe, expect, it } from "bun:test"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { execute, query } from "../support/conformance/duckdb.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import { inProcess } from "../support/conformance/runner.ts"
import { useFake } from "./support.ts"

let now = ""
const here = useFake(
  {},
  inProcess(() => Date.parse(now)),
)
const DAYS = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]

beforeEach(() => {
  now = "2024-01-05T12:00:00Z"
})

type Granularity = "HOUR" | "DAY" | "MONTH"
const load = (granularity: Granularity = "DAY", days = DAYS) =>
  here.stage.world.create("a", daysOf(days, 10), { columns: COLUMNS, granularity })

/** Days of which the table has rows, and how many. */
async function heldDays(): Promise<string[]> {
  const rows = await query(
    here.stage.out,
    "SELECT strftime(__time, '%m-%d') || ' ' || count(*) AS day FROM a GROUP BY strftime(__time, '%m-%d') ORDER BY ALL",
  )
  return rows.map((row) => String(row.day))
}

/** The stretches that checkpoints cover. */
async function checkpoints(): Promise<string> {
  const rows = await query(
    here.stage.out,
    `SELECT strftime(make_timestamp_ms(min(start_ms)), '%m-%d') || ' to ' || strftime(make_timestamp_ms(max(end_ms)), '%m-%d') AS span FROM _sync_chunks`,
  )
  return String(rows[0]!.span)
}

const run = (...args: string[]) => here.stage.runner.run(args)
const config = () => ["--config", here.stage.configPath]
const out = () => ["--out", here.stage.out]

describe("keep", () => {
  for (const granularity of ["HOUR", "DAY", "MONTH"] as const) {
    it(`copies the days of its window and deletes those that pass out of it, in chunks of a ${granularity}`, async () => {
      await load(granularity)
      here.stage.config([{ name: "a", keep: "3d" }])
      expect((await here.stage.pull()).rows).toBe(40)
      expect(await heldDays()).toEqual(["01-02 10", "01-03 10", "01-04 10", "01-05 10"])
      now = "2024-01-06T00:00:00Z"
      const { report, exitCode } = await here.stage.pull()
      expect(exitCode).toBe(0)
      expect(report).toMatchObject({ rowsFetched: 0, datasources: [{ rowsDeleted: 10, rows: 30 }] })
      expect(await heldDays()).toEqual(["01-03 10", "01-04 10", "01-05 10"])
      expect((await checkpoints()).startsWith("01-03 to ")).toBe(true)
      await here.stage.expectTruthfulState("a")
      here.fake.log.clear()
      expect((await here.stage.pull()).rows).toBe(0)
      expect(here.fake.log.kinds).toBe("columns segments")
    })
  }

  it("brings the new day and deletes the old one in one run", async () => {
    await load()
    here.stage.config(["a"], { keep: "2d" })
    await here.stage.pull()
    await here.stage.world.append("a", dayOf("2024-01-06", 7))
    now = "2024-01-06T08:00:00Z"
    const { report } = await here.stage.pull()
    expect(report.datasources[0]).toMatchObject({ rowsFetched: 7, rowsDeleted: 10, rows: 27 })
    expect(await heldDays()).toEqual(["01-04 10", "01-05 10", "01-06 7"])
  })

  it("takes late rows of its window, and none of before it", async () => {
    await load()
    here.stage.config([{ name: "a", keep: "2d" }])
    await here.stage.pull()
    await here.stage.world.append("a", [...dayOf("2024-01-02", 5, 3), ...dayOf("2024-01-04", 5, 3)])
    const { rows } = await here.stage.pull()
    expect(rows).toBe(15)
    expect(await heldDays()).toEqual(["01-03 10", "01-04 15", "01-05 10"])
  })

  it("fetches the older days alone where it is made longer, and nothing where it is made shorter", async () => {
    await load()
    here.stage.config([{ name: "a", keep: "1d" }])
    expect((await here.stage.pull()).rows).toBe(20)
    here.stage.config([{ name: "a", keep: "3d" }])
    expect((await here.stage.pull()).rows).toBe(20)
    expect(await heldDays()).toEqual(["01-02 10", "01-03 10", "01-04 10", "01-05 10"])
    here.stage.config([{ name: "a", keep: "2d" }])
    expect((await here.stage.pull()).rows).toBe(0)
    expect(await heldDays()).toEqual(["01-03 10", "01-04 10", "01-05 10"])
    here.stage.config(["a"])
    expect((await here.stage.pullExactly()).rows).toBe(20)
  })

  it("of one datasource overrides that of all, and all keeps everything", async () => {
    await load()
    await here.stage.world.create("b", daysOf(DAYS, 4), { columns: COLUMNS })
    here.stage.config([{ name: "a", keep: "all" }, "b"], { keep: "1d" })
    await here.stage.pull()
    expect(
      await query(here.stage.out, "SELECT (SELECT count(*) FROM a) a, (SELECT count(*) FROM b) b"),
    ).toEqual([{ a: 50n, b: 8n }])
  })

  it("of one table leaves another table of the same datasource alone", async () => {
    await load()
    here.stage.config([{ name: "a", table: "newest", keep: "1d" }, "a"])
    expect((await here.stage.pull()).exitCode).toBe(0)
    now = "2024-01-06T12:00:00Z"
    const { report } = await here.stage.pull()
    expect(report.datasources.map((one) => [one.table, one.rowsDeleted, one.rows])).toEqual([
      ["newest", 10, 10],
      ["a", 0, 50],
    ])
  })

  it("of an aggregate keeps the bucket that it begins in whole, and deletes a bucket once all of it is older", async () => {
    await load("DAY", ["2024-01-31", "2024-02-01", "2024-02-05", "2024-03-02"])
    const aggregate = { every: "month", by: ["page"], measures: { n: "COUNT(*)" } }
    here.stage.config([{ name: "a", table: "g", keep: "5d", aggregate }])
    const months = async () =>
      await query(
        here.stage.out,
        "SELECT strftime(__time, '%m') AS month, sum(_rows)::INT AS n FROM g GROUP BY month ORDER BY month",
      )
    now = "2024-03-04T12:00:00Z"
    expect((await here.stage.pull()).exitCode).toBe(0)
    expect(await months()).toEqual([
      { month: "02", n: 20 },
      { month: "03", n: 10 },
    ])
    expect((await run("status", ...out())).stdout).toContain("keeps 5 days: from 2024-02-01 on")
    now = "2024-03-07T00:00:00Z"
    expect((await here.stage.pull()).report).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(await months()).toEqual([{ month: "03", n: 10 }])
    expect((await run("verify", ...config(), ...out())).exitCode).toBe(0)
  })

  it("and since: the later one wins, and since deletes nothing", async () => {
    await load()
    here.stage.config([{ name: "a", keep: "3d", since: "2024-01-04" }])
    expect((await here.stage.pull()).rows).toBe(20)
    here.stage.config([{ name: "a", keep: "3d", since: "2024-01-01" }])
    expect((await here.stage.pull()).rows).toBe(20)
    here.stage.config([{ name: "a", keep: "3d", since: "2024-01-05" }])
    const { report } = await here.stage.pull()
    expect(report.datasources[0]).toMatchObject({ rowsFetched: 0, rowsDeleted: 0, rows: 40 })
  })

  it("with a filter keeps the rows of its days that meet it", async () => {
    await load("MONTH")
    here.stage.config([{ name: "a", keep: "2d", filter: '"page" IS NOT NULL' }])
    await here.stage.pull()
    now = "2024-01-06T12:00:00Z"
    expect((await here.stage.pull()).rows).toBe(0)
    expect((await heldDays()).map((day) => day.slice(0, 5))).toEqual(["01-04", "01-05"])
    await here.stage.expectTruthfulState("a")
  })

  it("deletes what Druid dropped and the file kept, once it passes out", async () => {
    await load()
    here.stage.config([{ name: "a", keep: "3d" }])
    await here.stage.pull()
    await here.stage.world.markUnused("a", "2024-01-02T00:00:00.000Z/2024-01-03T00:00:00.000Z")
    expect((await here.stage.pull()).report.datasources[0]!.keptRows).toBe(10)
    now = "2024-01-06T12:00:00Z"
    await here.stage.pull()
    expect(await heldDays()).toEqual(["01-03 10", "01-04 10", "01-05 10"])
  })

  it("deletes days of which another program took rows, too", async () => {
    await load()
    here.stage.config([{ name: "a", keep: "3d" }])
    await here.stage.pull()
    await execute(here.stage.out, "DELETE FROM a WHERE __time < TIMESTAMP '2024-01-02 12:00:00'")
    now = "2024-01-06T12:00:00Z"
    const { report } = await here.stage.pull()
    expect(report.datasources[0]).toMatchObject({ rowsFetched: 0, rowsDeleted: 5 })
    expect((await checkpoints()).startsWith("01-03 to ")).toBe(true)
    await here.stage.expectTruthfulState("a")
  })
})

describe("a wrong clock", () => {
  const sentence =
    'Druid has no row from 2024-12-29 to 2025-01-01, today by this machine\'s clock: nothing is deleted for "keep"'

  for (const granularity of ["HOUR", "DAY", "MONTH"] as const) {
    it(`deletes nothing, and it is said, in chunks of a ${granularity}`, async () => {
      await load(granularity)
      here.stage.config([{ name: "a", keep: "3d" }])
      await here.stage.pull()
      now = "2025-01-01T12:00:00Z"
      const { report, stderr, exitCode } = await here.stage.pull()
      expect(exitCode).toBe(0)
      expect(report).toMatchObject({ rowsFetched: 0, datasources: [{ rowsDeleted: 0, rows: 40 }] })
      expect(stderr).toContain(sentence)
      expect((await run("status", ...out())).stdout).toContain(sentence)
      now = "2024-01-05T13:00:00Z"
      const again = await here.stage.pull()
      expect(again.stderr).not.toContain("nothing is deleted")
      expect(again.rows).toBe(0)
    })
  }

  it("that reaches a long chunk, but none of its rows, is found by a count", async () => {
    await load("MONTH")
    here.stage.config([{ name: "a", keep: "3d" }])
    await here.stage.pull()
    now = "2024-01-20T12:00:00Z"
    here.fake.log.clear()
    const { report, stderr } = await here.stage.pull()
    expect(report.datasources[0]).toMatchObject({ rowsDeleted: 0, rows: 40 })
    expect(stderr).toContain("Druid has no row from 2024-01-17 to 2024-01-20")
    expect(here.fake.log.kinds).toContain("counts")
  })

  it("that is some days ahead deletes those days only, and they come back", async () => {
    await load()
    here.stage.config([{ name: "a", keep: "3d" }])
    await here.stage.pull()
    now = "2024-01-07T12:00:00Z"
    await here.stage.pull()
    expect(await heldDays()).toEqual(["01-04 10", "01-05 10"])
    now = "2024-01-05T12:00:00Z"
    expect((await here.stage.pull()).rows).toBe(20)
    expect(await heldDays()).toEqual(["01-02 10", "01-03 10", "01-04 10", "01-05 10"])
  })

  it("that is far ahead meets rows of the far future, and does not believe them", async () => {
    await load("DAY", [...DAYS, "2099-01-01"])
    here.stage.config([{ name: "a", keep: "3d" }])
    await here.stage.pull()
    now = "2025-01-01T12:00:00Z"
    const { report } = await here.stage.pull()
    expect(report.datasources[0]).toMatchObject({ rowsDeleted: 0, rows: 50 })
  })
})

describe("a window", () => {
  it("that begins after it ends is refused in one sentence, before any row", async () => {
    await load()
    here.stage.config([{ name: "a", keep: "2d" }])
    for (const command of ["pull", "plan"] as const) {
      const result = await run(command, ...config(), ...out(), "--until", "2024-01-02")
      expect(result.exitCode).toBe(2)
      expect(result.stderr).toContain(
        'what is copied of "a" begins at 2024-01-03T00:00:00.000Z and ends before it, at 2024-01-02T00:00:00.000Z (--until)',
      )
    }
    const flags = await run("pull", ...config(), ...out(), "--since", "2024-01-05", "--until", "2024-01-04")
    expect(flags.exitCode).toBe(2)
    expect(here.fake.log.rowsFetched).toBe(0)
  })

  it("is shown by plan before anything is deleted, by status, and followed by verify", async () => {
    await load()
    here.stage.config([{ name: "a", keep: "2d" }])
    await here.stage.pull()
    now = "2024-01-06T12:00:00Z"
    const plan = await run("plan", ...config(), ...out())
    expect(plan.stdout).toContain('passed out of the window ("keep"), would be deleted here: 2024-01-03')
    expect(await heldDays()).toEqual(["01-03 10", "01-04 10", "01-05 10"])
    await here.stage.pull()
    const status = await run("status", ...out())
    expect(status.stdout).toContain("a: keeps 2 days: from 2024-01-04 on; each pull deletes what is older")
    const document = JSON.parse((await run("status", ...out(), "--json")).stdout) as {
      datasources: { window: unknown }[]
    }
    expect(document.datasources[0]!.window).toEqual({
      keepMs: 172_800_000,
      start: "2024-01-04T00:00:00.000Z",
    })
    const verify = await run("verify", ...config(), ...out(), "--deep")
    expect(verify.exitCode).toBe(0)
    expect(verify.stdout).not.toContain("missing")
  })

  it("is shown by status once a pull has seen it in the config, though nothing else happened", async () => {
    await load()
    here.stage.config(["a"])
    await here.stage.pull()
    here.stage.config([{ name: "a", keep: "30d" }])
    expect((await here.stage.pull()).rows).toBe(0)
    expect((await run("status", ...out())).stdout).toContain("keeps 30 days: from 2023-12-06 on")
    here.stage.config(["a"])
    await here.stage.pull()
    expect((await run("status", ...out())).stdout).not.toContain("keeps")
  })

  it("moves on in the lake: the partitions that passed out go", async () => {
    await load()
    here.stage.config([{ name: "a", keep: "2d" }])
    await here.stage.pull()
    const lake = join(here.stage.folder, "lake")
    const exportDays = async () => {
      const result = await run("export", ...out(), "--to", lake, "--partition", "day")
      expect(result.exitCode).toBe(0)
      return readdirSync(join(lake, "a"), { recursive: true })
        .map(String)
        .filter((path) => path.endsWith(".parquet"))
        .map((path) => /day=(\d+)/.exec(path)![1]!)
        .sort()
    }
    expect(await exportDays()).toEqual(["03", "04", "05"])
    now = "2024-01-06T12:00:00Z"
    await here.stage.pull()
    expect(await exportDays()).toEqual(["04", "05"])
    expect((await run("verify", "--lake", lake, ...out())).exitCode).toBe(0)
  })
})
