import { beforeEach, describe, expect, it } from "bun:test"
import type { Column } from "../../src/base/domain.ts"
import * as metadata from "../../src/druid/metadata-sql.ts"
import * as text from "../../src/druid/sql.ts"
import { interval, type World } from "../support/fake-druid/fake-druid.ts"
import { fakeDruid as fake, messageOf, rowsOf, send, sql } from "./ask.ts"

let world: World
beforeEach(() => {
  world = fake.reset()
})

const ALL = new Set(["is_active", "replication_factor"])
const always = interval("0001-01-01/9999-01-01")
const column = (name: string, multiValue = false): Column => ({
  name,
  target: name,
  druidType: "",
  sqlType: "",
  multiValue,
  duckdbType: "",
})

describe("the SQL that druidsync sends", () => {
  const source = { datasource: `we"ird nä'me 数` }

  beforeEach(() => {
    world.append(source.datasource, [
      { __time: "2020-01-01", page: "a", n: 1n },
      { __time: "2020-01-01T12", page: "b", n: 2n },
      { __time: "2020-01-02", page: null, n: 3n },
    ])
  })

  it("columnsSql: columns of tables and of sys.segments, absent tables left out", async () => {
    const rows = await rowsOf(sql(fake, metadata.columnsSql([source.datasource, "nope"])))
    expect(rows.slice(0, 3).map((row) => JSON.parse(row).slice(2))).toEqual([
      ["__time", "TIMESTAMP"],
      ["page", "VARCHAR"],
      ["n", "BIGINT"],
    ])
    expect(rows).toContain('["sys","segments","replication_factor","BIGINT"]')
    expect(fake.log.kinds).toBe("columns")
  })

  it("segmentsSql: active segments, whatever columns the release has", async () => {
    world.overwrite(source.datasource, "2020-01-02/2020-01-03", [])
    const rows = (await rowsOf(sql(fake, metadata.segmentsSql([source.datasource], ALL)))).map((row) =>
      JSON.parse(row),
    )
    const numbered = '{"type":"numbered","partitionNum":0,"partitions":1}'
    const tombstone = '{"type":"tombstone","partitionNum":0,"partitions":1}'
    expect(rows.map((row) => [...row.slice(1, 3), ...row.slice(4)])).toEqual([
      [
        "2020-01-01T00:00:00.000Z",
        "2020-01-02T00:00:00.000Z",
        0,
        2,
        expect.any(Number),
        1,
        1,
        1,
        0,
        0,
        1,
        numbered,
      ],
      ["2020-01-02T00:00:00.000Z", "2020-01-03T00:00:00.000Z", 0, 0, 1, 1, 1, 1, 0, 1, 1, tombstone],
    ])
    world.markUnused(source.datasource, "2020-01-01/2020-01-02", { stillServed: true })
    const dropped = await rowsOf(sql(fake, metadata.segmentsSql([source.datasource], ALL)))
    expect(dropped.map((row) => JSON.parse(row).at(-2)).sort()).toEqual([0, 1])
    fake.segmentsWithout.add("is_active").add("replication_factor")
    expect(await messageOf(sql(fake, metadata.segmentsSql([source.datasource], ALL)))).toContain(
      "Column 'is_active' not found",
    )
    const old = await rowsOf(sql(fake, metadata.segmentsSql([source.datasource], new Set())))
    expect(old.map((row) => JSON.parse(row)[7])).toEqual([null, null])
    expect(fake.log.kinds).toBe("segments segments segments segments")
  })

  it("typesSql: names and types without a row", async () => {
    const filter = "\"page\" <> 'x' -- the first"
    for (const query of [
      text.typesSql(source, "*"),
      text.typesSql({ ...source, filter }, [{ name: "__time" }, { name: "page" }, { name: "n" }]),
    ])
      expect((await sql(fake, query)).body).toBe(
        '["__time","page","n"]\n["LONG","STRING","LONG"]\n["TIMESTAMP","VARCHAR","BIGINT"]\n\n',
      )
    expect(fake.log.kinds).toBe("types types")
  })

  it("boundsSql: smallest, greatest, number; nulls where there is nothing", async () => {
    const rows = async (span: string) =>
      (await rowsOf(sql(fake, text.boundsSql(source, interval(span))))).join()
    expect(await rows("2020-01-01/2020-01-02")).toBe('["1577836800000","1577880000000",2]')
    expect(await rows("2021-01-01/2021-01-02")).toBe("[null,null,0]")
    expect(fake.log.kinds).toBe("bounds bounds")
  })

  it("histogramSql: rows per bucket, all and matching, empty buckets left out", async () => {
    const query = text.histogramSql({ ...source, filter: '"page" IS NOT NULL' }, [always], 86_400_000n)
    const rows = (await rowsOf(sql(fake, query))).map((row) => JSON.parse(row) as number[])
    expect(rows.map((row) => row.slice(1))).toEqual([
      [2, 2],
      [1, 0],
    ])
    expect(rows[1]![0]! - rows[0]![0]!).toBe(1)
    const before1970 = { start: -4611686018427387904n, end: 0n }
    expect(await rowsOf(sql(fake, text.histogramSql(source, [before1970], 1000n)))).toEqual([])
    expect(fake.log.kinds).toBe("histogram histogram")
  })

  it("countsSql: all and matching rows of each interval", async () => {
    const days = [interval("2020-01-01/2020-01-02"), interval("2020-01-02/2020-01-03")]
    const filtered = { ...source, filter: '"n" >= 2 OR "page" = \'zz\'' }
    expect(await rowsOf(sql(fake, text.countsSql(source, [always])))).toEqual(["[3,3]"])
    expect(await rowsOf(sql(fake, text.countsSql(filtered, [always])))).toEqual(["[3,2]"])
    expect(await rowsOf(sql(fake, text.countsSql(source, days)))).toEqual(["[2,2,1,1]"])
    expect(await rowsOf(sql(fake, text.countsSql(filtered, days)))).toEqual(["[2,1,1,1]"])
    expect(fake.log.count("counts")).toBe(4)
    expect(fake.log.rowsFetched).toBe(0)
  })

  it("scanSql: the rows, __time as BIGINT", async () => {
    const columns = [column("__time"), column("page"), column("n")]
    const answer = await sql(fake, text.scanSql({ ...source, filter: '"n" < 3' }, columns, always))
    expect(answer.body).toBe(
      '["__time","page","n"]\n["LONG","STRING","LONG"]\n["BIGINT","VARCHAR","BIGINT"]\n' +
        '[1577836800000,"a",1]\n[1577880000000,"b",2]\n\n',
    )
    expect(fake.log.kinds).toBe("scan")
    expect(fake.log.rowsFetched).toBe(2)
  })

  it("quotes text of every kind", async () => {
    for (const page of ["it's", "a\\b", "数😀", "\n", ""]) {
      world.append("texts", [{ __time: 5, page }])
      const filter = `"page" = ${text.quoteText(page)}`
      expect(await rowsOf(sql(fake, text.countsSql({ datasource: "texts", filter }, [always])))).toEqual([
        expect.stringMatching(/,1\]$/),
      ])
    }
  })
})

describe("filters", () => {
  beforeEach(() => {
    world.append("d", [
      { __time: 1, s: "a", n: 1n, x: 1.5, mv: ["p", "q"] },
      { __time: 2, s: null, n: 2n, x: Number.NaN, mv: "p" },
      { __time: 3, s: "b", n: null, x: null, mv: null },
    ])
  })
  const cases: [string, number][] = [
    ["\"s\" = 'a'", 1],
    ["\"s\" <> 'a'", 1],
    ['"s" IS NULL', 1],
    ['"s" IS NOT NULL', 2],
    ["\"s\" IN ('a', 'b')", 2],
    ["\"s\" NOT IN ('a')", 1],
    ["\"s\" LIKE '_'", 2],
    ['"n" > 1', 1],
    ['"n" BETWEEN 1 AND 2', 2],
    ['"x" < 2', 1],
    ['NOT ("n" = 1)', 1],
    ["\"mv\" = 'q'", 1],
    ["\"mv\" = 'p'", 2],
    ['"n" = 1 OR "s" = \'b\' AND "x" IS NULL', 2],
    ['TIMESTAMP_TO_MILLIS("__time") + 1 = 3', 1],
    ["\"__time\" >= TIMESTAMP '1970-01-01 00:00:00.002'", 2],
    ["FALSE", 0],
  ]
  for (const [filter, count] of cases)
    it(`understands ${filter}`, async () => {
      const rows = await rowsOf(sql(fake, text.scanSql({ datasource: "d", filter }, [column("n")], always)))
      expect(rows.length).toBe(count)
    })
})

describe("filters as the real Druid 33 answered them", () => {
  const count = async (filter: string) =>
    Number(JSON.parse((await rowsOf(sql(fake, `SELECT COUNT(*) FROM d WHERE ${filter}`)))[0]!)[0])

  it("NaN is greater than every number", async () => {
    world.append("d", [
      { __time: 1, x: Number.NaN },
      { __time: 2, x: 1e308 },
    ])
    expect([await count('"x" > 5'), await count('"x" <= 5'), await count('"x" > 1e308')]).toEqual([2, 0, 1])
  })

  it("a row with a null among its values is null, and unequal to nothing", async () => {
    world.append("d", [
      { __time: 1, mv: [null, "", "b"] },
      { __time: 2, mv: ["a", "b"] },
      { __time: 3, mv: null },
    ])
    const counts = [
      await count('"mv" IS NULL'),
      await count('"mv" IS NOT NULL'),
      await count("\"mv\" <> 'x'"),
    ]
    expect(counts).toEqual([2, 1, 1])
    expect(await count("\"mv\" = 'b'")).toBe(2)
  })
})

describe("what Druid refuses", () => {
  beforeEach(() => {
    world.append("d", [{ __time: 1, Foo: "x" }])
  })
  const cases: [string, string][] = [
    ["SELECT * FROM nope", "400 Object 'nope' not found (line [1], column [15])"],
    ['SELECT * FROM "druid"."nope"', "400 Object 'nope' not found within 'druid' (line [1], column [15])"],
    ["SELECT * FROM sys.nope", "400 Object 'nope' not found within 'sys' (line [1], column [15])"],
    ["SELECT nope FROM d", "400 Column 'nope' not found in any table (line [1], column [8])"],
    [
      "SELECT FOO FROM d",
      "400 Column 'FOO' not found in any table; did you mean 'Foo'? (line [1], column [8])",
    ],
    ["SELECT\n  nope FROM d", "400 Column 'nope' not found in any table (line [2], column [3])"],
    ["SELECT FOO BAR", "400 Received an unexpected token [BAR] (line [1], column [12])"],
    ["SELECT * FROM d;", "400 Received an unexpected token [;] (line [1], column [16])"],
    ["SELECT FOO(1) FROM d", "400 No match found for function signature FOO(1) (line [1], column [8])"],
    ["SELECT COUNT(*), Foo FROM d", "400 Expression 'Foo' is not being grouped (line [1], column [18])"],
  ]
  for (const [query, message] of cases)
    it(message, async () => expect(await messageOf(sql(fake, query))).toBe(message))

  it("knows only what it was taught: other forms are a 400", async () => {
    for (const query of [
      "DELETE FROM d",
      "SELECT * FROM d JOIN e ON TRUE",
      "SELECT Foo FROM d ORDER BY Foo",
      "SELECT SUBSTRING(Foo, 1) FROM d",
    ])
      expect((await sql(fake, query)).status).toBe(400)
  })

  it("both JSON shapes: the older for a bad request", async () => {
    const bad = await send(fake, "POST", "/druid/v2/sql", '{"query":')
    expect([bad.status, Object.keys(JSON.parse(bad.body))]).toEqual([
      400,
      ["error", "errorMessage", "errorClass", "host"],
    ])
    expect(await messageOf(sql(fake, "SELECT 1", { header: false }))).toContain(
      "Cannot include 'typesHeader' without 'header'",
    )
    expect(await messageOf(sql(fake, "SELECT 1", { resultFormat: "foo" }))).toContain("No enum constant")
  })

  it("a value that the schema's type cannot hold: 500, or a cut body once rows are out", async () => {
    const schema = world.schema("d")
    world.holdSchema("d", [schema[0]!, { name: "Foo", type: "DOUBLE" }])
    expect(await messageOf(sql(fake, "SELECT * FROM d"))).toBe(
      "500 Cannot coerce field [Foo] from type [String] to type [DOUBLE]",
    )
    world.holdSchema("d", false)
    expect((await sql(fake, "SELECT * FROM d")).status).toBe(200)
  })

  it("division by zero: 500", async () => {
    expect(await messageOf(sql(fake, "SELECT 1/0 FROM d"))).toBe("500 / by zero")
  })
})
