/** Aggregates: groups of rows, made by Druid, kept exact whatever happens there. */
import { describe, expect, it } from "bun:test"
import { EVERY } from "../../src/base/buckets.ts"
import { execute, query } from "../support/conformance/duckdb.ts"
import { expectGroups, MEASURES } from "../support/conformance/groups.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import { errors, reply } from "../support/fake-druid/fake-druid.ts"
import { useFake } from "./support.ts"

const here = useFake()
const days = ["2024-01-30", "2024-01-31", "2024-02-01"]

const load = (name = "a") => here.stage.world.create(name, daysOf(days, 40), { columns: COLUMNS })

function config(every: string, by: readonly unknown[] = ["page"], more: Record<string, unknown> = {}) {
  here.stage.config([{ name: "a", table: "g", aggregate: { every, by, measures: MEASURES } }], more)
}

/** Pulls, and compares every group with those of the rows that Druid has. */
async function pullExactly(every: string, by: readonly string[] = ["page"]) {
  const pulled = await here.stage.pull()
  if (pulled.exitCode !== 0) throw new Error(`${pulled.stdout}\n${pulled.stderr}`)
  await expectGroups(here.stage, "a", { table: "g", every, by })
  return pulled
}

describe("an aggregate", () => {
  it.each([...EVERY])("by %s is what Druid's groups are", async (every) => {
    await load()
    config(every)
    await pullExactly(every)
    expect((await pullExactly(every)).rows).toBe(0)
  })

  it.each([...EVERY])("by %s follows late rows, overwritten days, compaction and drops", async (every) => {
    await load()
    config(every, ["page"], { deletions: "mirror", sliceRows: 10 })
    await pullExactly(every)
    await here.stage.world.append("a", dayOf("2024-01-31T05:00:00Z", 3, 9).slice(0, 1))
    await pullExactly(every)
    await here.stage.world.overwrite("a", dayOf("2024-02-01", 40, 5))
    await pullExactly(every)
    await here.stage.world.compact("a", "2024-01-01/2024-02-01", "MONTH")
    await pullExactly(every)
    await here.stage.world.append("a", daysOf(["2024-02-02", "2024-03-31"], 30))
    await pullExactly(every)
    await here.stage.world.markUnused("a", "2024-02-01/2024-02-02")
    await pullExactly(every)
    expect((await pullExactly(every)).rows).toBe(0)
  })
})

describe("a part of a bucket that Druid drops", () => {
  it("leaves the bucket as it was, with what is kept", async () => {
    await load()
    config("month", ["page"], { deletions: "keep" })
    await pullExactly("month")
    const january = () =>
      query(here.stage.out, "SELECT * FROM g WHERE __time < TIMESTAMP '2024-02-01' ORDER BY ALL")
    const before = await january()
    await here.stage.world.markUnused("a", "2024-01-30/2024-01-31")
    await here.stage.world.append("a", dayOf("2024-01-31T05:00:00Z", 3, 9).slice(0, 1))
    await here.stage.world.append("a", dayOf("2024-02-01T05:00:00Z", 3, 9).slice(0, 1))
    expect((await here.stage.pull()).exitCode).toBe(0)
    expect(await january()).toEqual(before)
    const states = await query(here.stage.out, "SELECT state FROM _sync_chunks ORDER BY start_ms")
    expect(states as unknown).toEqual([{ state: "kept" }, { state: "complete" }])
    expect((await here.stage.pull()).rows).toBe(0)
    expect((await verify()).exitCode).toBe(0)
  })
})

describe("other settings", () => {
  it("make whole buckets again, from rows, from shorter and from longer ones", async () => {
    await load()
    here.stage.config([{ name: "a", table: "g" }], { sliceRows: 7 })
    await here.stage.pull()
    for (const every of ["day", "hour", "month", "15 minutes"]) {
      config(every, ["page"], { sliceRows: 7 })
      await pullExactly(every)
    }
  })
})

describe("rows with several values", () => {
  const rows = [["a", "b"], ["b"], null, ["a", "b"]].map((tags, n) => ({
    __time: `2024-01-01T0${n}:00:00Z`,
    tags,
  }))

  it("are grouped as their list", async () => {
    await here.stage.world.create("a", rows as never, { columns: { tags: "string" } })
    here.stage.config([{ name: "a", aggregate: { every: "day", by: ["tags"] } }])
    expect((await here.stage.pull()).exitCode).toBe(0)
    expect(
      (await query(here.stage.out, "SELECT tags, _rows FROM a ORDER BY _rows, tags")) as unknown,
    ).toEqual([
      { tags: ["b"], _rows: 1n },
      { tags: null, _rows: 1n },
      { tags: ["a", "b"], _rows: 2n },
    ])
  })

  it("of an expression are an error that names it", async () => {
    await here.stage.world.create("a", rows as never, { columns: { tags: "string" } })
    here.stage.config([{ name: "a", aggregate: { every: "day", by: [{ loud: 'UPPER("tags")' }] } }])
    const { exitCode, stderr } = await here.stage.runner.run(here.stage.args())
    expect(exitCode).toBe(2)
    expect(stderr).toContain('"aggregate.by.loud" of datasource "a" gives several values for some rows')
  })
})

describe("groups of hashed values", () => {
  const salt = "pepper"
  const hashOf = (column: string) => `sha256('${salt}' || ${column})`
  const hashed = (hashSalt = salt) =>
    here.stage.config(
      [
        { name: "a", table: "plain", aggregate: { every: "day", by: ["page", "added"], measures: MEASURES } },
        {
          name: "a",
          table: "g",
          aggregate: { every: "day", by: ["page", "added"], measures: MEASURES },
          columns: { hash: ["page", "added"] },
        },
      ],
      { hashSalt },
    )

  it("are the groups of the plain ones, each under its hash; verify finds what was changed, and repairs it", async () => {
    await load()
    hashed()
    expect((await here.stage.pull()).exitCode).toBe(0)
    const differing = () =>
      query(
        here.stage.out,
        `SELECT count(*) AS n FROM (
           SELECT * REPLACE (${hashOf("page")} AS page, ${hashOf("added::VARCHAR")} AS added) FROM plain EXCEPT ALL SELECT * FROM g)`,
      )
    expect(await differing()).toEqual([{ n: 0n }])
    expect((await verify()).exitCode).toBe(0)
    await execute(here.stage.out, "UPDATE g SET page = repeat('0', 64) WHERE __time = TIMESTAMP '2024-01-31'")
    expect((await verify()).exitCode).toBe(1)
    expect((await verify("--repair")).exitCode).toBe(0)
    expect(await differing()).toEqual([{ n: 0n }])
  })

  it("are made again with another salt", async () => {
    await load()
    hashed()
    await here.stage.pull()
    hashed("other")
    const { report } = await here.stage.pull()
    expect(report.datasources.map((one) => one.rowsFetched > 0)).toEqual([false, true])
  })
})

describe("a group-by that Druid refuses as too big", () => {
  it("is cut in time down to one bucket; then the error names by", async () => {
    await load()
    config("hour")
    here.fake.hooks.beforeRequest = (kind) => (kind === "scan" ? reply(errors.resourceLimit()) : undefined)
    const { exitCode, stderr } = await here.stage.runner.run(here.stage.args())
    expect(exitCode).toBe(1)
    expect(stderr).toContain('take a column out of "by"')
  })
})

describe("what Druid does not accept", () => {
  it.each([
    [{ by: ["nothing"] }, '"aggregate.by.nothing" of datasource "a"'],
    [{ by: [{ x: "COUNT(*)" }] }, '"aggregate.by.x" of datasource "a"'],
    [{ measures: { x: 'UPPER("page")' } }, '"aggregate.measures.x" of datasource "a"'],
    [{ measures: { x: 'SUM("nothing")' } }, '"aggregate.measures.x" of datasource "a"'],
  ])("%j is named before anything is fetched", async (keys, words) => {
    await load()
    here.stage.config([{ name: "a", aggregate: { every: "hour", ...keys } }])
    const { exitCode, stderr } = await here.stage.runner.run(here.stage.args())
    expect(exitCode).toBe(2)
    expect(stderr).toContain(words)
    expect(here.fake.log.rowsFetched).toBe(0)
  })

  it("and days that are shared out, where a bucket has several", async () => {
    config("week")
    const { exitCode, stderr } = await here.stage.runner.run(here.stage.args("--shard", "1/2"))
    expect(exitCode).toBe(2)
    expect(stderr).toContain("--shard shares out days")
  })
})

function verify(...more: string[]) {
  return here.stage.runner.run([
    "verify",
    "--config",
    here.stage.configPath,
    "--out",
    here.stage.out,
    ...more,
  ])
}

describe("verify", () => {
  it("compares groups exactly, and repairs what differs", async () => {
    await load()
    config("hour")
    await here.stage.pull()
    expect((await verify()).exitCode).toBe(0)
    await execute(
      here.stage.out,
      "UPDATE g SET total = total + 1 WHERE __time = TIMESTAMP '2024-01-31 12:00:00'",
    )
    await execute(here.stage.out, "UPDATE g SET page = 'x' WHERE __time = TIMESTAMP '2024-02-01 12:00:00'")
    const found = await verify()
    expect(found.exitCode).toBe(1)
    expect(found.stdout).toContain("total")
    expect((await verify("--repair")).exitCode).toBe(0)
    await pullExactly("hour")
    expect((await verify()).exitCode).toBe(0)
  })

  it("takes a floating-point number within a billionth, and an estimate within a tenth, for equal", async () => {
    await load()
    config("day", [])
    await here.stage.pull()
    await execute(here.stage.out, "UPDATE g SET most = most * (1 + 1e-12), kinds = kinds + 1")
    const { exitCode, stdout } = await verify()
    expect(exitCode).toBe(0)
    expect(stdout).toContain("kinds")
    await execute(here.stage.out, "UPDATE g SET most = most * 1.001")
    expect((await verify()).exitCode).toBe(1)
    await execute(here.stage.out, "UPDATE g SET most = most / 1.001, kinds = kinds * 2")
    expect((await verify()).exitCode).toBe(1)
  })
})

describe("beside rows", () => {
  it("one datasource has both, each in its table", async () => {
    await load()
    const aggregate = { every: "day", by: ["page"], measures: MEASURES }
    here.stage.config([{ name: "a" }, { name: "a", table: "g", aggregate }])
    expect((await here.stage.pull()).exitCode).toBe(0)
    await here.stage.expectEqual("a")
    await expectGroups(here.stage, "a", { table: "g", every: "day", by: ["page"] })
  })
})

describe("plan", () => {
  it("asks for fewer groups at once where each has a sketch", async () => {
    await here.stage.world.create("a", daysOf(days, 6_000), { columns: COLUMNS })
    const plan = async (total: string) => {
      const aggregate = { every: "minute", by: ["page", "added"], measures: { total } }
      here.stage.config([{ name: "a", aggregate }])
      const args = ["plan", "--config", here.stage.configPath, "--out", here.stage.out, "--json"]
      return JSON.parse((await here.stage.runner.run(args)).stdout).datasources[0].slices as number
    }
    expect(await plan("COUNT(*)")).toBe(1)
    expect(await plan('APPROX_COUNT_DISTINCT("page")')).toBeGreaterThan(1)
  })

  it("tells how many groups the rows become, from a sample", async () => {
    await here.stage.world.create("a", daysOf(days, 6_000), { columns: COLUMNS })
    config("hour", [])
    const args = ["plan", "--config", here.stage.configPath, "--out", here.stage.out]
    const { stdout } = await here.stage.runner.run([...args, "--json"])
    expect(JSON.parse(stdout).datasources[0]).toMatchObject({ rows: 18_000, groups: 72 })
    expect((await here.stage.runner.run(args)).stdout).toContain("18,000 rows in 1 slice, about 72 groups")
  })
})
