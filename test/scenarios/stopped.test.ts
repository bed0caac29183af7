/** Runs that are stopped: by Ctrl-C, by SIGKILL in each gap of a pull. What was committed stays and is not fetched again. */
import { describe, expect, it } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import { setImmediate } from "node:timers/promises"
import { query, readTable, tableNames } from "../support/conformance/duckdb.ts"
import { COLUMNS, daysOf } from "../support/conformance/rows-of.ts"
import { bunSource } from "../support/conformance/runner.ts"
import {
  cut,
  destroy,
  errors,
  hang,
  type RequestKind,
  reply,
  waitFor,
} from "../support/fake-druid/fake-druid.ts"
import { useFake } from "./support.ts"

const here = useFake()
const days = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]

/** 40 rows in four slices, fetched one after another. */
async function load(): Promise<void> {
  await here.stage.world.create("a", daysOf(days, 10), { columns: COLUMNS })
  here.stage.config(["a"], { sliceRows: 10, concurrency: 1 })
}

/** Resolves when the nth request of a kind is there; the request then waits for ever. */
function stopAt(kind: RequestKind, nth: number): Promise<void> {
  const arrived = Promise.withResolvers<void>()
  here.fake.hooks.beforeRequest = (found, n) => {
    if (found !== kind || n !== nth) return undefined
    arrived.resolve()
    return waitFor(new Promise(() => {}))
  }
  return arrived.promise
}

async function rowsHeld(): Promise<number> {
  if (!existsSync(here.stage.out) || !(await tableNames(here.stage.out)).includes("a")) return 0
  await here.stage.expectTruthfulState("a")
  return (await readTable(here.stage.out, "a")).rows.size
}

describe("SIGINT", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`${signal}: exit 130, the query is cancelled, nothing is left behind, what was committed stays`, async () => {
      await load()
      await here.stage.pull("--until", "2024-01-03")
      here.fake.log.clear()
      const arrived = stopAt("scan", 2)
      const running = bunSource().start(here.stage.args("--json"))
      await arrived
      running.kill(signal)
      const { exitCode, stdout } = await running.result
      expect(exitCode).toBe(130)
      expect(JSON.parse(stdout)).toMatchObject({ outcome: "interrupted", exitCode: 130 })
      const scan = here.fake.log.of("scan")[1]!
      // The server hears of the closed connection a moment after the process is gone.
      while (!scan.clientClosed) await setImmediate()
      const cancelled = here.fake.log.of("cancel").map((entry) => entry.path)
      expect(cancelled).toContain(`/druid/v2/sql/${scan.queryId}`)
      expect(readdirSync(here.stage.folder).sort()).toEqual(["config.json", "copy.duckdb"])

      const held = await rowsHeld()
      expect(held).toBeGreaterThanOrEqual(20)
      const [state] = await query(here.stage.out, "SELECT status FROM _sync_state")
      expect(state!.status).toBe("interrupted")
      here.fake.hooks = {}
      const { rows } = await here.stage.pullExactly()
      expect(held + rows).toBe(40)
    })
  }

  it("before anything was stored: exit 130 and no file", async () => {
    await load()
    const arrived = stopAt("segments", 1)
    const running = bunSource().start(here.stage.args())
    await arrived
    running.kill("SIGINT")
    const { exitCode, stderr } = await running.result
    expect(exitCode).toBe(130)
    expect(stderr).not.toContain("this is a bug")
    expect(readdirSync(here.stage.folder)).toEqual(["config.json"])
  })

  it("while it waits for a retry: no other try is made", async () => {
    await load()
    here.fake.hooks.beforeRequest = () => reply(errors.html(502, "Bad Gateway"))
    const running = bunSource().start(here.stage.args())
    while (!running.stderr().includes("trying again")) await new Promise((done) => setTimeout(done, 10))
    running.kill("SIGINT")
    expect((await running.result).exitCode).toBe(130)
    expect(here.fake.log.entries).toHaveLength(1)
  })
})

describe("SIGKILL", () => {
  // Every gap: before the first look, between looks and slices, within slices, at the last proof.
  const moments: [RequestKind, number][] = [
    ["columns", 1],
    ["segments", 1],
    ["types", 1],
    ["scan", 1],
    ["scan", 2],
    ["segments", 2],
    ["scan", 4],
    ["segments", 3],
  ]
  for (const [kind, nth] of moments) {
    it(`at ${kind} request ${nth}: the file says what it holds, and the next pull fetches only the rest`, async () => {
      await load()
      const arrived = stopAt(kind, nth)
      const running = bunSource().start(here.stage.args())
      const ended = await Promise.race([arrived, running.result])
      running.kill("SIGKILL")
      await running.result
      if (ended !== undefined) expect(ended.exitCode).toBe(0) // so many requests were not needed
      const held = await rowsHeld()
      here.fake.hooks = {}
      here.fake.log.clear()
      const { rows } = await here.stage.pullExactly()
      expect(held + rows).toBe(40)
      expect(readdirSync(here.stage.folder).sort()).toEqual(["config.json", "copy.duckdb"])
    })
  }
})

describe("a response that ends early", () => {
  it("with 200, whole rows and a proper end, each time: nothing is taken for complete", async () => {
    await load()
    here.fake.hooks.beforeRequest = (kind) => (kind === "scan" ? cut({ rows: 3 }) : undefined)
    const { exitCode, report } = await here.stage.pull()
    expect(exitCode).toBe(1)
    expect(report.datasources[0]!.rowsFetched).toBe(0)
    expect(report.datasources[0]!.error!.code).toBe("response-cut")
    here.fake.hooks = {}
    await here.stage.pullExactly()
  })

  it("once: it is asked for again, and all is complete", async () => {
    await load()
    for (const how of [
      cut({ rows: 3 }),
      cut({ bytes: 700 }, "close"),
      destroy(),
      reply(errors.queryTimeout()),
    ]) {
      here.fake.hooks.beforeRequest = (kind, n) => (kind === "scan" && n === 1 ? how : undefined)
      here.fake.log.clear()
      await here.stage.pullExactly("--full")
    }
  })

  it("because it is too long for Druid: it is cut into pieces that pass", async () => {
    await load()
    here.stage.config(["a"], { sliceRows: 1_000 })
    const times = [...here.fake.world.eachRow("a")].map((row) => row.__time as bigint)
    here.fake.hooks.beforeRequest = (kind, _n, request) => {
      if (kind !== "scan") return undefined
      const [from, to] = [...request.sql!.matchAll(/[<>]=? (-?\d+)/g)].map((found) => BigInt(found[1]!))
      const rows = times.filter((time) => time >= from! && time < to!).length
      return rows > 12 ? cut({ rows: 12 }) : undefined
    }
    const { report } = await here.stage.pullExactly()
    expect(report.datasources[0]!.slices).toBeGreaterThan(2)
  })

  it("after a stretch of silence: the idle timeout ends it, and it is asked for again", async () => {
    await load()
    here.stage.config(["a"], { idleTimeout: "300ms" })
    here.fake.hooks.beforeRequest = (kind, n) => (kind === "scan" && n === 1 ? hang({ rows: 2 }) : undefined)
    await here.stage.pullExactly()
  })

  it("never, with a complete-looking end, because segments moved: the count tells", async () => {
    await load()
    here.stage.config(["a"], { sliceRows: 1_000 })
    here.fake.hooks.duringScan = ({ n, segmentsRead }, world) => {
      if (n === 1 && segmentsRead === 1) world.move("a")
    }
    await here.stage.pullExactly()
    expect(here.fake.log.count("scan")).toBeGreaterThan(1)
  })
})
