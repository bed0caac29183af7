/** Patterns in the configuration: what Druid lists decides what a pull is about, in every command. */
import { describe, expect, it } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { query, tableNames } from "../support/conformance/duckdb.ts"
import { COLUMNS, dayOf } from "../support/conformance/rows-of.ts"
import { useFake } from "./support.ts"

const SLOW = 60_000
const here = useFake()

const PATTERNS = ["*", "!tmp_*", { name: "events_*", since: "2024-01-02" }]

async function create(...names: string[]): Promise<void> {
  for (const name of names)
    await here.stage.world.create(name, [...dayOf("2024-01-01", 5), ...dayOf("2024-01-02", 3)], {
      columns: COLUMNS,
    })
}

const run = (...words: string[]) =>
  here.stage.runner.run([...words, "--config", here.stage.configPath, "--out", here.stage.out])

const fetched = (pulled: Awaited<ReturnType<typeof here.stage.pull>>) =>
  pulled.report.datasources.map(({ datasource, rowsFetched }) => [datasource, rowsFetched])

describe("a pull by patterns", () => {
  it(
    "copies what matches, with the settings of the first match, and takes in by itself what comes later",
    async () => {
      const { stage } = here
      await create("events_a", "tmp_x", "wiki")
      stage.config(PATTERNS)
      const first = await stage.pull()
      expect(first.exitCode).toBe(0)
      expect(fetched(first)).toEqual([
        ["events_a", 3],
        ["wiki", 8],
      ])
      await create("events_b", "tmp_y")
      expect(fetched(await stage.pull())).toEqual([
        ["events_a", 0],
        ["events_b", 3],
        ["wiki", 0],
      ])
    },
    SLOW,
  )

  it(
    "keeps what matched and is listed no more, says so, ends with 0, and never deletes it",
    async () => {
      const { stage } = here
      await create("events_a", "wiki")
      stage.config(PATTERNS, { deletions: "mirror" })
      await stage.pull()
      here.fake.world.deleteDatasource("wiki")
      for (const flags of [[], ["--full"]]) {
        const pulled = await stage.pull(...flags)
        expect(pulled.exitCode).toBe(0)
        expect(pulled.stderr).toContain("Druid lists it no more")
        expect(pulled.report.datasources[1]).toMatchObject({
          datasource: "wiki",
          outcome: "complete",
          rowsDeleted: 0,
          rows: 8,
          isGone: true,
        })
      }
      expect(await query(stage.out, "SELECT count(*)::INTEGER AS n FROM wiki")).toEqual([{ n: 8 }])
      const [state] = await query(
        stage.out,
        "SELECT status, message FROM _sync_state WHERE datasource = 'wiki'",
      )
      expect(state).toMatchObject({ status: "complete", message: expect.stringContaining("8 rows") })
      const plan = await run("plan", "--json")
      expect(plan.exitCode).toBe(0)
      expect(JSON.parse(plan.stdout).datasources[1]).toMatchObject({
        fetch: [],
        dropped: [],
        warnings: [expect.stringContaining("Druid lists it no more")],
      })
      const verified = await run("verify", "--json")
      expect(verified.exitCode).toBe(0)
      expect(JSON.parse(verified.stdout).datasources[1]).toMatchObject({ outcome: "equal", compared: 0 })
      expect((await run("schema", "--json")).exitCode).toBe(0)
      // It comes back as something else.
      await create("wiki")
      expect((await stage.pull()).exitCode).toBe(0)
    },
    SLOW,
  )

  it(
    "waits for one whose servers are away, as for one that is named",
    async () => {
      const { stage } = here
      await create("events_a", "wiki")
      stage.config(PATTERNS)
      await stage.pull()
      await stage.world.append("wiki", dayOf("2024-01-03", 2))
      await stage.world.unserve("wiki")
      const pulled = await stage.pull("--settle-wait", "0s")
      expect(pulled.exitCode).toBe(3)
      expect(pulled.report.datasources[1]!.isGone).toBeUndefined()
    },
    SLOW,
  )

  it(
    "refuses names that would be one table before anything is fetched, and names both",
    async () => {
      const { stage } = here
      await create("a-b", "a.b")
      stage.config(["*"])
      const refused = await run("pull")
      expect(refused.exitCode).toBe(2)
      expect(refused.stderr).toContain('"a-b" and "a.b" would both be the table "a_b"; name one of them')
      expect(here.fake.log.rowsFetched).toBe(0)
      stage.config(["*", { name: "a.b", table: "other" }])
      await stage.pull()
      expect(await tableNames(stage.out)).toEqual(expect.arrayContaining(["a_b", "other"]))
    },
    SLOW,
  )

  it(
    "says what is wrong where Druid lists nothing at all, or nothing that matches, with 4; what is held stays",
    async () => {
      const { stage } = here
      await create("wiki")
      stage.config(["wik*"])
      await stage.pull()
      here.fake.world.deleteDatasource("wiki")
      const empty = await run("pull")
      expect(empty.exitCode).toBe(4)
      expect(empty.stderr).toContain("shows no datasource to this user")
      expect(await query(stage.out, "SELECT count(*)::INTEGER AS n FROM wiki")).toEqual([{ n: 8 }])
      await create("other")
      stage.config(["x*"])
      const none = await run("plan")
      expect(none.exitCode).toBe(4)
      expect(none.stderr).toContain('nothing else matches "x*"')
    },
    SLOW,
  )

  it(
    "can be narrowed by --only to what patterns match, and by nothing else",
    async () => {
      const { stage } = here
      await create("events_a", "wiki", "tmp_x")
      stage.config(PATTERNS)
      expect(fetched(await stage.pull("--only", "wiki"))).toEqual([["wiki", 8]])
      const refused = await run("plan", "--only", "tmp_x")
      expect(refused.exitCode).toBe(2)
      expect(refused.stderr).toContain("the config has no such datasource")
    },
    SLOW,
  )

  it(
    "has its series in the file of metrics, also of what came later",
    async () => {
      const { stage } = here
      await create("wiki")
      stage.config(["*"])
      const metrics = join(stage.folder, "m.prom")
      await run("pull", "--metrics", metrics)
      await create("more")
      await run("pull", "--metrics", metrics)
      const lines = readFileSync(metrics, "utf8").split("\n")
      expect(
        lines
          .filter((line) => line.startsWith("druidsync_rows{"))
          .map((line) => line.replace(/.*datasource=/, "")),
      ).toEqual(['"more"} 8', '"wiki"} 8'])
    },
    SLOW,
  )
})

describe("patterns in other commands", () => {
  it(
    "decide what datasources marks, and what check looks at",
    async () => {
      const { stage } = here
      await create("events_a", "tmp_x", "wiki")
      stage.config([...PATTERNS, "nothing_*"])
      const listed = await stage.runner.run(["datasources", "--config", stage.configPath, "--json"])
      expect(
        JSON.parse(listed.stdout).datasources.map(({ datasource, table }: never) => [datasource, table]),
      ).toEqual([
        ["events_a", "events_a"],
        ["wiki", "wiki"],
        ["tmp_x", null],
      ])
      const checked = await run("check", "--json")
      const { checks } = JSON.parse(checked.stdout)
      expect(checked.exitCode).toBe(0)
      const told = (kind: string) => checks.filter(({ check }: { check: string }) => check === kind)
      expect(told("datasource").map(({ subject }: { subject: string }) => subject)).toEqual([
        "events_a",
        "wiki",
      ])
      expect(told("config").map(({ status }: { status: string }) => status)).toEqual(["ok", "warning"])
      expect(told("config")[0].message).toContain("4 patterns of")
      expect(told("config")[1].message).toContain('the pattern "nothing_*" decides for none')
    },
    SLOW,
  )

  it(
    "are written by init: all, also future ones",
    async () => {
      const { stage } = here
      await create("a-b", "a.b", "wiki")
      const { hostname, port } = new URL(here.fake.url)
      const path = join(stage.folder, "new.json")
      const words = ["init", "--host", hostname, "--port", port, "--config", path, "--datasources", "*"]
      const made = await stage.runner.run(words)
      expect(made.exitCode).toBe(0)
      expect(JSON.parse(readFileSync(path, "utf8")).datasources).toEqual([
        { name: "a.b", table: "a_b_2" },
        "*",
      ])
      const plan = await stage.runner.run(["plan", "--config", path, "--out", stage.out, "--json"])
      expect(JSON.parse(plan.stdout).datasources.map(({ table }: { table: string }) => table)).toEqual([
        "a_b_2",
        "a_b",
        "wiki",
      ])
    },
    SLOW,
  )
})
