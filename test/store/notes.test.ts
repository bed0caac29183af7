/** What is noted for `report`: changes of tables, stretches that are missing, what verify found. */
import { describe, expect, it } from "bun:test"
import { tableChanges } from "../../src/store/notes/changes.ts"
import type { StoredColumn } from "../../src/store/notes/tables.ts"
import { recordVerifies, type VerifyRecord } from "../../src/store/notes/verifies.ts"
import { Bench, datasource, dayRows } from "../pull/support.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"

const SLOW = 30_000

let fake: FakeDruid
let bench: Bench
onFake(Bench, (one, own) => {
  fake = one
  bench = own
})

const changes = () =>
  bench.query('SELECT change, "column", before, after FROM file._sync_changes ORDER BY rowid')
const missing = () =>
  bench.query('SELECT "interval", reason, run_id FROM file._sync_missing ORDER BY start_ms')

const column = (name: string, duckdbType = "VARCHAR"): StoredColumn => ({
  name,
  target: name,
  druidType: "STRING",
  duckdbType,
})

describe("the changes of a table", () => {
  it("are noted in the commit that makes them: a new column, a wider type, a column that is gone", async () => {
    fake.world.append("w", [{ __time: "2024-01-01T01:00", n: 1n, page: "a" }])
    await bench.pull([datasource("w")])
    expect(await changes()).toEqual([])
    fake.world.append("w", [{ __time: "2024-01-02T01:00", n: 1.5, page: "a", city: "x" }])
    await bench.pull([datasource("w")])
    expect(await changes()).toEqual([
      ["retyped", "n", "BIGINT", "DOUBLE"],
      ["added", "city", null, "VARCHAR"],
    ])
    await bench.pull([datasource("w", { columns: { include: undefined, exclude: ["page"] } })], {
      full: true,
    })
    await bench.pull([datasource("w", { columns: { include: undefined, exclude: ["page"] } })], {
      full: true,
    })
    expect((await changes()).slice(2)).toEqual([["vanished", "page", "VARCHAR", "VARCHAR"]])
    await bench.pull([datasource("w")], { full: true })
    expect((await changes()).slice(3)).toEqual([["returned", "page", "VARCHAR", "VARCHAR"]])
  }, 60_000)

  it("have the table's other name", async () => {
    fake.world.append("w", dayRows("2024-01-01", 3))
    await bench.pull([datasource("w")])
    await bench.pull([datasource("w", { table: "wiki" })])
    expect(await changes()).toEqual([["renamed", null, "w", "wiki"]])
  }, 30_000)

  it("are none where the table is made, and none where nothing changed", () => {
    const after = { name: "t", columns: [column("a")] }
    const read = new Set(["a"])
    expect(tableChanges({ before: undefined, after, read }, new Set())).toEqual([])
    expect(tableChanges({ before: after, after, read }, new Set())).toEqual([])
  })

  it("say nothing of columns where no rows were stored", () => {
    const after = { name: "t", columns: [column("a")] }
    expect(tableChanges({ before: after, after, read: undefined }, new Set(["a"]))).toEqual([])
  })
})

describe("the stretches that are missing", () => {
  it(
    "are those of the last run that came to an end, neighbours joined",
    async () => {
      fake.world.append("w", dayRows("2024-01-01", 3))
      await bench.pull([datasource("w")])
      expect(await missing()).toEqual([])
      for (const day of ["2024-01-02", "2024-01-03", "2024-01-05"])
        fake.world.append("w", dayRows(day, 3), { loaded: false })
      expect((await bench.pull([datasource("w")])).exitCode).toBe(3)
      const reason = "1 of 1 segments in this interval are published but served by no historical now"
      expect(await missing()).toEqual([
        ["2024-01-02T00:00:00.000Z/2024-01-04T00:00:00.000Z", reason, "run-2"],
        ["2024-01-05T00:00:00.000Z/2024-01-06T00:00:00.000Z", reason, "run-2"],
      ])
      fake.world.settle()
      expect((await bench.pull([datasource("w")])).exitCode).toBe(0)
      expect(await missing()).toEqual([])
    },
    SLOW,
  )

  it(
    "stay as they are when a run fails",
    async () => {
      fake.world.append("w", dayRows("2024-01-01", 3))
      fake.world.append("w", dayRows("2024-01-02", 3), { loaded: false })
      await bench.pull([datasource("w")])
      const before = await missing()
      expect(before).toHaveLength(1)
      fake.world.deleteDatasource("w")
      expect((await bench.pull([datasource("w")])).exitCode).toBe(4)
      expect(await missing()).toEqual(before)
    },
    SLOW,
  )
})

describe("what verify found", () => {
  const record: VerifyRecord = {
    datasource: "w",
    table: "w",
    startedMs: 1_000,
    finishedMs: 2_000,
    mode: "rows",
    scope: "5% of the chunks",
    outcome: "different",
    compared: 10,
    different: 1,
    repaired: 0,
    skipped: 2,
    rows: 1234,
    message: "2024-01-01: a",
  }
  const recorded = (records: readonly VerifyRecord[]) =>
    bench.with([], ({ engine, file }) => recordVerifies(engine, file, "v", records))

  it(
    "is kept, the newest hundred of each datasource",
    async () => {
      fake.world.append("w", dayRows("2024-01-01", 3))
      await bench.pull([datasource("w")])
      const other = { ...record, datasource: "other", table: "other" }
      await recorded([other, ...Array.from({ length: 105 }, (_, n) => ({ ...record, rows: n }))])
      expect(
        await bench.query(
          "SELECT datasource, count(*), min(rows), max(rows) FROM file._sync_verifies GROUP BY ALL ORDER BY 1",
        ),
      ).toEqual([
        ["other", 1n, 1234n, 1234n],
        ["w", 100n, 5n, 104n],
      ])
    },
    SLOW,
  )

  it("is not written into a file that druidsync never pulled into", async () => {
    await bench.with([], ({ engine, file }) =>
      file.write(() => engine.run("CREATE TABLE file.t (a INTEGER)")),
    )
    await recorded([record])
    expect(await bench.query("SELECT table_name FROM duckdb_tables() WHERE database_name = 'file'")).toEqual([
      ["t"],
    ])
  })
})
