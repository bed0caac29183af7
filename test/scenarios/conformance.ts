/**
 * What must hold on every Druid: scenarios over an abstract `World`, played on the fake by `conformance.test.ts` and on
 * the real one by `test/live`. Each pull that exits 0 is followed by a comparison of every row and of the file's own
 * tables (`Stage.pullExactly`).
 */
import { expect } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { query, readTable } from "../support/conformance/duckdb.ts"
import { expectGroups, MEASURES } from "../support/conformance/groups.ts"
import { COLUMNS, crowd, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import type { Stage } from "../support/conformance/stage.ts"
import type { InputRow } from "../support/conformance/world.ts"

export interface Scenario {
  readonly name: string
  /** takes servers down: no other scenario may run on the same Druid meanwhile */
  readonly alone?: boolean
  play(stage: Stage): Promise<void>
}

const days = ["2024-01-01", "2024-01-02", "2024-01-03"]

export const scenarios: readonly Scenario[] = [
  {
    name: "copies everything, then nothing, then just what is new",
    async play(stage) {
      const { world } = stage
      const ds = world.name("growing")
      await world.create(ds, daysOf(days, 40), { columns: COLUMNS })
      stage.config([ds])
      expect((await stage.pullExactly()).rows).toBe(120)
      expect((await stage.pullExactly()).rows).toBe(0)

      await world.append(ds, daysOf(["2024-01-04", "2024-01-05"], 30))
      expect((await stage.pullExactly()).rows).toBe(60)

      const [state] = await query(
        stage.out,
        "SELECT cursor::VARCHAR AS cursor, status, rows FROM _sync_state",
      )
      expect(state as unknown).toEqual({ cursor: "2024-01-05 23:12:00", status: "complete", rows: 180n })
      const runs = await query(
        stage.out,
        "SELECT outcome, rows_fetched::INTEGER AS fetched FROM _sync_runs ORDER BY started",
      )
      expect(runs).toEqual([120, 0, 60].map((fetched) => ({ outcome: "complete", fetched })))
    },
  },
  ...["hour", "day", "month", "all"].map(
    (every): Scenario => ({
      name: `keeps groups by ${every} exact: new and late rows, overwritten days, compaction, drops`,
      async play(stage) {
        const { world } = stage
        const ds = world.name(`groups ${every}`)
        await world.create(ds, daysOf(days, 40), { columns: COLUMNS })
        const aggregate = { every, by: ["page"], measures: MEASURES }
        stage.config([{ name: ds, table: "g", aggregate }], { deletions: "mirror" })
        const pull = async () => {
          const { exitCode, rows, stderr } = await stage.pull()
          if (exitCode !== 0) throw new Error(stderr)
          await expectGroups(stage, ds, { table: "g", every, by: ["page"] })
          return rows
        }
        expect(await pull()).toBeGreaterThan(0)
        expect(await pull()).toBe(0)
        await world.append(ds, dayOf("2024-01-02T05:00:00Z", 3, 9).slice(0, 1))
        await world.append(ds, daysOf(["2024-02-03"], 30))
        expect(await pull()).toBeGreaterThan(0)
        await world.overwrite(ds, dayOf("2024-01-03", 40, 5))
        await world.compact(ds, "2024-01-01/2024-02-01", "MONTH")
        await pull()
        await world.markUnused(ds, "2024-02-03/2024-02-04")
        await pull()
        expect(await pull()).toBe(0)
      },
    }),
  ),
  {
    name: "finds late rows in old days and fetches those days alone",
    async play(stage) {
      const { world } = stage
      const ds = world.name("late")
      await world.create(ds, daysOf(days, 40), { columns: COLUMNS })
      stage.config([ds])
      await stage.pullExactly()
      await world.append(ds, dayOf("2024-01-02T05:00:00Z", 3, 9).slice(0, 1))
      const { rows, report } = await stage.pullExactly()
      expect(rows).toBeGreaterThan(0)
      expect(rows).toBeLessThanOrEqual(stage.isDirect ? 1 : 41)
      if (stage.isDirect) expect(report.datasources[0]).toMatchObject({ rowsPastBroker: 1, rowsDeleted: 0 })
    },
  },
  {
    name: "replaces an overwritten day, also where the new rows are as many as the old ones",
    async play(stage) {
      const { world } = stage
      const ds = world.name("overwritten")
      await world.create(ds, daysOf(days, 40), { columns: COLUMNS })
      stage.config([ds])
      await stage.pullExactly()
      await world.overwrite(ds, dayOf("2024-01-02", 40, 5))
      expect((await stage.pullExactly()).rows).toBe(40)
      await world.overwrite(ds, dayOf("2024-01-01", 7, 6))
      const { rows, report } = await stage.pullExactly()
      expect(rows).toBe(7)
      expect(report.datasources[0]!.rowsDeleted).toBe(40)
    },
  },
  {
    name: "keeps a day of which partitions are missing, says so everywhere, and copies it again once it is whole",
    async play(stage) {
      const { world } = stage
      const ds = world.name("broken")
      await world.create(ds, daysOf(days, 40), { columns: COLUMNS })
      // Of the list's own shard specs, those of the first two partitions, none is left.
      await world.overwrite(ds, dayOf("2024-01-02", 40, 5), { partitions: 4 })
      stage.config([ds])
      await stage.pullExactly()
      await world.breakChunk(ds, "2024-01-02/2024-01-03", [0, 1])
      const sentence =
        /2024-01-02T00:00:00.000Z\/2024-01-03T00:00:00.000Z: partitions 0, 1 of \d are not among/
      const pulled = await stage.pull("--settle-wait", "1h")
      expect(pulled).toMatchObject({ exitCode: 0, rows: 0, stderr: expect.stringMatching(sentence) })
      expect(pulled.report.datasources[0]).toMatchObject({ rows: 120, keptRows: 40, incomplete: [] })
      const page = join(stage.folder, "page.html")
      const asked = ["--config", stage.configPath, "--out", stage.out]
      for (const words of [
        ["plan", ...asked],
        ["check", ...asked],
        ["status", "--out", stage.out],
      ])
        expect(await stage.runner.run(words)).toMatchObject({
          exitCode: 0,
          stdout: expect.stringMatching(sentence),
        })
      await stage.runner.run(["report", "--out", stage.out, "--to", page])
      expect(readFileSync(page, "utf8")).toMatch(/partitions 0, 1 of \d are not among/)
      await world.overwrite(ds, dayOf("2024-01-02", 30, 6), { partitions: 4 })
      expect((await stage.pullExactly()).rows).toBe(30)
    },
  },
  {
    name: "stays exact when days are compacted into a month and back",
    async play(stage) {
      const { world } = stage
      const ds = world.name("compacted")
      await world.create(ds, daysOf(["2024-01-01", "2024-01-20", "2024-02-01"], 20), { columns: COLUMNS })
      stage.config([ds])
      await stage.pullExactly()
      await world.compact(ds, "2024-01-01/2024-02-01", "MONTH")
      await stage.pullExactly()
      await world.append(ds, dayOf("2024-01-10", 5, 3), { granularity: "MONTH" })
      await stage.pullExactly()
      await world.compact(ds, "2024-01-01/2024-02-01", "DAY")
      await stage.pullExactly()
      expect((await stage.pullExactly()).rows).toBe(0)
    },
  },
  {
    name: "keeps what retention drops by default, and drops it too with mirror",
    async play(stage) {
      const { world } = stage
      const [kept, mirrored] = [world.name("kept"), world.name("mirrored")]
      for (const ds of [kept, mirrored]) await world.create(ds, daysOf(days, 20), { columns: COLUMNS })
      const datasources = [
        { name: kept, table: "kept" },
        { name: mirrored, table: "mirrored", deletions: "mirror" },
      ]
      stage.config(datasources)
      await stage.pullExactly()
      for (const ds of [kept, mirrored]) await world.markUnused(ds, "2024-01-01/2024-01-02")
      const pulled = await stage.pull()
      expect(pulled.exitCode).toBe(0)
      expect(pulled.rows).toBe(0)
      await stage.expectEqual(datasources[1]!)
      const table = await readTable(stage.out, "kept")
      expect(table.rows.size).toBe(60)
      expect(pulled.report.datasources[0]!.keptRows).toBe(20)
      await stage.expectTruthfulState(kept)
    },
  },
  {
    name: "never deletes a datasource that is gone, and copies it anew when it is re-created",
    async play(stage) {
      const { world } = stage
      const ds = world.name("recreated")
      const datasource = { name: ds, table: "t", deletions: "mirror" }
      await world.create(ds, daysOf(days, 20), { columns: COLUMNS })
      stage.config([datasource])
      await stage.pullExactly()
      await world.markUnused(ds)
      const refused = await stage.pull()
      expect(refused.exitCode).toBe(4)
      expect(refused.report.datasources[0]!.error!.code).toBe("unknown-datasource")
      expect((await readTable(stage.out, "t")).rows.size).toBe(60)
      await world.create(ds, daysOf(["2024-01-02", "2024-01-07"], 15, 4), { columns: COLUMNS })
      await stage.pullExactly()
    },
  },
  {
    name: "keeps rows of one millisecond together and identical rows apart, with slices far smaller than the crowd",
    async play(stage) {
      const { world } = stage
      const ds = world.name("crowded")
      const rows = [...dayOf("2024-01-01", 50), ...crowd("2024-01-01T12:00:00.001Z", 2_000)]
      await world.create(ds, rows, { columns: COLUMNS, granularity: "HOUR", partitions: 4 })
      stage.config([ds], { sliceRows: 100 })
      expect((await stage.pullExactly()).rows).toBe(2_050)
      await world.append(ds, crowd("2024-01-01T12:00:00.001Z", 10), { granularity: "HOUR" })
      await stage.pullExactly()
    },
  },
  {
    name: "copies rows on both sides of 1970",
    async play(stage) {
      const { world } = stage
      const ds = world.name("old")
      const rows = [
        ...dayOf("1883-11-18", 5),
        ...dayOf("1969-12-31", 8),
        { __time: "1969-12-31T23:59:59.999Z", page: "last", added: -1, ratio: -0.5 },
        { __time: "1970-01-01T00:00:00.000Z", page: "first", added: 0, ratio: 0 },
        { __time: "1970-01-01T00:00:00.001Z", page: "second", added: 1, ratio: 0.5 },
      ]
      await world.create(ds, rows, { columns: COLUMNS, granularity: "YEAR" })
      stage.config([ds], { sliceRows: 3 })
      await stage.pullExactly()
    },
  },
  {
    name: "takes in a column that appears, and a type that becomes wider",
    async play(stage) {
      const { world } = stage
      const ds = world.name("drifting")
      await world.create(ds, dayOf("2024-01-01", 20), { columns: COLUMNS })
      stage.config([ds])
      await stage.pullExactly()
      const rows = dayOf("2024-01-02", 20).map((row, i) => ({ ...row, extra: `x${i}` }))
      await world.append(ds, rows, { columns: { extra: "string" } })
      const { report } = await stage.pullExactly()
      expect(report.datasources[0]!.schemaChanges.join()).toContain('column "extra" is new')
    },
  },
  {
    name: "fetches only a datasource that was added to the config",
    async play(stage) {
      const { world } = stage
      const [first, second] = [world.name("first"), world.name("koalas-to-the-max v.2")]
      await world.create(first, dayOf("2024-01-01", 30), { columns: COLUMNS })
      await world.create(second, dayOf("2024-01-01", 20, 1), { columns: COLUMNS })
      stage.config([first])
      await stage.pullExactly()
      stage.config([first, second])
      const { report } = await stage.pullExactly()
      expect(report.datasources.map((one) => one.rowsFetched)).toEqual([0, 20])
      expect(report.datasources[1]!.table).toMatch(/^koalas_to_the_max_v_2/)
    },
  },
  {
    name: "keeps several tables of one datasource, each exact whatever becomes of the others",
    async play(stage) {
      const { world } = stage
      const ds = world.name("several")
      await world.create(ds, daysOf(days, 40), { columns: COLUMNS })
      const whole = { name: ds, table: "whole" }
      const small = { name: ds, table: "small", filter: '"added" < 100' }
      const recent = { name: ds, table: "recent", since: "2024-01-02", columns: ["page"] }
      stage.config([whole])
      await stage.pullExactly()
      // `whole` equals Druid; the others are to be what is asked for, of the same rows.
      const exactly = async (fetched: readonly number[]) => {
        const pulled = await stage.pull()
        expect(pulled).toMatchObject({ exitCode: 0 })
        expect(pulled.report.datasources.map(({ rowsFetched }) => rowsFetched)).toEqual([...fetched])
        await stage.expectEqual(whole)
        for (const { table } of [whole, small, recent]) await stage.expectTruthfulState(ds, table)
        const wrong = await query(
          stage.out,
          `WITH asked_small AS (SELECT * FROM whole WHERE added < 100),
             asked_recent AS (SELECT __time, page FROM whole WHERE __time >= '2024-01-02')
           (FROM small EXCEPT ALL FROM asked_small) UNION ALL (FROM asked_small EXCEPT ALL FROM small)
           UNION ALL BY NAME (FROM recent EXCEPT ALL FROM asked_recent)
           UNION ALL BY NAME (FROM asked_recent EXCEPT ALL FROM recent)`,
        )
        expect(wrong).toEqual([])
      }
      stage.config([whole, small, recent])
      const isSmall = (row: InputRow) => typeof row.added === "number" && row.added < 100
      await exactly([0, daysOf(days, 40).filter(isSmall).length, 80])
      await exactly([0, 0, 0])

      await world.overwrite(ds, dayOf("2024-01-02", 10, 5))
      await exactly([10, dayOf("2024-01-02", 10, 5).filter(isSmall).length, 10])
      const verified = await stage.runner.run([
        "verify",
        "--config",
        stage.configPath,
        "--out",
        stage.out,
        "--json",
      ])
      expect(JSON.parse(verified.stdout)).toMatchObject({ outcome: "equal" })

      // One that is no longer asked for stays as it is, and is taken up where it was.
      stage.config([whole, recent])
      await world.append(ds, dayOf("2024-01-04", 10, 6))
      const others = await stage.pull()
      expect(others.report.datasources.map(({ rowsFetched }) => rowsFetched)).toEqual([10, 10])
      stage.config([whole, small, recent])
      await exactly([0, dayOf("2024-01-04", 10, 6).filter(isSmall).length, 0])
    },
  },
  {
    name: "copies what patterns match, takes in what comes later, and keeps what is listed no more",
    async play(stage) {
      const { world } = stage
      const [first, later, out] = ["pat_a", "pat_b", "pat_c_out"].map(world.name) as [string, string, string]
      for (const ds of [first, out]) await world.create(ds, dayOf("2024-01-01", 20), { columns: COLUMNS })
      const [all, none] = ["pat_*", "*_out"].map(world.name) as [string, string]
      stage.config([all, `!${none}`], { deletions: "mirror" })
      const fetched = async () => {
        const { exitCode, report } = await stage.pull()
        expect(exitCode).toBe(0)
        return report.datasources.map(({ datasource, rowsFetched }) => [datasource, rowsFetched])
      }
      expect(await fetched()).toEqual([[first, 20]])
      await stage.expectEqual(first)

      await world.create(later, dayOf("2024-01-01", 10), { columns: COLUMNS })
      await world.append(first, dayOf("2024-01-02", 5))
      expect(await fetched()).toEqual([
        [first, 5],
        [later, 10],
      ])
      for (const ds of [first, later]) await stage.expectEqual(ds)

      await world.markUnused(first)
      expect(await fetched()).toEqual([
        [first, 0],
        [later, 0],
      ])
      expect((await readTable(stage.out, stage.tableOf(first))).rows.size).toBe(25)
      await stage.expectEqual(later)
      await stage.expectTruthfulState(first)
    },
  },
  {
    name: "commits nothing as complete while published segments are not served, and completes when they are back",
    alone: true,
    async play(stage) {
      const { world } = stage
      const ds = world.name("unserved")
      await world.create(ds, daysOf(days, 20), { columns: COLUMNS })
      stage.config([ds])
      await stage.pullExactly()
      await world.append(ds, daysOf(["2024-01-02", "2024-01-04"], 10, 2))
      const before = await readTable(stage.out, stage.tableOf(ds))
      await world.unserve(ds)

      const pulled = await stage.pull("--settle-wait", "0s")
      expect(pulled.exitCode).toBe(3)
      expect(pulled.report.datasources[0]!.incomplete.length).toBeGreaterThan(0)
      expect(pulled.report.datasources[0]!.incomplete[0]!.reason).toContain("served by no historical")
      const after = await readTable(stage.out, stage.tableOf(ds))
      expect([...after.rows.minus(before.rows)]).toEqual([])
      expect(after.rows.size).toBe(60)
      const [state] = await query(stage.out, "SELECT status FROM _sync_state")
      expect(state!.status).toBe("incomplete")

      await world.serve(ds)
      await stage.pullExactly()
      const [now] = await query(stage.out, "SELECT status FROM _sync_state")
      expect(now!.status).toBe("complete")
    },
  },
]
