/** Lookups of Druid, each a table: compared as a whole by every pull. */
import { beforeEach, describe, expect, it } from "bun:test"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { execute, query, tableNames } from "../support/conformance/duckdb.ts"
import { COLUMNS, dayOf } from "../support/conformance/rows-of.ts"
import { cut, errors, reply } from "../support/fake-druid/fake-druid.ts"
import { useFake } from "./support.ts"

const here = useFake()
const COUNTRIES = { DE: "Germany", FR: "France", "": "nowhere", XX: null, 'q"x\\': "a\nb", é数: "ü😀" }

beforeEach(async () => {
  await here.stage.world.create("edits", dayOf("2024-01-01", 5), { columns: COLUMNS })
  here.fake.world.lookups.set("countries", COUNTRIES)
})

const lookups = () => here.fake.world.lookups
const run = (...args: string[]) => here.stage.runner.run(args)
const config = () => ["--config", here.stage.configPath]
const out = () => ["--out", here.stage.out]

async function entries(table = "lookup_countries"): Promise<Record<string, string | null>> {
  const rows = await query(here.stage.out, `SELECT k, v FROM "${table}" ORDER BY k`)
  return Object.fromEntries(rows.map(({ k, v }) => [String(k), v === null ? null : String(v)]))
}

describe("lookups", () => {
  it("become tables of k and v, with every text as it is, and NULL", async () => {
    here.stage.config(["edits"], { lookups: ["countries"] })
    const { report, exitCode, stderr } = await here.stage.pull()
    expect(exitCode).toBe(0)
    expect(report.lookups).toEqual([
      { lookup: "countries", table: "lookup_countries", outcome: "new", rows: 6 },
    ])
    expect(await entries()).toEqual(COUNTRIES)
    expect(stderr).toContain("lookup countries: new, 6 rows in table lookup_countries")
    await here.stage.expectTruthfulState("edits")
  })

  it("that did not change are not written again", async () => {
    here.stage.config(["edits"], { lookups: "*" })
    await here.stage.pull()
    const look = () => query(here.stage.out, "SELECT run_id, changed_at, fingerprint FROM _sync_lookups")
    const before = await look()
    const { report, stderr } = await here.stage.pull()
    expect(report.lookups![0]!.outcome).toBe("unchanged")
    expect(stderr).toContain("1 lookup unchanged")
    expect(await look()).toEqual(before)
  })

  it("that changed are replaced whole, and indexes and views on them stay", async () => {
    here.stage.config(["edits"], { lookups: "*" })
    await here.stage.pull()
    await execute(here.stage.out, "CREATE UNIQUE INDEX by_k ON lookup_countries (k)")
    await execute(here.stage.out, "CREATE VIEW names AS SELECT v FROM lookup_countries")
    lookups().set("countries", { DE: "Deutschland", IT: "Italia" })
    expect((await here.stage.pull()).report.lookups![0]).toMatchObject({ outcome: "replaced", rows: 2 })
    expect(await entries()).toEqual({ DE: "Deutschland", IT: "Italia" })
    expect(await query(here.stage.out, "SELECT count(*) AS n FROM names")).toEqual([{ n: 2n }])
    const indexes = await query(here.stage.out, "SELECT index_name FROM duckdb_indexes()")
    expect(indexes.map((one) => one.index_name)).toContain("by_k")
  })

  it("of which another program changed a value or dropped the table are brought back", async () => {
    here.stage.config(["edits"], { lookups: ["countries"] })
    await here.stage.pull()
    await execute(here.stage.out, "UPDATE lookup_countries SET v = 'x' WHERE k = 'DE'")
    expect((await here.stage.pull()).report.lookups![0]!.outcome).toBe("replaced")
    expect(await entries()).toEqual(COUNTRIES)
    await execute(here.stage.out, "DROP TABLE lookup_countries")
    expect((await here.stage.pull()).report.lookups![0]!.outcome).toBe("new")
    expect(await entries()).toEqual(COUNTRIES)
  })

  it("whose table another program changed so that rows cannot come are named, and the others are copied", async () => {
    lookups().set("teams", { a: "A" })
    here.stage.config(["edits"], { lookups: "*" })
    await here.stage.pull()
    await execute(here.stage.out, "ALTER TABLE lookup_countries RENAME COLUMN v TO value")
    lookups().set("teams", { a: "B" })
    const { exitCode, report, stderr } = await here.stage.pull()
    expect(exitCode).not.toBe(0)
    expect(report.lookups!.map((one) => one.outcome)).toEqual(["failed", "replaced"])
    expect(stderr).toContain('DuckDB refuses to change table "lookup_countries" of')
    expect((await run("status", ...out(), "--exit-code")).exitCode).toBe(3)
    await execute(here.stage.out, "DROP TABLE lookup_countries")
    await here.stage.pull()
    expect(await entries()).toEqual(COUNTRIES)
  })

  it("may be empty, and have any name", async () => {
    lookups().set("none at all", {})
    here.stage.config(["edits"], { lookups: "*" })
    const { report } = await here.stage.pull()
    expect(report.lookups!.map((one) => [one.lookup, one.outcome, one.rows])).toEqual([
      ["countries", "new", 6],
      ["none at all", "new", 0],
    ])
    expect(await entries("lookup_none_at_all")).toEqual({})
    lookups().set("none at all", { a: "b" })
    expect((await here.stage.pull()).report.lookups![1]!.outcome).toBe("replaced")
  })

  it('that come by themselves are copied with "*"', async () => {
    here.stage.config(["edits"], { lookups: "*" })
    await here.stage.pull()
    lookups().set("teams", { a: "A" })
    await here.stage.pull()
    expect(await entries("lookup_teams")).toEqual({ a: "A" })
  })

  it("that are gone in Druid are kept, and it is said, exit 0", async () => {
    for (const wanted of ["*", ["countries"]]) {
      here.stage.config(["edits"], { lookups: wanted })
      lookups().set("countries", COUNTRIES)
      await here.stage.pull()
      lookups().delete("countries")
      const { report, exitCode, stderr } = await here.stage.pull()
      expect(exitCode).toBe(0)
      expect(report.lookups![0]).toMatchObject({ outcome: "gone", rows: 6 })
      expect(stderr).toContain('lookup "countries": Druid lists it no more; its table is kept as it is')
      expect(await entries()).toEqual(COUNTRIES)
      expect((await run("status", ...out())).stdout).toContain("Druid lists it no more")
    }
  })

  it("that Druid does not list are named, with a guess, and the others are copied", async () => {
    here.stage.config(["edits"], { lookups: ["countrys", "countries"] })
    const { report, exitCode, stderr } = await here.stage.pull()
    expect(exitCode).toBe(4)
    expect(report.lookups!.map((one) => one.outcome)).toEqual(["failed", "new"])
    expect(stderr).toContain('Druid\'s SQL lists no lookup "countrys" → did you mean "countries"?')
    expect(report.datasources[0]!.outcome).toBe("complete")
  })

  it("of a kind that only answers keys are said, without Druid's words about how they are made", async () => {
    lookups().set("users", undefined)
    here.stage.config(["edits"], { lookups: "*" })
    const all = await here.stage.pull()
    expect(all.exitCode).toBe(0)
    expect(all.report.lookups!.map((one) => one.outcome)).toEqual(["new", "unlistable"])
    const sentence = 'Druid cannot list the entries of lookup "users": its kind only answers keys'
    expect(all.stderr).toContain(sentence)
    here.stage.config(["edits"], { lookups: ["users"] })
    const named = await here.stage.pull()
    expect(named.exitCode).toBe(4)
    expect(named.stderr).toContain(sentence)
    for (const text of [all, named].map((one) => one.stdout + one.stderr))
      expect(text).not.toContain("hunter2")
  })

  it("that Druid is still filling are incomplete, and keep the table that they had", async () => {
    here.stage.config(["edits"], { lookups: ["countries"] })
    await here.stage.pull()
    here.fake.world.fillingLookups.add("countries")
    const { exitCode, stdout, stderr } = await here.stage.pull()
    expect(exitCode).toBe(3)
    expect(stderr).toContain('cannot list the entries of lookup "countries": it is still being filled')
    expect(stdout + stderr).not.toContain("hunter2")
    expect(await entries()).toEqual(COUNTRIES)
    here.fake.world.fillingLookups.clear()
    expect((await here.stage.pull()).exitCode).toBe(0)
  })

  it("are said where Druid demands a condition on time", async () => {
    here.fake.requireTimeCondition = true
    here.stage.config(["edits"], { lookups: "*" })
    const { exitCode, stderr } = await here.stage.pull()
    expect(exitCode).toBe(0)
    const words = "it demands a condition on time (druid.sql.planner.requireTimeCondition)"
    expect(stderr).toContain(words)
    const verified = await run("verify", ...config(), ...out())
    expect(verified.exitCode).toBe(0)
    expect(verified.stdout).toContain(`lookup countries: not compared: Druid cannot list`)
  })

  it("are left alone by a run of some datasources, and cost nothing where none are asked for", async () => {
    here.stage.config(["edits"], { lookups: "*" })
    expect((await here.stage.pull("--only", "edits")).report.lookups).toBeUndefined()
    here.stage.config(["edits"])
    here.fake.log.clear()
    await here.stage.pull()
    expect(here.fake.log.kinds).toBe("columns segments")
  })
})

describe("the proof of a lookup", () => {
  for (const [what, behave] of [
    ["is cut", () => cut({ rows: 1 }, "clean")],
    ["fails", () => reply(errors.connectionReset())],
  ] as const) {
    it(`asks again where an answer ${what}`, async () => {
      here.stage.config(["edits"], { lookups: ["countries"] })
      let n = 0
      here.fake.hooks.beforeRequest = (kind) => (kind === "lookup" && ++n === 2 ? behave() : undefined)
      expect((await here.stage.pull()).exitCode).toBe(0)
      expect(await entries()).toEqual(COUNTRIES)
    })
  }

  it("does not believe a lookup that changes while it is read, and leaves the old one whole", async () => {
    here.stage.config(["edits"], { lookups: ["countries"] })
    await here.stage.pull()
    let n = 0
    here.fake.hooks.beforeRequest = (kind) => {
      if (kind === "lookup")
        lookups().set("countries", Object.fromEntries(Array.from({ length: ++n }, (_, i) => [`k${i}`, "v"])))
      return undefined
    }
    const { exitCode, report } = await here.stage.pull()
    expect(exitCode).toBe(3)
    expect(report.lookups![0]!.error!.code).toBe("count-mismatch")
    expect(await entries()).toEqual(COUNTRIES)
  })

  it("keeps within the limit of the spool, and says what is too big for it", async () => {
    const value = "v".repeat(2_000)
    lookups().set("big", Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, value])))
    here.stage.config(["edits"], { lookups: ["big", "countries"], spoolLimit: "1MB" })
    const { exitCode, report, stderr } = await here.stage.pull()
    expect(exitCode).toBe(1)
    expect(report.lookups!.map((one) => one.outcome)).toEqual(["failed", "new"])
    expect(stderr).toContain('lookup "big" is too big for the spool (limit 1 MB) → raise "spoolLimit"')
    expect(await tableNames(here.stage.out)).not.toContain("lookup_big")
    here.stage.config(["edits"], { lookups: ["big"], spoolLimit: "3MB" })
    expect((await here.stage.pull()).report.lookups![0]).toMatchObject({ outcome: "new", rows: 1_000 })
  })

  it("leaves no spool behind, and no table of the datasources is touched", async () => {
    here.stage.config(["edits"], { lookups: ["countries"] })
    here.fake.hooks.beforeRequest = (kind) => (kind === "lookup" ? reply(errors.forbidden()) : undefined)
    const { exitCode } = await here.stage.pull()
    expect(exitCode).toBe(4)
    expect(
      readdirSync(here.stage.folder).filter((name) => statSync(join(here.stage.folder, name)).isDirectory()),
    ).toEqual([])
    expect(await tableNames(here.stage.out)).not.toContain("lookup_countries")
    await here.stage.expectEqual("edits")
  })
})

describe("other commands", () => {
  it("plan, schema and check say what becomes of lookups, and read no entry", async () => {
    here.stage.config(["edits"], { lookups: ["countries", "countrys"] })
    const plan = await run("plan", ...config(), ...out())
    expect(plan.exitCode).toBe(4)
    expect(plan.stdout).toContain("lookup countries → table lookup_countries (k, v): new, to be fetched")
    expect(plan.stdout).toContain('Druid\'s SQL lists no lookup "countrys"')
    const schema = await run("schema", ...config())
    expect(schema.stdout).toContain("lookup countries → table lookup_countries (k, v)")
    const check = await run("check", ...config())
    expect(check.exitCode).toBe(4)
    expect(check.stdout).toContain("listed; it becomes the table lookup_countries")
    expect(check.stdout).toContain('did you mean "countries"?')
    expect(here.fake.log.kinds).not.toContain("lookup")
    here.stage.config(["edits"], { lookups: "*" })
    await here.stage.pull()
    expect((await run("plan", ...config(), ...out())).stdout).toContain("compared as a whole by each pull")
    expect((await run("check", ...config())).stdout).toContain("Druid lists countries")
  })

  it("verify finds a changed value and brings it back with --repair", async () => {
    here.stage.config(["edits"], { lookups: "*" })
    await here.stage.pull()
    const equal = await run("verify", ...config(), ...out())
    expect(equal.exitCode).toBe(0)
    expect(equal.stdout).toContain("lookup countries ↔ table lookup_countries: equal, 6 rows")
    await execute(here.stage.out, "UPDATE lookup_countries SET v = NULL WHERE k = 'DE'")
    const differs = await run("verify", ...config(), ...out())
    expect(differs.exitCode).toBe(1)
    expect(differs.stdout).toContain(
      "lookup countries ↔ table lookup_countries: differs from Druid as a whole",
    )
    const repaired = await run("verify", ...config(), ...out(), "--repair")
    expect(repaired.exitCode).toBe(0)
    expect(repaired.stdout).toContain("repaired, 6 rows")
    expect(await entries()).toEqual(COUNTRIES)
    lookups().delete("countries")
    expect((await run("verify", ...config(), ...out())).exitCode).toBe(0)
    lookups().set("teams", { a: "A" })
    expect((await run("verify", ...config(), ...out())).exitCode).toBe(3)
  })

  it("status and report show them, and the published copy follows", async () => {
    const shown = join(here.stage.folder, "shown.duckdb")
    here.stage.config(["edits"], { lookups: "*", publish: shown })
    await here.stage.pull()
    const { stdout } = await run("status", ...out())
    expect(stdout).toContain("LOOKUP")
    expect(stdout).toMatch(/countries\s+lookup_countries\s+6\s+just now\s+just now\s+complete/)
    lookups().set("countries", { DE: "Deutschland" })
    expect((await here.stage.pull()).report.publish!.outcome).toBe("published")
    expect(await query(shown, "SELECT v FROM lookup_countries")).toEqual([{ v: "Deutschland" }])
    expect((await here.stage.pull()).report.publish!.outcome).toBe("up-to-date")
    const page = join(here.stage.folder, "page.html")
    await run("report", ...out(), "--to", page)
    expect(readFileSync(page, "utf8")).toContain("lookup_countries")
  })

  it("export says that it leaves them out, and how to have them", async () => {
    here.stage.config(["edits"], { lookups: "*" })
    await here.stage.pull()
    const to = join(here.stage.folder, "lake")
    const { exitCode, stdout } = await run("export", ...out(), "--to", to)
    expect(exitCode).toBe(0)
    expect(stdout).toContain("lookup_countries: not written: a lookup has no time, and no partitions")
    expect(readdirSync(to)).not.toContain("lookup_countries")
    const file = join(to, "countries.parquet")
    await run("query", ...out(), "--to", file, 'FROM "lookup_countries"')
    expect(await query(here.stage.out, `SELECT count(*) AS n FROM '${file}'`)).toEqual([{ n: 6n }])
  })

  it("a Druid that does not say what lookups it has fails them, and no datasource", async () => {
    here.stage.config(["edits"], { lookups: "*" })
    here.fake.hooks.beforeRequest = (kind) => (kind === "other" ? reply(errors.forbidden()) : undefined)
    const { exitCode, report } = await here.stage.pull()
    expect(exitCode).toBe(4)
    expect(report.datasources[0]!.outcome).toBe("complete")
    expect(report.lookups![0]!.outcome).toBe("failed")
  })
})

describe("the table of a lookup", () => {
  it("in the file is named to a datasource that would have it", async () => {
    here.stage.config(["edits"], { lookups: "*" })
    await here.stage.pull()
    here.stage.config([{ name: "edits", table: "lookup_countries" }])
    expect((await here.stage.pull()).stderr).toContain(
      'has a table "lookup_countries" that holds lookup "countries"',
    )
  })

  it("is refused in the configuration where a datasource has it, and both are named", async () => {
    here.stage.config([{ name: "edits", table: "Lookup_Countries" }], { lookups: ["countries"] })
    const { exitCode, stderr } = await run("pull", ...config(), ...out())
    expect(exitCode).toBe(2)
    expect(stderr).toContain(
      'the datasource "edits" and the lookup "countries" would both be the table "lookup_countries"',
    )
    here.stage.config(["edits"], { lookups: ["a b", "a-b"] })
    expect((await run("pull", ...config(), ...out())).stderr).toContain(
      'the lookup "a b" and the lookup "a-b" would both be the table "lookup_a_b"',
    )
    expect(here.fake.log.entries).toEqual([])
  })

  it('is refused with "*", too, and nothing is overwritten', async () => {
    await here.stage.world.create("lookup_countries", dayOf("2024-01-01", 3), { columns: COLUMNS })
    here.stage.config(["edits", "lookup_countries"], { lookups: "*" })
    const { exitCode, stderr } = await here.stage.pull()
    expect(exitCode).toBe(2)
    expect(stderr).toContain('the datasource "lookup_countries" and the lookup "countries" would both be')
    await here.stage.expectEqual("lookup_countries")
  })

  it("that druidsync did not make is left as it is", async () => {
    here.stage.config(["edits"])
    await here.stage.pull()
    await execute(here.stage.out, "CREATE TABLE lookup_countries (k VARCHAR, v VARCHAR, mine INTEGER)")
    here.stage.config(["edits"], { lookups: "*" })
    const { exitCode, stderr } = await here.stage.pull()
    expect(exitCode).toBe(2)
    expect(stderr).toContain('has a table "lookup_countries" that druidsync did not make')
    expect(await query(here.stage.out, "SELECT count(*) AS n FROM lookup_countries")).toEqual([{ n: 0n }])
  })
})
