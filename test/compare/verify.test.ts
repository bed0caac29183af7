import { describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { Bench, datasource } from "../pull/support.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { check, differences, fill, type Given, NAME, skips, TABLE, tamper } from "./support.ts"

const SLOW = 30_000
const DAYS = ["2020-01-01", "2020-01-02", "2020-01-03"]
const settings = datasource(NAME)

let fake: FakeDruid
let bench: Bench
onFake(Bench, (one, own) => {
  fake = one
  bench = own
})

async function pulled(days: readonly string[] = DAYS): Promise<void> {
  fill(fake.world, days)
  expect((await bench.pull([settings])).exitCode).toBe(0)
}

const MODES: readonly [string, Given][] = [
  ["fingerprints", {}],
  ["rows", { deep: true }],
]
/** The second day's rows, without an order of their own: the one with this `words` is unique in its day. */
const row = (i: number) => `"__time"::DATE = DATE '2020-01-02' AND list_contains(words, 'y${i}')`

for (const [mode, given] of MODES) {
  describe(`a copy compared by ${mode}`, () => {
    it(
      "is equal right after a pull, whatever the types, and exits with 0",
      async () => {
        await pulled()
        const report = await check(bench, [settings], given)
        expect(differences(report)).toEqual([])
        expect(report).toMatchObject({ mode, outcome: "equal", exitCode: 0 })
        expect(report.datasources[0]).toMatchObject({ compared: 3, equal: 3, rows: 60, skipped: [] })
        expect(report.datasources[0]!.matches).toHaveLength(3)
      },
      SLOW,
    )

    const changes: readonly [string, string, string][] = [
      ["an integer that is one too great", `n = n + 1 WHERE ${row(7)}`, "n"],
      ["a bit of a double", `d = d + 1e-12 WHERE ${row(5)} AND d IS NOT NULL`, "d"],
      // DuckDB leaves a value alone that equals the new one, as -0.0 equals 0.0: hence two steps.
      ["0.0 in place of -0.0", `d = 1.0 WHERE ${row(4)};d = 0.0 WHERE ${row(4)}`, "d"],
      [
        "infinity of the other sign",
        `d = '-Infinity' WHERE "__time"::DATE = DATE '2020-01-02' AND list_contains(doubles, 8.0)`,
        "d",
      ],
      [
        "NULL in place of an empty text",
        `s = NULL WHERE "__time"::DATE = DATE '2020-01-02' AND list_contains(doubles, 3.0)`,
        "s",
      ],
      ["an empty text in place of NULL", `s = '' WHERE ${row(5)}`, "s"],
      ["a text of the same length", `s = replace(s, '😀', '😁') WHERE ${row(7)}`, "s"],
      ["one value of several", `tags = ['a', 'b0'] WHERE ${row(9)}`, "tags"],
      ["an empty list in place of NULL", `longs = NULL WHERE ${row(7)}`, "longs"],
      ["a number within JSON", `j = replace(j::VARCHAR, '[8', '[9')::JSON WHERE ${row(8)}`, "j"],
      ["a byte of a sketch", `sketch = 'x'::BLOB WHERE ${row(9)}`, "sketch"],
      ["a float", `f = f + 1 WHERE ${row(7)}`, "f"],
      ["a millisecond", `"__time" = "__time" + INTERVAL 1 MILLISECOND WHERE ${row(7)}`, "__time"],
    ]
    it(
      "shows the column of every change, however small",
      async () => {
        await pulled()
        const clean = readFileSync(bench.path)
        const told: Record<string, string[]> = {}
        for (const [name, change] of changes) {
          writeFileSync(bench.path, clean)
          await tamper(bench, ...change.split(";").map((one) => `UPDATE file.${TABLE} SET ${one}`))
          const report = await check(bench, [settings], given)
          told[name] = [...differences(report), report.datasources[0]!.outcome, String(report.exitCode)]
        }
        expect(told).toEqual(
          Object.fromEntries(
            changes.map(([name, , column]) => [name, [`* 2020-01-02 ${column}`, "different", "1"]]),
          ),
        )
      },
      4 * SLOW,
    )

    it(
      "shows a row that is gone and one that is there twice, as numbers of rows",
      async () => {
        await pulled()
        await tamper(
          bench,
          `DELETE FROM file.${TABLE} WHERE ${row(7)}`,
          `INSERT INTO file.${TABLE} SELECT * REPLACE ("__time" + INTERVAL 1 DAY AS "__time") FROM file.${TABLE} WHERE ${row(8)}`,
        )
        const { datasources } = await check(bench, [settings], given)
        expect(datasources[0]!.different.map((one) => [one.mark, one.druidRows, one.duckdbRows])).toEqual([
          ["*", 20, 19],
          ["*", 20, 21],
        ])
      },
      SLOW,
    )

    it(
      "shows a day that only Druid has, one that only DuckDB has, and rows that no checkpoint covers",
      async () => {
        await pulled()
        fake.world.append(NAME, [{ __time: "2020-02-01", n: 1n }])
        fake.world.settle(NAME)
        await bench.pull([settings])
        await tamper(
          bench,
          `DELETE FROM file.${TABLE} WHERE "__time"::DATE = DATE '2020-01-02'`,
          `INSERT INTO file.${TABLE} ("__time") VALUES ('2031-01-01'), (NULL)`,
        )
        const { datasources } = await check(bench, [settings], given)
        const told = datasources[0]!.different.map(({ mark, interval, druidRows, duckdbRows }) => [
          mark,
          interval.slice(0, 10),
          druidRows,
          duckdbRows,
        ])
        expect(told.slice(0, 1)).toEqual([["+", "2020-01-02", 20, 0]])
        expect(told.slice(1)).toContainEqual(["-", "2031-01-01", 0, 1])
        expect(told.slice(1)).toContainEqual(["-", "", 0, 1])
      },
      SLOW,
    )

    it(
      "shows values that are swapped between two rows, of different times and of one millisecond",
      async () => {
        await pulled()
        const swap = (a: number, b: number, column: string) =>
          `UPDATE file.${TABLE} t SET ${column} = (SELECT o.${column} FROM file.${TABLE} o WHERE o."__time"::DATE = DATE '2020-01-02' AND list_contains(o.words, CASE WHEN list_contains(t.words, 'y${a}') THEN 'y${b}' ELSE 'y${a}' END)) WHERE ${row(a)} OR ${row(b)}`
        await tamper(bench, swap(7, 9, "n"))
        expect(differences(await check(bench, [settings], given))).toEqual(["* 2020-01-02 n"])
        await tamper(bench, swap(7, 9, "n"), swap(8, 9, "s"))
        const report = await check(bench, [settings], given)
        expect(differences(report)).toEqual(["* 2020-01-02"])
        expect(report.datasources[0]!.different[0]!.note).toContain("one millisecond")
      },
      SLOW,
    )

    it(
      "obeys columns and filter, and says that a pull is due when they change",
      async () => {
        fill(fake.world, DAYS)
        const some = datasource(NAME, {
          columns: { include: ["__time", "s", "n"], exclude: [] },
          filter: '"n" > 9 -- more',
        })
        await bench.pull([some])
        const [{ rows } = { rows: 0 }] = (await check(bench, [some], given)).datasources
        expect(rows).toBeGreaterThan(0)
        expect(rows).toBeLessThan(60)
        const report = await check(bench, [settings], given)
        expect(skips(report)).toEqual(DAYS.map((day) => `settings ${day}`))
        expect(report).toMatchObject({ outcome: "incomplete", exitCode: 3 })
      },
      SLOW,
    )

    it(
      "writes nothing",
      async () => {
        await pulled()
        const digest = () => createHash("sha256").update(readFileSync(bench.path)).digest("hex")
        await tamper(bench, `DELETE FROM file.${TABLE} WHERE ${row(7)}`)
        const before = digest()
        await check(bench, [settings], given)
        expect(digest()).toBe(before)
      },
      SLOW,
    )

    it(
      "repairs what differs: fetches those stretches alone, and compares them again",
      async () => {
        await pulled()
        await tamper(
          bench,
          `UPDATE file.${TABLE} SET n = 0 WHERE ${row(7)}`,
          `DELETE FROM file.${TABLE} WHERE "__time"::DATE = DATE '2020-01-03'`,
          `INSERT INTO file.${TABLE} ("__time") VALUES ('2031-01-01')`,
        )
        fake.log.clear()
        const report = await check(bench, [settings], { ...given, repair: true })
        expect(report).toMatchObject({ outcome: "equal", exitCode: 0 })
        expect(report.datasources[0]!.repaired.map((one) => [one.mark, one.interval.slice(0, 10)])).toEqual([
          ["*", "2020-01-02"],
          ["+", "2020-01-03"],
          ["-", "2031-01-01"],
        ])
        if (!given.deep) expect(fake.log.rowsFetched).toBe(40)
        expect((await check(bench, [settings], { deep: true })).exitCode).toBe(0)
        const state = [...(await bench.state()).held.values()].find((one) => one.datasource === NAME)!
        expect(state.parts.map((part) => part.state)).toEqual(["complete", "complete", "complete"])
      },
      SLOW,
    )
  })
}

describe("rows, compared one by one", () => {
  it(
    "are fetched slice by slice and shown where they differ",
    async () => {
      await pulled()
      await tamper(bench, `UPDATE file.${TABLE} SET s = 'other' WHERE ${row(8)}`)
      fake.log.clear()
      const report = await check(bench, [settings], { deep: true, sliceRows: 20 })
      // three slices, and the differing one a second time
      expect(fake.log.count("scan")).toBe(4)
      const [different] = report.datasources[0]!.different
      expect(different!.examples.map(({ only, times, row }) => [only, times, row.s])).toEqual([
        ["duckdb", 1, "other"],
        ["druid", 1, "text 8 é 数 😀"],
      ])
    },
    SLOW,
  )

  it(
    "see what fingerprints say they do not: the second number of a list of doubles",
    async () => {
      await pulled()
      await tamper(bench, `UPDATE file.${TABLE} SET doubles = [doubles[1], 3.0] WHERE ${row(8)}`)
      const cheap = await check(bench, [settings])
      expect(cheap.exitCode).toBe(0)
      expect(cheap.datasources[0]!.partlyCompared).toEqual(["doubles"])
      const deep = await check(bench, [settings], { deep: true })
      expect(differences(deep)).toEqual(["* 2020-01-02 doubles"])
      expect(deep.datasources[0]!.partlyCompared).toEqual([])
    },
    SLOW,
  )
})

describe("what cannot be compared", () => {
  it(
    "is told with its reason, and never counted as equal",
    async () => {
      await pulled(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04", "2020-01-05"])
      fake.world.overwrite(NAME, "2020-01-02/2020-01-03", [{ __time: "2020-01-02", n: 1n }])
      fake.world.setAvailable(NAME, "2020-01-03/2020-01-04", false)
      fake.world.markUnused(NAME, "2020-01-04/2020-01-05")
      fake.world.append(NAME, [{ __time: "2020-01-06", n: 1n }])
      const report = await check(bench, [settings])
      expect(skips(report)).toEqual([
        "changed 2020-01-02",
        "unavailable 2020-01-03",
        "dropped 2020-01-04",
        "missing 2020-01-06",
      ])
      expect(report).toMatchObject({ outcome: "incomplete", exitCode: 3 })
      expect(report.datasources[0]).toMatchObject({ compared: 2, equal: 2 })
    },
    SLOW,
  )

  it(
    "by intention, since it is kept, realtime or cold, is told and does not touch the exit code",
    async () => {
      await pulled()
      fake.world.markUnused(NAME, "2020-01-01/2020-01-02")
      fake.world.stream(NAME, [{ __time: "2020-01-09T01:10", n: 1n }])
      await bench.pull([settings])
      fake.world.setCold(NAME, "2020-01-02/2020-01-03", true)
      const report = await check(bench, [settings])
      expect(skips(report)).toEqual(["kept 2020-01-01", "cold 2020-01-02", "realtime 2020-01-09"])
      expect(report).toMatchObject({ outcome: "equal", exitCode: 0 })
    },
    SLOW,
  )

  it(
    "is what changes in Druid while it is compared",
    async () => {
      await pulled()
      fake.hooks.afterRequest = (request) => {
        if (request.kind !== "histogram" && request.kind !== "aggregate") return
        delete fake.hooks.afterRequest
        fake.world.overwrite(NAME, "2020-01-02/2020-01-03", [{ __time: "2020-01-02", n: 1n }])
        fake.world.settle(NAME)
      }
      const report = await check(bench, [settings])
      expect(skips(report)).toEqual(["moved 2020-01-02"])
      expect(report.datasources[0]).toMatchObject({ compared: 2, equal: 2 })
      expect(report.exitCode).toBe(3)
    },
    SLOW,
  )

  it(
    "for a moment is compared again: a server that was away for one answer makes no difference",
    async () => {
      await pulled()
      const day = "2020-01-02/2020-01-03"
      fake.hooks.beforeRequest = (kind, n) => {
        if (kind === "histogram" && n === 1) fake.world.setAvailable(NAME, day, false)
      }
      fake.hooks.afterRequest = () => fake.world.setAvailable(NAME, day, true)
      const report = await check(bench, [settings])
      expect(report).toMatchObject({ outcome: "equal", exitCode: 0 })
      expect(report.datasources[0]).toMatchObject({ compared: 3, equal: 3, skipped: [] })
      // the first answer lacked the day: without a second one it would differ
      expect(fake.log.count("histogram") + fake.log.count("aggregate")).toBe(2)
    },
    SLOW,
  )

  it(
    "is what another run pulls meanwhile",
    async () => {
      await pulled()
      fake.hooks.beforeRequest = async (kind, n) => {
        if (kind !== "histogram" || n !== 1) return
        await tamper(bench, `UPDATE file._sync_chunks SET rows = 21 WHERE "interval" LIKE '2020-01-02%'`)
      }
      const report = await check(bench, [settings])
      expect(skips(report)).toEqual(["moved 2020-01-02"])
    },
    SLOW,
  )

  it(
    "is what Druid itself does not count as its metadata promises: a server that lost rows is no difference",
    async () => {
      await pulled()
      fake.world.setReportedRows(NAME, "2020-01-02/2020-01-03", 25)
      await tamper(bench, `DELETE FROM file.${TABLE} WHERE ${row(7)}`)
      const report = await check(bench, [settings])
      expect(skips(report)).toEqual(["doubtful 2020-01-02"])
      expect(report.exitCode).toBe(3)
    },
    SLOW,
  )

  it(
    "a datasource that Druid lists no segment of is refused with 4, one that was never pulled is incomplete",
    async () => {
      await pulled()
      fake.world.deleteDatasource(NAME)
      const gone = await check(bench, [settings])
      expect(gone).toMatchObject({ outcome: "failed", exitCode: 4 })
      expect(gone.datasources[0]!.error).toMatchObject({ code: "unknown-datasource" })
      expect(await check(bench, [datasource("mistyped")])).toMatchObject({ outcome: "failed", exitCode: 4 })
      fake.world.append("never", [{ __time: "2020-01-01" }])
      const never = await check(bench, [datasource("never")])
      expect(never).toMatchObject({ outcome: "failed", exitCode: 3 })
    },
    SLOW,
  )

  it(
    "a file that is not there is an error of usage",
    async () => {
      fill(fake.world, DAYS)
      expect(check(bench, [settings])).rejects.toMatchObject({ code: "file", exitCode: 2 })
    },
    SLOW,
  )
})

describe("the cost", () => {
  it(
    "is one query for many chunks, and no row is fetched",
    async () => {
      const days = Array.from({ length: 60 }, (_, i) =>
        new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10),
      )
      fill(fake.world, days, 2)
      await bench.pull([settings])
      fake.log.clear()
      const report = await check(bench, [settings])
      expect(report.datasources[0]).toMatchObject({ compared: 60, equal: 60 })
      expect(fake.log.count("scan")).toBe(0)
      expect(fake.log.rowsFetched).toBe(0)
      expect(fake.log.count("histogram")).toBe(1)
      expect(fake.log.entries.length).toBeLessThanOrEqual(6)
    },
    SLOW,
  )

  it(
    "of a sample is that of the chunks in it, and the seed says which",
    async () => {
      await pulled(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04", "2020-01-05"])
      const sample = { kind: "chunks" as const, value: 2 }
      const report = await check(bench, [settings], { sample, seed: "x" })
      expect(report.sample).toEqual({ ...sample, seed: "x" })
      expect(report.datasources[0]).toMatchObject({ compared: 2, notSampled: 3 })
      const again = await check(bench, [settings], { sample, seed: "x" })
      expect(again.datasources[0]!.matches).toEqual(report.datasources[0]!.matches)
    },
    SLOW,
  )

  it(
    "of a window is that of the rows in it, checkpoints cut where it begins",
    async () => {
      await pulled()
      await tamper(bench, `UPDATE file.${TABLE} SET n = 0 WHERE ${row(1)}`)
      const noon = BigInt(Date.UTC(2020, 0, 2)) + 1n
      const report = await check(bench, [settings], { sinceMs: noon })
      expect(report.exitCode).toBe(0)
      expect(report.datasources[0]).toMatchObject({ compared: 2, rows: 38 })
    },
    SLOW,
  )

  it(
    "is spread over smaller queries where Druid refuses a big one",
    async () => {
      await pulled()
      const { errors, reply } = await import("../support/fake-druid/fake-druid.ts")
      fake.hooks.beforeRequest = (kind, n) => {
        if (kind === "histogram" && n === 1) return reply(errors.resourceLimit())
      }
      const report = await check(bench, [settings])
      expect(report).toMatchObject({ outcome: "equal", exitCode: 0 })
      expect(report.datasources[0]).toMatchObject({ compared: 3, equal: 3 })
    },
    SLOW,
  )
})
