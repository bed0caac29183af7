/** One datasource that becomes several tables: each goes its own way, in every command. */
import { describe, expect, it } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { DuckDBInstance } from "@duckdb/node-api"
import { query } from "../support/conformance/duckdb.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import { useFake } from "./support.ts"

const SLOW = 60_000
const here = useFake()

const WHOLE = { name: "wiki", table: "wiki" }
const PAGES = { name: "wiki", table: "pages", columns: ["page"] }

/** A Druid of two days, pulled into both tables. */
async function pulled(): Promise<void> {
  const { stage } = here
  await stage.world.create("wiki", daysOf(["2024-01-01", "2024-01-02"], 10), { columns: COLUMNS })
  stage.config([WHOLE, PAGES])
  expect(await stage.pull()).toMatchObject({ exitCode: 0, rows: 40 })
}

async function ran(...words: string[]) {
  const { stage } = here
  return stage.runner.run([...words, "--out", stage.out])
}

const withConfig = (...words: string[]) => ran(...words, "--config", here.stage.configPath)

describe("two tables of one datasource", () => {
  it(
    "have a state, checkpoints, runs and an origin each",
    async () => {
      await pulled()
      const rows = (sql: string) => query(here.stage.out, sql)
      expect(
        await rows('SELECT datasource, "table", rows::INTEGER AS rows FROM _sync_state ORDER BY "table"'),
      ).toEqual([
        { datasource: "wiki", table: "pages", rows: 20 },
        { datasource: "wiki", table: "wiki", rows: 20 },
      ])
      for (const notes of ["_sync_chunks", "_sync_runs", "_sync_origins"])
        expect(await rows(`SELECT datasource, "table" FROM ${notes} GROUP BY ALL ORDER BY "table"`)).toEqual([
          { datasource: "wiki", table: "pages" },
          { datasource: "wiki", table: "wiki" },
        ])
    },
    SLOW,
  )

  it(
    "are told apart by what is said of a run, and named once by the datasource alone",
    async () => {
      await pulled()
      await here.stage.world.append("wiki", dayOf("2024-01-03", 5))
      const { stderr } = await withConfig("pull", "--verbose")
      expect(stderr).toContain("wiki → pages: 5 rows stored")
      expect(stderr).toContain("wiki → wiki: 5 rows fetched")
      await here.stage.world.append("wiki", dayOf("2024-01-04", 5))
      const log = await withConfig("pull", "--log-format", "json")
      const planned = log.stderr
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .filter(({ event }) => event === "planned")
      expect(planned.map(({ datasource, table }) => [datasource, table])).toEqual([
        ["wiki", "wiki"],
        ["wiki", "pages"],
      ])
    },
    SLOW,
  )

  it(
    "are one selection by the datasource's name, and each one by its own",
    async () => {
      await pulled()
      const tablesWith = async (only: string) => {
        const { stdout } = await withConfig("plan", "--json", "--only", only)
        return JSON.parse(stdout).datasources.map(({ table }: { table: string }) => table)
      }
      expect(await tablesWith("wiki")).toEqual(["wiki", "pages"])
      expect(await tablesWith("pages")).toEqual(["pages"])
    },
    SLOW,
  )

  it(
    "are shown one by one by status, schema, report, datasources and the lake",
    async () => {
      await pulled()
      const { folder } = here.stage
      const status = JSON.parse((await ran("status", "--json")).stdout)
      expect(
        status.datasources.map(({ datasource, table, rows }: never) => [datasource, table, rows]),
      ).toEqual([
        ["wiki", "pages", 20],
        ["wiki", "wiki", 20],
      ])
      const schema = JSON.parse((await withConfig("schema", "--json")).stdout)
      expect(schema.datasources.map(({ table, columns }: never) => [table, (columns as []).length])).toEqual([
        ["wiki", 4],
        ["pages", 4],
      ])
      await ran("report", "--to", join(folder, "report.html"))
      const page = readFileSync(join(folder, "report.html"), "utf8")
      expect(page).toContain("wiki → pages")
      const { stdout } = await here.stage.runner.run([
        "datasources",
        "--json",
        "--config",
        here.stage.configPath,
      ])
      expect(JSON.parse(stdout).datasources).toMatchObject([
        { datasource: "wiki", table: "wiki", tables: ["wiki", "pages"] },
      ])
      const lake = join(folder, "lake")
      const exported = JSON.parse((await ran("export", "--to", lake, "--json")).stdout)
      expect(exported.datasources.map(({ table, rows }: never) => [table, rows])).toEqual([
        ["pages", 20],
        ["wiki", 20],
      ])
      const compared = JSON.parse((await ran("verify", "--lake", lake, "--json", "--only", "pages")).stdout)
      expect(compared).toMatchObject({ outcome: "equal", datasources: [{ table: "pages", rows: 20 }] })
    },
    SLOW,
  )

  it(
    "are repaired apart",
    async () => {
      await pulled()
      const other = await DuckDBInstance.create(here.stage.out)
      const connection = await other.connect()
      await connection.run("UPDATE pages SET page = 'x' WHERE __time < '2024-01-02'")
      connection.closeSync()
      other.closeSync()
      const verified = JSON.parse((await withConfig("verify", "--repair", "--json")).stdout)
      expect(verified).toMatchObject({
        outcome: "equal",
        datasources: [
          { table: "wiki", repaired: [] },
          { table: "pages", repaired: [{}] },
        ],
      })
      expect(
        await query(
          here.stage.out,
          'SELECT "table", repaired::INTEGER AS n FROM _sync_verifies ORDER BY ALL',
        ),
      ).toEqual([
        { table: "pages", n: 1 },
        { table: "wiki", n: 0 },
      ])
    },
    SLOW,
  )

  it(
    "have series of their own in the file of metrics; the one called like the datasource keeps its own",
    async () => {
      await pulled()
      const path = join(here.stage.folder, "metrics.prom")
      await withConfig("pull", "--metrics", path)
      const lines = readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line.startsWith("druidsync_rows{"))
      expect(lines).toEqual([
        `druidsync_rows{out="${here.stage.out}",datasource="wiki"} 20`,
        `druidsync_rows{out="${here.stage.out}",datasource="wiki",table="pages"} 20`,
      ])
    },
    SLOW,
  )

  it(
    "are two names: a table is not taken for another's former name while there are several",
    async () => {
      await pulled()
      here.stage.config([WHOLE, { ...PAGES, table: "titles" }])
      const renamed = await here.stage.pull()
      expect(renamed.report.datasources.map(({ table, rowsFetched }) => [table, rowsFetched])).toEqual([
        ["wiki", 0],
        ["titles", 20],
      ])
      const kept = await query(here.stage.out, "SELECT count(*)::INTEGER AS n FROM pages")
      expect(kept).toEqual([{ n: 20 }])
    },
    SLOW,
  )
})
