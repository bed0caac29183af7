/**
 * What users do to the file by hand: it survives a pull, or one sentence names it and says what to do, and the other
 * datasources are pulled all the same.
 */
import { describe, expect, it } from "bun:test"
import { readSummary } from "../../src/store/notes/summary.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Bench, datasource, dayRows } from "./support.ts"

const SLOW = 60_000
const FIRST = "2020-01-01"
const BOTH = [datasource("w"), datasource("other")]

let fake: FakeDruid
let bench: Bench
onFake(Bench, async (one, own) => {
  fake = one
  bench = own
  fake.world.append("w", rows(0, 5n))
  fake.world.append("other", rows(0, 5n))
  fake.world.settle()
  expect(await bench.pull(BOTH)).toMatchObject({ exitCode: 0, rowsFetched: 80 })
})

/** 40 rows of one day. @param n a value for each */
function rows(from: number, n: bigint | string, more: object = {}) {
  return dayRows(FIRST, 40, from).map((row) => ({ ...row, n, channel: `c${Number(row.id) % 3}`, ...more }))
}

/** Statements of the user's, in the file as it is opened by itself. */
function byHand(...statements: string[]): Promise<void> {
  return bench.with([], ({ engine, file }) =>
    file.write(async () => {
      await engine.run("USE file")
      try {
        for (const sql of statements) await engine.run(sql)
      } finally {
        await engine.run("USE memory")
      }
    }),
  )
}

/** Druid's days come again with other rows, for both. */
function replaced(n: bigint | string, more: object = {}): void {
  for (const name of ["w", "other"]) fake.world.overwrite(name, `${FIRST}/2020-01-02`, rows(100, n, more))
  fake.world.settle()
}

const content = (table: string) =>
  bench.query(`SELECT count(*)::INTEGER, min(id)::INTEGER, any_value(n)::VARCHAR FROM file."${table}"`)

/** One sentence for `w`, exit 1; `other` was pulled. */
async function expectRefused(message: RegExp, hint: RegExp): Promise<void> {
  const report = await bench.pull(BOTH)
  expect(report.exitCode).toBe(1)
  const [w, other] = report.datasources
  expect(w).toMatchObject({ outcome: "failed" })
  expect(w!.error!.message).toMatch(message)
  expect(w!.error!.message).not.toContain("\n")
  expect(w!.error!.hint).toMatch(hint)
  expect(w!.error!.code).not.toBe("bug")
  expect(other).toMatchObject({ outcome: "complete", rowsFetched: 40 })
  expect(await content("other")).toEqual([[40, 100, expect.anything()]])
}

/** Both are pulled, and equal. */
async function expectPulled(table = "w", settings = BOTH): Promise<void> {
  const report = await bench.pull(settings)
  expect(report.datasources.map(({ outcome, error }) => [outcome, error])).toEqual([
    ["complete", undefined],
    ["complete", undefined],
  ])
  expect((await content(table))[0]!.slice(0, 2)).toEqual([40, 100])
}

const indexes = () =>
  bench.query("SELECT index_name, table_name, is_unique FROM duckdb_indexes() ORDER BY index_name")

describe("a plain index", () => {
  it(
    "survives that rows are replaced, that a column gets another type, and that the table is renamed",
    async () => {
      await byHand('CREATE INDEX "my ""i" ON w (channel, lower(channel))', "CREATE INDEX n ON w (n)")
      replaced(6n)
      await expectPulled()
      replaced("text")
      await expectPulled()
      expect(await content("w")).toEqual([[40, 100, "text"]])
      replaced("again")
      await expectPulled("new name", [datasource("w", { table: "new name" }), datasource("other")])
      expect(await indexes()).toEqual([
        ['my "i', "new name", false],
        ["n", "new name", false],
      ])
      expect(await bench.query(`SELECT count(*)::INTEGER FROM file."new name" WHERE channel = 'c1'`)).toEqual(
        [[14]],
      )
    },
    SLOW,
  )

  it("is named where it stands beside a constraint that would be lost", async () => {
    await byHand("ALTER TABLE w ALTER channel SET NOT NULL", "CREATE INDEX i ON w (channel)")
    replaced("text")
    await expectRefused(
      /cannot change table "w" of \S+ while it has index "i" beside NOT NULL "channel"/,
      /DROP INDEX "i"/,
    )
  })
})

describe("a unique index", () => {
  it("survives as long as rows are not equal in it", async () => {
    await byHand("CREATE UNIQUE INDEX u ON w (id)")
    replaced(6n)
    await expectPulled()
    expect(await indexes()).toEqual([["u", "w", true]])
  })

  it("survives that the same rows come again, beside a late one", async () => {
    await byHand("CREATE UNIQUE INDEX u ON w (id)", "CREATE UNIQUE INDEX two ON w (channel, id)")
    fake.world.append("w", [{ ...rows(100, 6n)[0]!, id: 500n }])
    fake.world.settle()
    expect(await bench.pull(BOTH)).toMatchObject({ exitCode: 0, rowsFetched: 41 })
    fake.world.overwrite("w", `${FIRST}/2020-01-02`, rows(0, 7n))
    fake.world.settle()
    expect(await bench.pull(BOTH)).toMatchObject({ exitCode: 0, rowsFetched: 40 })
    expect(await content("w")).toEqual([[40, 0, "7"]])
  })

  it("is named where they are, with what to do", async () => {
    await byHand("CREATE UNIQUE INDEX u ON w (id)")
    for (const name of ["w", "other"])
      fake.world.overwrite(name, `${FIRST}/2020-01-02`, [
        ...rows(100, 6n).slice(0, 39),
        ...rows(100, 6n).slice(0, 1),
      ])
    fake.world.settle()
    await expectRefused(/unique index "u" on table "w"/, /DROP INDEX "u"/)
    await byHand("DROP INDEX u")
    await expectPulled()
  })
})

describe("a constraint", () => {
  it("that rows meet is left alone", async () => {
    await byHand("ALTER TABLE w ADD PRIMARY KEY (id)", "ALTER TABLE w ALTER channel SET NOT NULL")
    replaced(6n)
    await expectPulled()
  })

  it("NOT NULL is named where rows have none", async () => {
    await byHand("ALTER TABLE w ALTER channel SET NOT NULL")
    replaced(6n, { channel: null })
    await expectRefused(/NOT NULL "channel"/, /ALTER "channel" DROP NOT NULL/)
  })

  it("PRIMARY KEY is named where rows are equal in it", async () => {
    await byHand("ALTER TABLE w ADD PRIMARY KEY (n)".replace("(n)", "(id)"))
    for (const name of ["w", "other"])
      fake.world.overwrite(name, `${FIRST}/2020-01-02`, [
        ...rows(100, 6n).slice(0, 39),
        ...rows(100, 6n).slice(0, 1),
      ])
    fake.world.settle()
    await expectRefused(/PRIMARY KEY\(id\)/, /CREATE TABLE copy AS FROM "w"/)
    await byHand("CREATE TABLE copy AS FROM w", "DROP TABLE w", "ALTER TABLE copy RENAME TO w")
    await expectPulled()
  })

  it("CHECK is named where rows do not meet it", async () => {
    await byHand(
      "CREATE TABLE copy (__time TIMESTAMP, channel VARCHAR, id BIGINT, n BIGINT CHECK (n < 6))",
      "INSERT INTO copy BY NAME SELECT * FROM w",
      "DROP TABLE w",
      "ALTER TABLE copy RENAME TO w",
    )
    replaced(6n)
    await expectRefused(/CHECK\(\(n < 6\)\)/, /CREATE TABLE copy/)
  })

  it("of a generated column keeps its column from getting another type: said so", async () => {
    await byHand(
      "CREATE TABLE copy (__time TIMESTAMP, channel VARCHAR, id BIGINT, n BIGINT, twice BIGINT GENERATED ALWAYS AS (n * 2))",
      "INSERT INTO copy BY NAME SELECT * FROM w",
      "DROP TABLE w",
      "ALTER TABLE copy RENAME TO w",
    )
    replaced(6n)
    await expectPulled()
    replaced("text")
    await expectRefused(/refuses to change table "w".*generated column "twice"/, /DROP TABLE "w"/)
  })
})

describe("views, macros, comments, tables and columns of the user's", () => {
  it("survive, and work", async () => {
    await byHand(
      "CREATE VIEW v AS SELECT channel, count(*) AS c FROM w GROUP BY channel",
      "CREATE MACRO m() AS (SELECT max(id) FROM w)",
      "COMMENT ON COLUMN w.n IS 'mine'",
      "COMMENT ON TABLE w IS 'mine too'",
      "CREATE TABLE extra AS SELECT 1 AS one",
      "ALTER TABLE w ADD COLUMN note VARCHAR DEFAULT 'new'",
    )
    replaced("text")
    await expectPulled()
    expect(await bench.query("SELECT sum(c)::INTEGER FROM file.v")).toEqual([[40]])
    expect(await bench.query("SELECT note, count(*)::INTEGER FROM file.w GROUP BY ALL")).toEqual([
      ["new", 40],
    ])
    expect(await bench.query("SELECT one FROM file.extra")).toEqual([[1]])
    expect(
      await bench.query("SELECT comment FROM duckdb_columns() WHERE table_name = 'w' AND column_name = 'n'"),
    ).toEqual([["mine"]])
    expect(await bench.query("SELECT comment FROM duckdb_tables() WHERE table_name = 'w'")).toEqual([
      ["mine too"],
    ])
    expect(
      await bench.query("SELECT count(*)::INTEGER FROM duckdb_functions() WHERE function_name = 'm'"),
    ).toEqual([[1]])
  })

  it("a column is named that has the name of Druid's new one", async () => {
    await byHand("ALTER TABLE w ADD COLUMN Note INTEGER")
    replaced(6n, { note: "of Druid" })
    await expectRefused(/has a column "Note" that druidsync did not make/, /RENAME "Note" TO/)
    await byHand('ALTER TABLE w RENAME "Note" TO mine')
    await expectPulled()
  })
})

describe("columns of ours that were changed by hand", () => {
  it("and are missing are named", async () => {
    await byHand("ALTER TABLE w DROP COLUMN n")
    replaced(6n)
    await expectRefused(/no longer has column "n"/, /DROP TABLE "w"/)
    await byHand("DROP TABLE w")
    await expectPulled()
  })

  it("and have another type are named: no value is rounded silently", async () => {
    await byHand("ALTER TABLE w ALTER n SET DATA TYPE INTEGER")
    replaced(6n)
    await expectRefused(/column "n" of table "w" of \S+ is INTEGER now, not BIGINT/, /SET DATA TYPE BIGINT/)
    await byHand("ALTER TABLE w ALTER n SET DATA TYPE BIGINT")
    await expectPulled()
  })
})

describe("a table that the user", () => {
  it("renamed stays theirs, and is made again under its own name", async () => {
    await byHand("ALTER TABLE w RENAME TO mine")
    await bench.pull(BOTH)
    expect(await content("w")).toEqual([[40, 0, "5"]])
    expect(await content("mine")).toEqual([[40, 0, "5"]])
  })

  it("emptied is filled again", async () => {
    await byHand("DELETE FROM w")
    expect(await bench.pull(BOTH)).toMatchObject({ exitCode: 0, rowsFetched: 40 })
    expect(await content("w")).toEqual([[40, 0, "5"]])
    expect(bench.events).toContainEqual({
      type: "warning",
      datasource: "w",
      message: expect.stringMatching(
        /^another program changed the number of rows in 2020-01-01\S*: fetched again where Druid still has them$/,
      ),
    })
    expect(await bench.pull(BOTH)).toMatchObject({ exitCode: 0, rowsFetched: 0 })
  })

  it("took rows from, or put rows into, is mended where it was changed", async () => {
    fake.world.append("w", dayRows("2020-01-02", 10, 500))
    fake.world.append("w", dayRows("2020-01-03", 10, 600))
    fake.world.settle()
    await bench.pull(BOTH)
    await byHand(
      "DELETE FROM w WHERE id = 505",
      "INSERT INTO w (__time, id) VALUES ('2020-01-03', 7), ('2020-01-03', 8)",
    )
    expect(await bench.pull(BOTH)).toMatchObject({ exitCode: 0, rowsFetched: 20 })
    expect(await bench.query("SELECT count(*)::INTEGER, count(DISTINCT id)::INTEGER FROM file.w")).toEqual([
      [60, 60],
    ])
  })

  /** What the checkpoints say, and what is there. */
  const counted = async () =>
    bench.query(
      "SELECT (SELECT sum(rows)::INTEGER FROM file._sync_chunks WHERE \"table\" = 'w'), (SELECT count(*)::INTEGER FROM file.w), (SELECT string_agg(state ORDER BY start_ms) FROM file._sync_chunks WHERE \"table\" = 'w')",
    )
  /** The user empties the table, and Druid drops its first day. */
  async function emptyAndDrop() {
    fake.world.append("w", dayRows("2020-01-02", 10, 500))
    fake.world.settle()
    await bench.pull(BOTH)
    await byHand("DELETE FROM w WHERE id < 500 AND id > 4")
    fake.world.markUnused("w", `${FIRST}/2020-01-02`)
  }

  it("emptied, of a day that Druid has dropped, loses the rest of it", async () => {
    const mirror = [{ ...datasource("w"), deletions: "mirror" as const }, datasource("other")]
    await emptyAndDrop()
    expect(await bench.pull(mirror)).toMatchObject({
      exitCode: 0,
      datasources: [{ rowsFetched: 0, rowsDeleted: 5 }, {}],
    })
    expect(await counted()).toEqual([[10, 10, "complete"]])
    bench.events.length = 0
    await bench.pull(mirror)
    expect(bench.events.filter(({ type }) => type === "warning")).toEqual([])
  })

  it("emptied, of a day that Druid has dropped and that is kept, keeps what is left, and counts it", async () => {
    await emptyAndDrop()
    expect(await bench.pull(BOTH)).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(await counted()).toEqual([[15, 15, "kept,complete"]])
    await byHand("DELETE FROM w WHERE id = 4")
    expect(await bench.pull(BOTH)).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(await counted()).toEqual([[14, 14, "kept,complete"]])
    await byHand("DELETE FROM w WHERE id < 500")
    await bench.pull(BOTH)
    expect(await counted()).toEqual([[10, 10, "complete"]])
    bench.events.length = 0
    await bench.pull(BOTH)
    expect(bench.events.filter(({ type }) => type === "warning")).toEqual([])
  })

  it("put rows into where Druid has none keeps them", async () => {
    await byHand("INSERT INTO w (__time, id) VALUES ('1999-01-01', 7), (NULL, 8)")
    expect(await bench.pull(BOTH)).toMatchObject({ exitCode: 0, rowsFetched: 0 })
    expect(await bench.query("SELECT count(*)::INTEGER FROM file.w")).toEqual([[42]])
  })

  it("replaced by a view is named", async () => {
    await byHand("ALTER TABLE w RENAME TO raw", "CREATE VIEW w AS FROM raw")
    replaced(6n)
    await expectRefused(/refuses to change table "w"/, /./)
    const summary = await bench.with([], ({ engine, file }) =>
      readSummary(engine, file, () => Promise.resolve(undefined), 0),
    )
    expect(
      summary.datasources.map(({ tableRows, tableBytes }) => [tableRows, tableBytes !== undefined]),
    ).toEqual([
      [40, true],
      [40, false],
    ])
    expect(await content("w")).toEqual([[40, 0, "5"]])
  })
})
