/** Every generated datasource, whole: against what the generator made and against what Druid answers. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type { Druid } from "../../scripts/druid/index.ts"
import { columnsOf, fileDifference, query, readTable } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { difference } from "../support/conformance/rows.ts"
import { bunSource, denoSource, executable, executablePath, reportOf } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { datasets, generated, loadedDruid, tag, withFolder } from "./support.ts"

let druid: Druid
let stage: Stage
let seconds: number

beforeAll(async () => {
  druid = await loadedDruid()
  stage = new Stage(liveWorld(druid, tag), executable())
  stage.config(datasets.map((dataset) => dataset.datasource))
  const started = performance.now()
  const pulled = await stage.pull()
  seconds = (performance.now() - started) / 1000
  if (pulled.exitCode !== 0) throw new Error(`exit ${pulled.exitCode}: ${pulled.stdout}\n${pulled.stderr}`)
}, 400_000)
afterAll(() => stage?.close())

describe("after a full pull with the executable", () => {
  for (const dataset of datasets) {
    const { datasource } = dataset
    it(`${datasource} equals what was generated, row by row`, async () => {
      const table = await readTable(stage.out, stage.tableOf(datasource))
      expect(difference(table.rows, generated(dataset))).toBeUndefined()
    }, 120_000)

    it(`${datasource} equals what Druid answers, column by column`, async () => {
      await stage.expectEqual(datasource)
      const table = await readTable(stage.out, stage.tableOf(datasource))
      const types = dataset.columns.map(({ name, type }) => ({ name, type }))
      const found = table.columns.map(({ name, type }) => ({ name, type }))
      expect(found.sort(byName)).toEqual([...types].sort(byName))
    }, 120_000)
  }

  it("has 40,000 rows in one millisecond", async () => {
    const [most] = await query(
      stage.out,
      "SELECT count(*)::INTEGER AS n FROM one_millisecond GROUP BY __time ORDER BY n DESC LIMIT 1",
    )
    expect(most!.n).toBe(40_000)
  })

  it("keeps its own tables truthful", async () => {
    const states = await query(
      stage.out,
      `SELECT datasource, rows::INTEGER AS rows, status, last_success = last_run AS succeeded, message FROM _sync_state ORDER BY datasource`,
    )
    const expected = datasets.map(({ datasource, rowCount }) => ({
      datasource,
      rows: rowCount,
      status: "complete",
      succeeded: true,
      message: null,
    }))
    expect(states).toEqual(expected.sort((a, b) => (a.datasource < b.datasource ? -1 : 1)))
    const runs = await query(
      stage.out,
      `SELECT datasource, outcome, rows_fetched::INTEGER AS rows, bytes > rows_fetched AS has_bytes, started <= finished AS in_order,
         duration_ms::INTEGER AS ms FROM _sync_runs ORDER BY datasource`,
    )
    for (const [n, run] of runs.entries()) {
      expect(run).toMatchObject({
        outcome: "complete",
        rows: expected[n]!.rows,
        has_bytes: true,
        in_order: true,
      })
      expect(run.ms as number).toBeLessThanOrEqual(seconds * 1000)
    }
    expect(runs).toHaveLength(datasets.length)
    expect(await query(stage.out, "FROM _sync_chunks WHERE state <> 'complete'")).toEqual([])
  })

  it("fetches no rows when nothing has changed, with two or three requests", async () => {
    const again = await stage.pull()
    expect(again.exitCode).toBe(0)
    expect(again.rows).toBe(0)
    expect(again.report.requests).toBeLessThanOrEqual(3)
  })

  it("leaves nothing beside the file", () => {
    expect(readdirSync(stage.folder).sort()).toEqual(["config.json", "copy.duckdb"])
  })

  it("opens with the newest duckdb from PyPI", () => {
    const python = newestDuckdb(druid.dataDir)
    const script = [
      "import duckdb, json, sys",
      "file = duckdb.connect(sys.argv[1], read_only=True)",
      'rows = file.execute("SELECT count(*), sum(added)::BIGINT, max(__time)::VARCHAR FROM wikipedia").fetchone()',
      'state = file.execute("SELECT sum(rows)::BIGINT FROM _sync_state").fetchone()',
      "print(json.dumps([duckdb.__version__, *rows, *state]))",
    ].join("\n")
    const { stdout, stderr, status } = spawnSync(python, ["-c", script, stage.out], { encoding: "utf8" })
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
    const [version, rows, added, last, all] = JSON.parse(stdout) as [string, number, number, string, number]
    const wiki = [...datasets[0]!.rows()]
    expect(version).toMatch(/^\d+\.\d+/)
    expect(rows).toBe(wiki.length)
    expect(added).toBe(wiki.reduce((sum, row) => sum + (row[13] as number), 0))
    expect(last.replace(" ", "T")).toBe(String(wiki.at(-1)![0]).replace(/Z$|0+Z$/, ""))
    expect(all).toBe(datasets.reduce((sum, dataset) => sum + dataset.rowCount, 0))
  }, 180_000)

  for (const runner of [bunSource(), denoSource()]) {
    it(`${runner.name} give the same tables`, async () => {
      await withFolder(async (folder) => {
        const other = join(folder, "other.duckdb")
        const result = await runner.run(["pull", "--config", stage.configPath, "--out", other, "--json"])
        expect({ exitCode: result.exitCode, stderr: result.exitCode === 0 ? "" : result.stderr }).toEqual({
          exitCode: 0,
          stderr: "",
        })
        expect(reportOf(result).rowsFetched).toBe(datasets.reduce((sum, { rowCount }) => sum + rowCount, 0))
        for (const { datasource } of datasets) {
          const table = stage.tableOf(datasource)
          expect(await columnsOf(other, table)).toEqual(await columnsOf(stage.out, table))
          expect(await fileDifference(other, stage.out, table)).toEqual({ extra: 0, missing: 0 })
        }
        const chunks = (path: string) =>
          query(path, 'SELECT datasource, "interval", rows, state, segments FROM _sync_chunks ORDER BY ALL')
        expect(await chunks(other)).toEqual(await chunks(stage.out))
      })
    }, 180_000)
  }
})

describe("the executable", () => {
  it("pulls from an empty folder with an empty PATH and no home", async () => {
    await withFolder(async (folder) => {
      const empty = join(folder, "empty")
      mkdirSync(empty)
      const out = join(folder, "copy.duckdb")
      const result = await executable().run(
        ["pull", "--config", stage.configPath, "--out", out, "--only", "before-1970", "--json"],
        { cwd: empty, bareEnv: { PATH: "" } },
      )
      expect({ exitCode: result.exitCode, stderr: result.exitCode === 0 ? "" : result.stderr }).toEqual({
        exitCode: 0,
        stderr: "",
      })
      expect(readdirSync(empty)).toEqual([])
      const table = await readTable(out, "before_1970")
      expect(difference(table.rows, generated(datasets.at(-1)!))).toBeUndefined()
    })
  }, 60_000)

  it("says its version in well under 0.2 s", () => {
    const times = Array.from({ length: 5 }, () => {
      const started = performance.now()
      const { status, stdout } = spawnSync(executablePath, ["--version"], { encoding: "utf8" })
      expect(status).toBe(0)
      expect(stdout).toMatch(/^druidsync \d+\.\d+\.\d+\n$/)
      return performance.now() - started
    })
    expect(Math.min(...times)).toBeLessThan(200)
  })
})

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1
}

/** A Python of its own below the data folder, with the newest duckdb that its index has. */
function newestDuckdb(dataDir: string): string {
  const folder = join(dataDir, "python")
  const python = join(folder, "bin", "python")
  const run = (command: string, ...args: string[]) => {
    const { status, stderr } = spawnSync(command, args, { encoding: "utf8" })
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`)
  }
  if (!existsSync(python)) run("python3", "-m", "venv", folder)
  run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "duckdb")
  return python
}
