/** A pull split across machines that never talk to each other: one file per shard, together exactly the datasource. */
import { describe, expect, it } from "bun:test"
import { existsSync } from "node:fs"
import { shareOf } from "../../src/base/shard.ts"
import type { VerifyReport } from "../../src/commands/verify/document.ts"
import { readTable } from "../support/conformance/duckdb.ts"
import { difference, Multiset } from "../support/conformance/rows.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import type { Stage } from "../support/conformance/stage.ts"
import type { IngestOptions } from "../support/conformance/world.ts"
import { useFake } from "./support.ts"

const here = useFake()
const SLOW_MS = 120_000

const month = (from: string, days: number) =>
  Array.from({ length: days }, (_, n) =>
    new Date(Date.parse(from) + n * 86_400_000).toISOString().slice(0, 10),
  )
const january = month("2024-01-01", 31)

function load(name: string, days: readonly string[], rows = 4, options: IngestOptions = {}): Promise<void> {
  return here.stage.world.create(name, daysOf(days, rows), { columns: COLUMNS, ...options })
}

/** A machine per shard, each with a file of its own. */
function machines(n: number, datasources: readonly string[], settings: Record<string, unknown> = {}) {
  return Array.from({ length: n }, (_, k) => {
    const stage = here.anotherStage()
    stage.config(datasources, settings)
    return { stage, flags: n === 1 ? [] : ["--shard", `${k + 1}/${n}`] }
  })
}

type Machines = ReturnType<typeof machines>

async function pullAll(all: Machines): Promise<void> {
  for (const { stage, flags } of all) await pull(stage, flags)
}

async function pull(stage: Stage, flags: readonly string[]) {
  const pulled = await stage.pull(...flags)
  if (pulled.exitCode !== 0) throw new Error(`exit ${pulled.exitCode}\n${pulled.stdout}\n${pulled.stderr}`)
  return pulled
}

/** The tables of all files, put together, are the datasource: no row lost, none there twice. */
async function expectWhole(all: Machines, datasource: string): Promise<void> {
  const truth = await here.stage.world.truth(datasource)
  const union = new Multiset()
  const none = new Multiset()
  for (const { stage } of all) {
    const { rows } = await readTable(stage.out, datasource)
    for (const [text, count] of rows.minus(none)) for (let k = 0; k < count; k++) union.add(text)
    await stage.expectTruthfulState(datasource)
  }
  const wrong = difference(union, truth.rows)
  if (wrong !== undefined) throw new Error(`${all.length} shards: ${wrong}`)
}

async function verify(stage: Stage, ...flags: string[]): Promise<VerifyReport> {
  const args = ["verify", "--config", stage.configPath, "--out", stage.out, "--json", ...flags]
  return JSON.parse((await stage.runner.run(args)).stdout) as VerifyReport
}

async function expectEqual(stage: Stage, ...flags: string[]): Promise<void> {
  const report = await verify(stage, ...flags)
  expect(report.datasources.flatMap((one) => [...one.different, ...one.skipped])).toEqual([])
  expect(report).toMatchObject({ outcome: "equal", exitCode: 0 })
}

const shareOfShard = (number: number, of: number, name: string) => shareOf({ number, of }, name)
const dayInterval = (day: string) => {
  const start = BigInt(Date.parse(day))
  return { start, end: start + 86_400_000n }
}
const isOwn = (day: string, number: number, of: number, name: string) =>
  shareOfShard(number, of, name)(dayInterval(day)) === "all"

describe("the files of all shards together", () => {
  for (const n of [1, 2, 4, 7]) {
    it(
      `are the datasources, of hours, days, months and years, with ${n} of them`,
      async () => {
        await load("hours", january.slice(0, 3), 24, { granularity: "HOUR" })
        await load("days", january)
        await load("months", month("2023-12-20", 50), 4, { granularity: "MONTH" })
        await load("years", [...month("1969-12-20", 20), ...january, "0001-01-01", "9999-12-31"], 3, {
          granularity: "YEAR",
        })
        const names = ["hours", "days", "months", "years"]
        const all = machines(n, names, { sliceRows: 1_000 })
        await pullAll(all)
        for (const name of names) await expectWhole(all, name)
        for (const { stage } of all) await expectEqual(stage)
      },
      SLOW_MS,
    )
  }

  it(
    "are so where segments are as long as time itself",
    async () => {
      const { world } = here.fake
      const rows = [...daysOf(january, 5), ...dayOf("9999-12-31", 5), ...dayOf("-000044-03-15", 5)]
      world.append("all", rows as never, {
        granularity: "ALL",
        columns: { page: "STRING", added: "LONG", ratio: "DOUBLE" },
      })
      world.settle("all")
      for (const sliceRows of [1_000_000, 1_000]) {
        const all = machines(3, ["all"], { sliceRows })
        here.fake.log.clear()
        await pullAll(all)
        await expectWhole(all, "all")
        // All of time is counted in two halves: some clusters take no query without a condition on time.
        const each = "columns segments segmentMetadata types counts counts scan segments"
        expect(here.fake.log.kinds).toBe([each, each, each].join(" "))
      }
    },
    SLOW_MS,
  )

  it(
    "are so when Druid compacts, adds and replaces between the pulls of two machines",
    async () => {
      await load("a", january)
      const all = machines(4, ["a"])
      const { world } = here.stage
      await pullAll(all.slice(0, 1))
      await world.compact("a", "2024-01-01/2024-02-01", "MONTH")
      await pullAll(all.slice(1, 2))
      await world.append("a", daysOf(["2024-01-03", "2024-01-20"], 3, 9), { granularity: "MONTH" })
      await pullAll(all.slice(2, 3))
      await world.compact("a", "2024-01-01/2024-02-01", "DAY")
      await world.overwrite("a", dayOf("2024-01-11", 9, 5))
      await pullAll(all.slice(3))
      // Whoever pulled before the late rows has the earlier state of its own days; the next pull brings all in line.
      await pullAll(all)
      await expectWhole(all, "a")
      for (const { stage } of all) await expectEqual(stage)
    },
    SLOW_MS,
  )

  it(
    "are so when nothing changed but the chunks: no pull after it brings a row that another has",
    async () => {
      await load("a", january)
      const all = machines(4, ["a"])
      const { world } = here.stage
      await pullAll(all.slice(0, 2))
      await world.compact("a", "2024-01-01/2024-02-01", "MONTH")
      await pullAll(all.slice(2))
      await expectWhole(all, "a")
      await pullAll(all.slice(0, 1))
      await expectWhole(all, "a")
      await world.compact("a", "2024-01-01/2024-02-01", "DAY")
      await world.compact("a", "2024-01-05/2024-01-09", "HOUR")
      await pullAll(all.slice(0, 3))
      await expectWhole(all, "a")
    },
    SLOW_MS,
  )

  it(
    "are so with a filter, a since, and deletions that are mirrored",
    async () => {
      await load("a", january)
      const all = machines(3, [], {})
      for (const { stage } of all)
        stage.config([
          { name: "a", filter: "\"page\" = 'Main' -- odd", since: "2024-01-05", deletions: "mirror" },
        ])
      await pullAll(all)
      await here.stage.world.compact("a", "2024-01-01/2024-02-01", "MONTH")
      await pullAll(all)
      const counts = await Promise.all(all.map(({ stage }) => readTable(stage.out, "a")))
      const truth = await here.stage.world.truth("a")
      expect(counts.reduce((sum, one) => sum + one.rows.size, 0)).toBeGreaterThan(0)
      expect(truth.rows.size).toBeGreaterThan(counts.reduce((sum, one) => sum + one.rows.size, 0))
      for (const { stage } of all) await expectEqual(stage, "--deep")
    },
    SLOW_MS,
  )
})

describe("a shard's next pull", () => {
  it("asks twice and fetches nothing where nothing is new, whatever the chunks are", async () => {
    await load("days", january)
    await load("months", january, 4, { granularity: "MONTH" })
    const [first] = machines(4, ["days", "months"])
    await pull(first!.stage, first!.flags)
    here.fake.log.clear()
    const { report } = await pull(first!.stage, first!.flags)
    expect(here.fake.log.kinds).toBe("columns segments")
    expect(report).toMatchObject({ requests: 2, rowsFetched: 0 })
  })

  it(
    "asks little where a long chunk has many days of others",
    async () => {
      await load("days", month("2020-01-01", 700), 2)
      await load("years", month("2020-01-01", 1_000), 2, { granularity: "YEAR" })
      await load("months", month("2020-01-01", 1_000), 2, { granularity: "MONTH" })
      const [first] = machines(4, ["days", "months", "years"])
      here.fake.log.clear()
      await pull(first!.stage, first!.flags)
      expect(here.fake.log.entries.length).toBeLessThan(30)
    },
    SLOW_MS,
  )

  it("fetches late rows of a day of its own, and none of another's", async () => {
    await load("a", january)
    const [first] = machines(4, ["a"])
    await pull(first!.stage, first!.flags)
    const own = january.find((day) => isOwn(day, 1, 4, "a"))!
    const foreign = january.find((day) => !isOwn(day, 1, 4, "a"))!
    await here.stage.world.append("a", dayOf(foreign, 3, 8))
    expect((await pull(first!.stage, first!.flags)).rows).toBe(0)
    await expectEqual(first!.stage)
    await here.stage.world.append("a", dayOf(own, 3, 9))
    expect((await pull(first!.stage, first!.flags)).rows).toBe(7)
    await expectEqual(first!.stage)
  })

  it("does the same within a chunk of a month, where it counts first", async () => {
    await load("a", january, 4, { granularity: "MONTH" })
    const [first] = machines(4, ["a"])
    await pull(first!.stage, first!.flags)
    const own = january.find((day) => isOwn(day, 1, 4, "a"))!
    const foreign = january.find((day) => !isOwn(day, 1, 4, "a"))!
    await here.stage.world.append("a", dayOf(foreign, 3, 8), { granularity: "MONTH" })
    expect((await pull(first!.stage, first!.flags)).rows).toBe(0)
    await expectEqual(first!.stage)
    await here.stage.world.append("a", dayOf(own, 3, 9), { granularity: "MONTH" })
    expect((await pull(first!.stage, first!.flags)).rows).toBeGreaterThan(0)
    await expectEqual(first!.stage)
  })

  it("does not touch its rows when a day of another is replaced inside of a month, and verify stays equal", async () => {
    await load("a", january, 4, { granularity: "MONTH" })
    const [first] = machines(4, ["a"])
    await pull(first!.stage, first!.flags)
    const foreign = january.slice(5).find((day) => !isOwn(day, 1, 4, "a"))!
    await here.stage.world.overwrite("a", dayOf(foreign, 3, 8), { granularity: "DAY" })
    await expectEqual(first!.stage)
    expect((await pull(first!.stage, first!.flags)).rows).toBe(0)
    await expectEqual(first!.stage)
  })
})

describe("what Druid dropped", () => {
  for (const granularity of ["DAY", "MONTH"] as const) {
    it(
      `is kept by the shard that has it, and taken out where drops are mirrored: chunks of a ${granularity}`,
      async () => {
        await load("a", month("2024-01-01", 60), 4, { granularity })
        const keeping = machines(3, ["a"])
        const mirroring = machines(3, ["a"], { deletions: "mirror" })
        await pullAll([...keeping, ...mirroring])
        await here.stage.world.markUnused("a", "2024-01-01/2024-02-01")
        await pullAll([...keeping, ...mirroring])
        await expectWhole(mirroring, "a")
        let kept = 0
        for (const { stage, flags } of keeping) {
          kept += (await readTable(stage.out, "a")).rows.size
          await stage.expectTruthfulState("a")
          const report = await verify(stage)
          expect(report).toMatchObject({ outcome: "equal", exitCode: 0 })
          here.fake.log.clear()
          await pull(stage, flags)
          expect(here.fake.log.kinds).toBe("columns segments")
        }
        expect(kept).toBe(60 * 4)
      },
      SLOW_MS,
    )
  }
})

describe("a Druid that does not show its segments", () => {
  it(
    "is shared by days all the same",
    async () => {
      here.fake.segments = "forbidden"
      await load("a", january, 4, { granularity: "MONTH" })
      const all = machines(3, ["a"])
      await pullAll(all)
      await expectWhole(all, "a")
      await here.stage.world.append("a", dayOf("2024-01-12", 3, 9), { granularity: "MONTH" })
      await pullAll(all)
      await expectWhole(all, "a")
    },
    SLOW_MS,
  )
})

describe("verify on the file of a shard", () => {
  for (const flags of [[], ["--deep"]]) {
    it(
      `finds a row that was lost, and one of another's day, and repairs both ${flags.join("")}`,
      async () => {
        await load("a", january, 4, { granularity: "MONTH" })
        const [first] = machines(4, ["a"])
        await pull(first!.stage, first!.flags)
        const { execute } = await import("../support/conformance/duckdb.ts")
        const own = january.find((day) => isOwn(day, 1, 4, "a"))!
        const foreign = january.find((day) => !isOwn(day, 1, 4, "a"))!
        await execute(
          first!.stage.out,
          `DELETE FROM a WHERE "__time" = TIMESTAMP '${own}'`,
          `INSERT INTO a ("__time", page) VALUES (TIMESTAMP '${foreign}', 'stray')`,
        )
        expect(await verify(first!.stage, ...flags)).toMatchObject({ outcome: "different", exitCode: 1 })
        expect(await verify(first!.stage, "--repair", ...flags)).toMatchObject({
          outcome: "equal",
          exitCode: 0,
        })
        await expectEqual(first!.stage, "--deep")
      },
      SLOW_MS,
    )
  }
})

describe("--shard", () => {
  for (const text of ["0/4", "5/4", "x", "1/0", "1", "1/4/4", "1/100000", "-1/4", "1.5/4"]) {
    it(`refuses ${text} before any request, with the form that it takes`, async () => {
      here.stage.config(["a"])
      here.fake.log.clear()
      for (const command of ["pull", "plan"]) {
        const args = [command, "--config", here.stage.configPath, "--out", here.stage.out, `--shard=${text}`]
        const result = await here.stage.runner.run(args)
        expect(result.exitCode).toBe(2)
        expect(result.stderr).toContain(`--shard "${text}" is not a share`)
        expect(result.stderr).toContain("1/4, 2/4, 3/4 and 4/4")
      }
      expect(here.fake.log.entries).toEqual([])
      expect(existsSync(here.stage.out)).toBe(false)
    })
  }

  it("is everything as 1/1", async () => {
    await load("a", january.slice(0, 3))
    here.stage.config(["a"])
    await here.stage.pullExactly("--shard", "1/1")
    expect((await here.stage.pullExactly()).rows).toBe(0)
  })

  it("is refused on a file that holds another shard, or all days, and asks for no rows then", async () => {
    await load("a", january)
    here.stage.config(["a"])
    await pull(here.stage, ["--shard", "2/4"])
    here.fake.log.clear()
    const before = await readTable(here.stage.out, "a")
    for (const flags of [
      ["--shard", "1/4"],
      ["--shard", "2/5"],
      [],
      ["--shard", "1/4", "--full", "--since", "2024-01-02"],
    ]) {
      for (const command of ["pull", "plan"]) {
        const result = await here.stage.runner.run([command, ...here.stage.args(...flags).slice(1)])
        expect(result.exitCode).toBe(2)
        expect(result.stderr).toContain('holds shard 2/4 of "a"')
        expect(result.stderr).toContain("another --out")
        expect(result.stderr).toContain("--full")
      }
    }
    expect(here.fake.log.entries.filter(({ kind }) => kind !== "columns" && kind !== "segments")).toEqual([])
    expect(difference((await readTable(here.stage.out, "a")).rows, before.rows)).toBeUndefined()
    const whole = here.anotherStage()
    whole.config(["a"])
    await whole.pullExactly()
    const refused = await whole.runner.run(whole.args("--shard", "2/4"))
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain('holds all days of "a"')
    await whole.pullExactly()
  })

  it("gives a datasource without a day of the shard its empty table, once", async () => {
    await load("a", january)
    await load("b", january.slice(0, 1))
    const idle = [1, 2, 3, 4].find((number) => !isOwn("2024-01-01", number, 4, "b"))!
    here.stage.config(["a", "b"])
    await pull(here.stage, ["--shard", `${idle}/4`])
    const table = await readTable(here.stage.out, "b")
    expect(table.rows.size).toBe(0)
    expect(table.columns.map((column) => column.name)).toContain("page")
    await expectEqual(here.stage)
    const { report } = await pull(here.stage, ["--shard", `${idle}/4`])
    expect(report).toMatchObject({ requests: 2, rowsFetched: 0 })
  })

  it(
    "becomes another one with --full, and no row of the old one stays",
    async () => {
      await load("a", january)
      await load("b", january, 4, { granularity: "MONTH" })
      const all = machines(4, ["a", "b"])
      await pullAll(all)
      await here.stage.world.compact("a", "2024-01-10/2024-02-01", "MONTH").catch(() => undefined)
      const [first, second] = all
      const only = await first!.stage.runner.run(first!.stage.args("--shard", "2/4", "--full", "--only", "a"))
      expect(only.exitCode).toBe(2)
      await pull(first!.stage, ["--shard", "2/4", "--full"])
      await pull(second!.stage, ["--shard", "1/4", "--full"])
      for (const name of ["a", "b"]) await expectWhole(all, name)
      await pull(first!.stage, ["--full"])
      for (const name of ["a", "b"]) await first!.stage.expectEqual(name)
      await pull(first!.stage, ["--full", "--shard", "1/4"])
      await pull(second!.stage, ["--full", "--shard", "2/4"])
      for (const name of ["a", "b"]) await expectWhole(all, name)
    },
    SLOW_MS,
  )

  it("is shown by status, in words and as JSON", async () => {
    await load("a", january)
    here.stage.config(["a"])
    await pull(here.stage, ["--shard", "3/4"])
    const words = await here.stage.runner.run(["status", "--out", here.stage.out])
    expect(words.stdout).toContain("a: shard 3/4")
    const json = await here.stage.runner.run(["status", "--out", here.stage.out, "--json"])
    expect(JSON.parse(json.stdout).datasources[0]).toMatchObject({ shard: "3/4", status: "complete" })
  })
})
