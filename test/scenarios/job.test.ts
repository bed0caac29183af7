/** A pull that nobody watches: its copy for readers, its metrics, its dead-man's switch, its time, its log, its history. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Desk as CrashDesk, canMount } from "../crash/support.ts"
import { execute, query } from "../support/conformance/duckdb.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import { errors, reply } from "../support/fake-druid/fake-druid.ts"
import { readExposition } from "../support/prometheus.ts"
import { openSwitchboard, type Switchboard } from "../support/switchboard.ts"
import { useFake } from "./support.ts"

const SLOW = 30_000
const here = useFake()
const days = ["2024-01-01", "2024-01-02", "2024-01-03"]
const path = (name: string) => join(here.stage.folder, name)
const read = (name: string) => readFileSync(path(name), "utf8")
const rowsIn = async (file: string) => Number((await query(file, "SELECT count(*) AS n FROM a"))[0]!.n)

async function load(): Promise<void> {
  await here.stage.world.create("a", daysOf(days, 10), { columns: COLUMNS })
}

describe("--publish", () => {
  const shown = () => path("shown.duckdb")

  it(
    "puts a copy there, replaces it when something is new, and only then",
    async () => {
      await load()
      here.stage.config(["a"])
      const first = await here.stage.pullExactly("--publish", shown())
      expect(first.report.publish).toEqual({ path: shown(), outcome: "published" })
      expect(first.stderr).toContain(`published: ${shown()}`)
      expect(await rowsIn(shown())).toBe(30)
      const { ino } = statSync(shown())
      const second = await here.stage.pullExactly("--publish", shown())
      expect(second.report.publish!.outcome).toBe("up-to-date")
      expect(statSync(shown()).ino).toBe(ino)
      await here.stage.world.append("a", dayOf("2024-02-01", 4))
      expect((await here.stage.pullExactly("--publish", shown())).report.publish!.outcome).toBe("published")
      expect(await rowsIn(shown())).toBe(34)
      expect(readdirSync(here.stage.folder).sort()).toEqual(["config.json", "copy.duckdb", "shown.duckdb"])
    },
    SLOW,
  )

  it(
    "comes from the config as well, relative to it; the file is made again when it is gone",
    async () => {
      await load()
      here.stage.config(["a"], { publish: "shown.duckdb" })
      await here.stage.pullExactly()
      expect(await rowsIn(shown())).toBe(30)
      await Bun.file(shown()).delete()
      expect((await here.stage.pullExactly()).report.publish!.outcome).toBe("published")
      expect(await rowsIn(shown())).toBe(30)
    },
    SLOW,
  )

  it(
    "also after a run that ends with 3: what is stored is whole",
    async () => {
      await load()
      here.stage.config(["a"])
      here.fake.world.setAvailable("a", "2024-01-02/2024-01-03", false)
      const { exitCode, report } = await here.stage.pull("--publish", shown(), "--settle-wait", "0s")
      expect([exitCode, report.publish!.outcome]).toEqual([3, "published"])
      expect(report.datasources[0]!.unavailable).toEqual([
        "2024-01-02T00:00:00.000Z/2024-01-03T00:00:00.000Z",
      ])
      expect(await rowsIn(shown())).toBe(20)
    },
    SLOW,
  )

  it(
    "refuses the file itself, a folder and a foreign file with exit 2, before any look at the segments, and nothing is lost",
    async () => {
      await load()
      here.stage.config(["a"])
      await here.stage.pullExactly()
      here.fake.log.clear()
      writeFileSync(path("notes.txt"), "mine")
      await execute(path("theirs.duckdb"), "CREATE TABLE t AS SELECT 42 AS n")
      for (const [to, why] of [
        [here.stage.out, "that is the file that is pulled into"],
        [here.stage.folder, "that is a folder"],
        [path("notes.txt"), "is not a DuckDB file"],
        [path("theirs.duckdb"), "is a DuckDB file that druidsync did not make"],
      ] as const) {
        const { exitCode, stderr } = await here.stage.runner.run(here.stage.args("--publish", to))
        expect(stderr).toContain(why)
        expect(exitCode).toBe(2)
      }
      expect(read("notes.txt")).toBe("mine")
      expect(await query(path("theirs.duckdb"), "FROM t")).toEqual([{ n: 42 }])
      expect(here.fake.log.entries.filter((entry) => entry.kind !== "columns")).toEqual([])
      await here.stage.expectEqual("a")
    },
    SLOW,
  )

  it.skipIf(!canMount())(
    "tells of a full disk with exit 1; the pulled file is whole, and the next run publishes",
    async () => {
      const desk = new CrashDesk()
      try {
        const disk = desk.mount("small", "64k")!
        await load()
        here.stage.config(["a"])
        const to = join(disk, "shown.duckdb")
        const { exitCode, stderr, report } = await here.stage.pull("--publish", to)
        expect(exitCode).toBe(1)
        expect(report.outcome).toBe("complete")
        expect(report.publish).toMatchObject({ outcome: "failed", error: { code: "publish" } })
        expect(stderr).toContain(
          `NOT PUBLISHED: no copy could be published at ${to}: no space left; ${here.stage.out}`,
        )
        expect(readdirSync(disk)).toEqual([])
        await here.stage.expectEqual("a")
        desk.remount(disk, "size=50m")
        const next = await here.stage.pull("--publish", to)
        expect([next.exitCode, next.rows, next.report.publish!.outcome]).toEqual([0, 0, "published"])
        expect(await rowsIn(to)).toBe(30)
      } finally {
        desk.close()
      }
    },
    60_000,
  )
})

describe("--metrics", () => {
  const metrics = () => readExposition(read("druidsync.prom"))

  it(
    "are written after a run, and go on after the next",
    async () => {
      await load()
      here.stage.config(["a"])
      await here.stage.pullExactly("--metrics", path("druidsync.prom"))
      expect(statSync(path("druidsync.prom")).mode & 0o777).toBe(0o644)
      expect(metrics().value("druidsync_rows", { datasource: "a", out: here.stage.out })).toBe(30)
      expect(metrics().value("druidsync_last_run_exit_code")).toBe(0)
      expect(metrics().value("druidsync_last_success_timestamp_seconds")).toBeGreaterThan(1.7e9)
      await here.stage.world.append("a", dayOf("2024-02-01", 4))
      await here.stage.pullExactly("--metrics", path("druidsync.prom"))
      expect(metrics().value("druidsync_rows_fetched_total")).toBe(34)
      expect(metrics().value("druidsync_runs_total")).toBe(2)
      expect(readdirSync(here.stage.folder).sort()).toEqual(["config.json", "copy.duckdb", "druidsync.prom"])
    },
    SLOW,
  )

  it(
    "are written after a run that failed, with what the file holds",
    async () => {
      await load()
      here.stage.config(["a"], { metrics: "druidsync.prom" })
      await here.stage.pullExactly()
      const before = metrics().value("druidsync_last_success_timestamp_seconds")!
      here.fake.hooks.beforeRequest = () => reply(errors.html(502, "Bad Gateway"))
      const failed = await here.stage.runner.run(here.stage.args())
      expect(failed.exitCode).toBe(1)
      expect(metrics().value("druidsync_last_run_exit_code")).toBe(1)
      expect(metrics().value("druidsync_rows")).toBe(30)
      expect(metrics().value("druidsync_last_success_timestamp_seconds")).toBe(before)
      expect(metrics().value("druidsync_retries_total")).toBe(3)
      here.fake.hooks = {}
      // A configuration that is wrong is such a run, too.
      here.stage.config(["a"], { hoost: "x" })
      const wrong = await here.stage.runner.run(here.stage.args("--metrics", path("druidsync.prom")))
      expect(wrong.exitCode).toBe(2)
      expect(metrics().value("druidsync_last_run_exit_code")).toBe(2)
      expect(metrics().value("druidsync_rows")).toBe(30)
    },
    SLOW,
  )

  it(
    "count intervals that Druid does not serve",
    async () => {
      await load()
      here.stage.config(["a"], { metrics: "druidsync.prom" })
      here.fake.world.setAvailable("a", "2024-01-02/2024-01-03", false)
      expect((await here.stage.pull("--settle-wait", "0s")).exitCode).toBe(3)
      expect(metrics().value("druidsync_incomplete_intervals")).toBe(1)
      expect(metrics().value("druidsync_unavailable_intervals")).toBe(1)
      expect(metrics().value("druidsync_complete")).toBe(0)
      expect(metrics().value("druidsync_last_success_timestamp_seconds")).toBe(0)
    },
    SLOW,
  )

  it(
    "never replace a file that holds something else: exit 2",
    async () => {
      await load()
      here.stage.config(["a"])
      await here.stage.pullExactly()
      for (const file of [here.stage.out, here.stage.configPath, here.stage.folder]) {
        const { exitCode, stderr } = await here.stage.runner.run(here.stage.args("--metrics", file))
        expect(exitCode).toBe(2)
        expect(stderr).toContain(`metrics cannot be written to ${file}`)
      }
      await here.stage.expectEqual("a")
      expect(readdirSync(here.stage.folder).sort()).toEqual(["config.json", "copy.duckdb"])
    },
    SLOW,
  )

  it(
    "that cannot be written are a warning; the run is what it is",
    async () => {
      await load()
      mkdirSync(path("metrics"))
      here.stage.config(["a"])
      here.fake.hooks.afterRequest = () => {
        if (existsSync(path("metrics"))) rmSync(path("metrics"), { recursive: true })
      }
      const { exitCode, stderr } = await here.stage.pull("--metrics", path("metrics/a.prom"))
      expect(exitCode).toBe(0)
      expect(stderr).toContain("warning: metrics cannot be written to")
    },
    SLOW,
  )
})

describe("--ping", () => {
  let board: Switchboard
  beforeEach(async () => {
    board = await openSwitchboard()
    await load()
  })
  afterEach(() => board.stop())
  const called = () => board.calls.map(({ method, path }) => `${method} ${path}`)

  it(
    "tells the start and the success",
    async () => {
      here.stage.config(["a"])
      await here.stage.pullExactly("--ping", `${board.url}?create=1`)
      expect(called()).toEqual(["GET /ping/s3cret-uuid/start?create=1", "GET /ping/s3cret-uuid?create=1"])
    },
    SLOW,
  )

  it(
    "tells a failure, with a few words on it, and takes its address from the environment",
    async () => {
      here.stage.config(["a"], { ping: { env: "PING_URL" } })
      here.fake.hooks.beforeRequest = () => reply(errors.html(502, "Bad Gateway"))
      const { exitCode } = await here.stage.runner.run(here.stage.args(), { env: { PING_URL: board.url } })
      expect(exitCode).toBe(1)
      expect(called()).toEqual(["GET /ping/s3cret-uuid/start", "POST /ping/s3cret-uuid/fail"])
      expect(board.calls[1]!.body).toMatch(/^exit code 1\n.+HTTP 502/)
    },
    SLOW,
  )

  it(
    "tells of rows that are missing as a failure, too",
    async () => {
      here.stage.config(["a"])
      here.fake.world.setAvailable("a", "2024-01-02/2024-01-03", false)
      await here.stage.pull("--ping", board.url, "--settle-wait", "0s")
      expect(called()[1]).toBe("POST /ping/s3cret-uuid/fail")
      expect(board.calls[1]!.body).toMatch(/^exit code 3\na: INCOMPLETE: 2024-01-02/)
    },
    SLOW,
  )

  it(
    "tells of a configuration that cannot be read",
    async () => {
      here.stage.config(["a"], { hoost: "x" })
      const { exitCode } = await here.stage.runner.run(here.stage.args("--ping", board.url))
      expect(exitCode).toBe(2)
      expect(called()).toEqual(["POST /ping/s3cret-uuid/fail"])
    },
    SLOW,
  )

  it(
    "that fails is a warning which names the host alone; the end is tried twice",
    async () => {
      here.stage.config(["a"])
      board.answer = (_, response) => void response.writeHead(500).end("no")
      const { exitCode, stderr, stdout } = await here.stage.pull("--ping", board.url, "--verbose")
      expect(exitCode).toBe(0)
      expect(board.calls).toHaveLength(3)
      expect(stderr).toContain(`warning: the ping to ${board.host} (success) failed: HTTP 500`)
      expect(stderr + stdout).not.toContain("s3cret")
    },
    SLOW,
  )

  it(
    "that nobody answers is a warning, too",
    async () => {
      await board.stop()
      here.stage.config(["a"])
      const { exitCode, stderr, stdout } = await here.stage.pull("--ping", board.url, "--verbose")
      expect(exitCode).toBe(0)
      expect(stderr).toContain(
        `the ping to ${board.host} (start) failed: ${board.host} refused the connection`,
      )
      expect(stderr + stdout).not.toContain("s3cret")
    },
    SLOW,
  )

  it(
    "follows no redirect",
    async () => {
      const other = await openSwitchboard()
      try {
        board.answer = (_, response) => void response.writeHead(302, { location: other.url }).end()
        here.stage.config(["a"])
        const { exitCode, stderr } = await here.stage.pull("--ping", board.url)
        expect(exitCode).toBe(0)
        expect(stderr).toContain("it redirects (HTTP 302), which is not followed")
        expect(other.calls).toEqual([])
      } finally {
        await other.stop()
      }
    },
    SLOW,
  )

  it(
    "is given up after 5 s, and the pull does not wait for its start",
    async () => {
      here.stage.config(["a"])
      const fetched = Promise.withResolvers<void>()
      here.fake.hooks.afterRequest = (request) => {
        if (request.kind === "scan") fetched.resolve()
      }
      // The start is answered only once rows were fetched.
      board.answer = (_, response) => void fetched.promise.then(() => response.end("OK"))
      const { exitCode, stderr } = await here.stage.pull("--ping", board.url)
      expect(exitCode).toBe(0)
      expect(stderr).not.toContain("warning")
      expect(called()).toHaveLength(2)
    },
    SLOW,
  )

  it(
    "takes an address, and repeats none that is wrong",
    async () => {
      here.stage.config(["a"])
      const { exitCode, stderr } = await here.stage.runner.run(
        here.stage.args("--ping", "hc-ping.com/s3cret"),
      )
      expect(exitCode).toBe(2)
      expect(stderr).toContain("--ping: is not an address; accepted: one like")
      expect(stderr).not.toContain("s3cret")
    },
    SLOW,
  )

  it(
    "stands in no table and no file",
    async () => {
      here.stage.config(["a"], { ping: board.url, metrics: "druidsync.prom" })
      await here.stage.pullExactly()
      expect(read("druidsync.prom")).not.toContain("s3cret")
      expect(readFileSync(here.stage.out).includes("s3cret")).toBe(false)
    },
    SLOW,
  )
})

describe("--log-format json", () => {
  it(
    "is one object a line on stderr, with time, level, event and message",
    async () => {
      await load()
      here.stage.config(["a", "nope"])
      here.fake.hooks.beforeRequest = (kind, n) =>
        kind === "scan" && n === 1 ? reply(errors.coordinatorDown()) : undefined
      const { stderr, stdout, exitCode } = await here.stage.runner.run(
        here.stage.args("--log-format", "json", "--verbose", "--json", "--publish", path("shown.duckdb")),
      )
      expect(exitCode).toBe(4)
      expect(JSON.parse(stdout)).toMatchObject({ format: 1, exitCode: 4 })
      const lines = stderr
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      for (const line of lines) {
        expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        expect(["debug", "info", "warn", "error"]).toContain(line.level)
        expect(line.message).toEqual(expect.any(String))
      }
      const events = lines.map((line) => line.event)
      expect(new Set(events)).toEqual(
        new Set(["looking", "planned", "fetched", "committed", "retry", "datasource", "publish", "finished"]),
      )
      expect(lines.find((line) => line.event === "datasource" && line.datasource === "a")).toMatchObject({
        level: "info",
        outcome: "complete",
        rowsFetched: 30,
        incomplete: 0,
      })
      expect(lines.find((line) => line.datasource === "nope")).toMatchObject({
        level: "error",
        code: "unknown-datasource",
      })
      expect(lines.at(-1)).toMatchObject({ event: "finished", exitCode: 4 })
    },
    SLOW,
  )

  it(
    "says an error that ends the run, and warnings alone with --quiet",
    async () => {
      await load()
      here.stage.config(["a"])
      here.fake.hooks.beforeRequest = () => reply(errors.html(502, "Bad Gateway"))
      const failed = await here.stage.runner.run(here.stage.args("--log-format=json", "--quiet"))
      expect(failed.exitCode).toBe(1)
      expect(JSON.parse(failed.stderr)).toMatchObject({
        level: "error",
        event: "error",
        code: "server",
        exitCode: 1,
      })
      here.fake.hooks = {}
      const quiet = await here.stage.runner.run(here.stage.args("--log-format", "json", "--quiet"))
      expect(quiet).toEqual({ exitCode: 0, stdout: "", stderr: "" })
    },
    SLOW,
  )

  it("is text or json", async () => {
    here.stage.config(["a"])
    expect((await here.stage.runner.run(here.stage.args("--log-format", "xml"))).exitCode).toBe(2)
  })

  it(
    "tells what verify found, too",
    async () => {
      await load()
      here.stage.config(["a"])
      await here.stage.pullExactly()
      const args = ["verify", "-c", here.stage.configPath, "-o", here.stage.out, "--log-format", "json"]
      const { stderr, exitCode } = await here.stage.runner.run(args)
      expect(exitCode).toBe(0)
      const lines = stderr
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      expect(lines.find((line) => line.event === "verified")).toMatchObject({
        datasource: "a",
        level: "info",
        outcome: "equal",
        different: 0,
      })
      expect(lines.at(-1)).toMatchObject({ event: "finished", exitCode: 0 })
    },
    SLOW,
  )
})

describe("the history", () => {
  it(
    "keeps the newest runs of each datasource, as many as the config says",
    async () => {
      await load()
      here.stage.config(["a"], { history: 3 })
      const ids: string[] = []
      for (let n = 0; n < 5; n++) ids.push((await here.stage.pull()).report.runId)
      const runs = await query(here.stage.out, "SELECT run_id FROM _sync_runs ORDER BY started")
      expect(runs.map((row) => String(row.run_id))).toEqual(ids.slice(2))
    },
    SLOW,
  )
})

describe("--max-duration", () => {
  it("is a length of time, from the flag or the config", async () => {
    await load()
    here.stage.config(["a"], { maxDuration: "soon" })
    expect((await here.stage.runner.run(here.stage.args())).exitCode).toBe(2)
    here.stage.config(["a"])
    const { stderr, exitCode } = await here.stage.runner.run(here.stage.args("--max-duration", "soon"))
    expect(exitCode).toBe(2)
    expect(stderr).toContain("--max-duration")
  })
})
