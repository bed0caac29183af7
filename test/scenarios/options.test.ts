/** Every option of `pull`, by what it does to requests, rows and output. */
import { describe, expect, it } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { OWN_TABLES } from "../../src/store/notes/tables.ts"
import { query, readTable, tableNames } from "../support/conformance/duckdb.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import { type Behaviour, errors, waitFor } from "../support/fake-druid/fake-druid.ts"
import { useFake } from "./support.ts"

const here = useFake()
const days = ["2024-01-01", "2024-01-02", "2024-01-03"]

async function load(name: string, seed = 0): Promise<void> {
  await here.stage.world.create(name, daysOf(days, 10, seed), { columns: COLUMNS })
}

describe("an unchanged Druid", () => {
  it("is asked twice and sends no row", async () => {
    for (const name of ["a", "b", "c"]) await load(name)
    here.stage.config(["a", "b", "c"])
    await here.stage.pullExactly()
    here.fake.log.clear()
    const { report } = await here.stage.pull()
    expect(here.fake.log.kinds).toBe("columns segments")
    expect(here.fake.log.rowsFetched).toBe(0)
    expect(report.requests).toBe(2)
    expect(report.rowsFetched).toBe(0)
  })

  it("leaves tables and checkpoints untouched", async () => {
    await load("a")
    here.stage.config(["a"])
    await here.stage.pull()
    const look = () => query(here.stage.out, "FROM _sync_chunks ORDER BY ALL")
    const before = await look()
    await here.stage.pull()
    expect(await look()).toEqual(before)
  })
})

describe("--only", () => {
  it("pulls the named datasources and asks for no other", async () => {
    for (const name of ["a", "b", "c"]) await load(name)
    here.stage.config(["a", "b", "c"])
    const { report, exitCode } = await here.stage.pull("--only", "c,a")
    expect(exitCode).toBe(0)
    expect(report.datasources.map((one) => one.datasource).sort()).toEqual(["a", "c"])
    expect(await tableNames(here.stage.out)).toEqual([...OWN_TABLES, "a", "c"].sort())
    expect(here.fake.log.entries.some((entry) => entry.body.includes("'b'"))).toBe(false)
  })

  it("refuses a name that the config does not have, before any request, with a guess", async () => {
    await load("wikipedia")
    here.stage.config(["wikipedia"])
    const result = await here.stage.runner.run(here.stage.args("--only", "wikipedai"))
    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain('did you mean "wikipedia"?')
    expect(here.fake.log.entries).toEqual([])
    expect(existsSync(here.stage.out)).toBe(false)
  })
})

describe("--full", () => {
  it("fetches everything again and changes nothing where Druid did not", async () => {
    await load("a")
    here.stage.config(["a"])
    await here.stage.pull()
    const { rows } = await here.stage.pullExactly("--full")
    expect(rows).toBe(30)
  })

  it("restores rows that someone else deleted from the table", async () => {
    await load("a")
    here.stage.config(["a"])
    await here.stage.pull()
    const { execute } = await import("../support/conformance/duckdb.ts")
    await execute(here.stage.out, "DELETE FROM a WHERE __time < TIMESTAMP '2024-01-02'")
    await here.stage.pullExactly("--full")
  })
})

describe("--since and --until", () => {
  it("limit this run to rows at or after the one and before the other", async () => {
    await load("a")
    here.stage.config(["a"])
    const { rows, exitCode } = await here.stage.pull(
      "--since",
      "2024-01-01T12:00:00Z",
      "--until",
      "2024-01-02",
    )
    expect(exitCode).toBe(0)
    expect(rows).toBe(5)
    const [span] = await query(
      here.stage.out,
      "SELECT min(__time)::VARCHAR AS a, max(__time)::VARCHAR AS b FROM a",
    )
    expect(span as unknown).toEqual({ a: "2024-01-01 12:00:00", b: "2024-01-01 21:36:00" })
    await here.stage.expectTruthfulState("a")
  })

  it("leave the rest to a later run, which fetches nothing twice", async () => {
    await load("a")
    here.stage.config(["a"])
    await here.stage.pull("--since", "2024-01-01T12:00:00Z", "--until", "2024-01-02T00:00:00.001Z")
    expect((await here.stage.pullExactly()).rows).toBe(24)
  })

  it("refuse what is not a time, before any request", async () => {
    here.stage.config(["a"])
    const result = await here.stage.runner.run(here.stage.args("--since", "yesterday"))
    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain('--since "yesterday" is not a time')
    expect(here.fake.log.entries).toEqual([])
  })

  it("are the datasource's own with since in the config", async () => {
    await load("a")
    here.stage.config([{ name: "a", since: "2024-01-02" }])
    expect((await here.stage.pull()).rows).toBe(20)
  })
})

describe("--dry-run", () => {
  it("names intervals, rows and reasons, fetches no row and writes no file", async () => {
    await load("a")
    here.stage.config(["a"])
    const result = await here.stage.runner.run(here.stage.args("--dry-run", "--json"))
    expect(result.exitCode).toBe(0)
    const plan = JSON.parse(result.stdout) as { datasources: { rows: number; fetch: { kind: string }[] }[] }
    expect(plan.datasources[0]!.rows).toBe(30)
    expect(plan.datasources[0]!.fetch.map((one) => one.kind)).toEqual(["new", "new", "new"])
    expect(here.fake.log.rowsFetched).toBe(0)
    expect(readdirSync(here.stage.folder)).toEqual(["config.json"])
  })

  it("plans exactly what the pull then fetches", async () => {
    await load("a")
    here.stage.config(["a"])
    await here.stage.pull()
    await here.stage.world.overwrite("a", dayOf("2024-01-02", 10, 7))
    const result = await here.stage.runner.run(here.stage.args("--dry-run", "--json"))
    const plan = JSON.parse(result.stdout) as {
      datasources: { fetch: { kind: string; interval: string; rows: number }[] }[]
    }
    expect(plan.datasources[0]!.fetch).toMatchObject([
      { kind: "replaced", rows: 10, interval: "2024-01-02T00:00:00.000Z/2024-01-03T00:00:00.000Z" },
    ])
    expect((await here.stage.pullExactly()).rows).toBe(10)
  })
})

describe("--json and --quiet", () => {
  it("print one document to stdout and nothing else", async () => {
    await load("a")
    here.stage.config(["a"])
    const { stdout, stderr } = await here.stage.runner.run(here.stage.args("--json", "--quiet"))
    expect(stdout.trimEnd().split("\n")).toHaveLength(1)
    expect(JSON.parse(stdout)).toMatchObject({ format: 1, outcome: "complete", exitCode: 0, rowsFetched: 30 })
    expect(stderr).toBe("")
  })

  it("print nothing at all with --quiet alone when all is well", async () => {
    await load("a")
    here.stage.config(["a"])
    const { stdout, stderr, exitCode } = await here.stage.runner.run(here.stage.args("--quiet"))
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: "", stderr: "", exitCode: 0 })
  })

  it("say what is wrong with --quiet too", async () => {
    await load("a")
    here.stage.config(["a"])
    here.fake.world.setAvailable("a", "2024-01-02/2024-01-03", false)
    const { stderr, exitCode } = await here.stage.runner.run(
      here.stage.args("--quiet", "--settle-wait", "0s"),
    )
    expect(exitCode).toBe(3)
    expect(stderr).toContain("2024-01-02")
  })
})

/**
 * Counts the requests for rows that are being answered.
 * @param answer what such a request meets, given how many there are
 */
function watchScans(answer: (running: number) => Promise<Behaviour | undefined>) {
  const scans = { running: 0, most: 0 }
  here.fake.hooks.beforeRequest = (kind) => {
    if (kind !== "scan") return undefined
    scans.running++
    scans.most = Math.max(scans.most, scans.running)
    return answer(scans.running)
  }
  here.fake.hooks.afterRequest = ({ kind }) => {
    if (kind === "scan") scans.running--
  }
  return scans
}

function consecutive(days: number): string[] {
  const first = Date.UTC(2024, 0, 1)
  return Array.from({ length: days }, (_, n) => new Date(first + n * 86_400_000).toISOString().slice(0, 10))
}

describe("--concurrency", () => {
  it("where it is not given, settles on more requests than a pull begins with, if more of them bring more (B10)", async () => {
    await here.stage.world.create("a", daysOf(consecutive(160), 3), { columns: COLUMNS })
    const scans = watchScans(() => delay(200, undefined))
    here.stage.config(["a"], { sliceRows: 3 })
    await here.stage.pullExactly()
    // It begins with four at most, and with no more than this machine has processors.
    expect(scans.most).toBeGreaterThan(4)
    expect(scans.most).toBeLessThanOrEqual(8)
  }, 60_000)

  it("is halved for a server that calls it too many, and everything comes all the same (B10)", async () => {
    await here.stage.world.create("a", daysOf(consecutive(40), 3), { columns: COLUMNS })
    let refused = 0
    watchScans((running) => {
      if (running <= 2) return delay(20, undefined)
      refused++
      return Promise.resolve({ do: "reply", reply: errors.tooManyRequests() })
    })
    here.stage.config(["a"], { sliceRows: 3 })
    await here.stage.pullExactly("--concurrency", "8")
    // Eight at once, of which six are refused; then four, of which two are; then two, until three are tried.
    expect(refused).toBeGreaterThanOrEqual(6)
    expect(refused).toBeLessThanOrEqual(12)
  }, 60_000)

  it("is the most requests for rows at the same time", async () => {
    for (const n of [1, 3]) {
      here.fake.reset()
      const stage = here.anotherStage()
      await stage.world.create("a", daysOf(days, 40), { columns: COLUMNS })
      let running = 0
      let most = 0
      // The first n wait for each other: were there less at a time, they would wait for ever.
      const full = Promise.withResolvers<void>()
      here.fake.hooks.beforeRequest = (kind, nth) => {
        if (kind !== "scan") return undefined
        running++
        most = running > most ? running : most
        if (nth === n) full.resolve()
        return waitFor(full.promise)
      }
      here.fake.hooks.afterRequest = (request) => {
        if (request.kind === "scan") running--
      }
      stage.config(["a"], { sliceRows: 10 })
      expect((await stage.pull("--concurrency", String(n))).exitCode).toBe(0)
      expect(most).toBe(n)
    }
  })

  it("refuses what is not a number, naming the flag", async () => {
    here.stage.config(["a"])
    const result = await here.stage.runner.run(here.stage.args("--concurrency", "many"))
    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain("--concurrency")
  })
})

describe("--spool-dir", () => {
  it("takes the responses, and is left as it was found", async () => {
    await load("a")
    const spool = join(here.stage.folder, "spool")
    here.stage.config(["a"])
    const seen: string[] = []
    here.fake.hooks.afterRequest = (request) => {
      if (request.kind === "scan") seen.push(...readdirSync(spool))
    }
    expect((await here.stage.pull("--spool-dir", spool)).exitCode).toBe(0)
    expect(seen.length).toBeGreaterThan(0)
    expect(readdirSync(spool)).toEqual([])
  })
})

describe("names of tables", () => {
  it("have _ for all but letters, digits and _", async () => {
    const names = ["koalas-to-the-max", "my.datasource name", "a_b", "Größe 数"]
    for (const [n, name] of names.entries()) await load(name, n)
    here.stage.config(names)
    await here.stage.pullExactly()
    const tables = (await tableNames(here.stage.out)).filter((name) => !name.startsWith("_sync"))
    expect(tables.sort()).toEqual(["Größe_数", "a_b", "koalas_to_the_max", "my_datasource_name"])
  })

  it("may be chosen later: the table is renamed at once, and no row is fetched again", async () => {
    await load("a")
    here.stage.config(["a"])
    await here.stage.pullExactly()
    here.stage.config([{ name: "a", table: "b" }])
    expect((await here.stage.pullExactly()).rows).toBe(0)
    await here.stage.world.append("a", dayOf("2024-02-01", 4))
    expect((await here.stage.pullExactly()).rows).toBe(4)
    expect((await tableNames(here.stage.out)).filter((name) => !name.startsWith("_sync"))).toEqual(["b"])
  })

  it("that fall together are refused before any request", async () => {
    here.stage.config(["a.b", "a-b"])
    const result = await here.stage.runner.run(here.stage.args())
    expect(result.exitCode).toBe(2)
    expect(result.stderr).toContain('would both be the table "a_b"')
    expect(here.fake.log.entries).toEqual([])
  })
})

describe("datasources as a comma-separated string and a port as text", () => {
  it("are what the seed's config had", async () => {
    for (const name of ["koalas-to-the-max", "wikipedia"]) await load(name)
    here.stage.config("koalas-to-the-max, wikipedia" as never, { port: String(here.fake.port) })
    const { exitCode, rows } = await here.stage.pull()
    expect({ exitCode, rows }).toEqual({ exitCode: 0, rows: 60 })
    expect((await readTable(here.stage.out, "wikipedia")).rows.size).toBe(30)
  })
})
