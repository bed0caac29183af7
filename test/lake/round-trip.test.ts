/** Every kind of value that a table can hold, through a file of each format and back: equal to the bit (invariant I7). */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { compareLakeFile, compareLakeFileDeep } from "../../src/lake/compare-file.ts"
import type { LakeFormat } from "../../src/lake/layout.ts"
import { writeLakeFile } from "../../src/lake/write.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import type { HeldColumn } from "../../src/store/notes/holdings.ts"
import { DRUIDS_BYTES, expected, kinds, matrixRows } from "../types/matrix.ts"

const DAY = { start: BigInt(Date.UTC(2020, 0, 1)), end: BigInt(Date.UTC(2020, 0, 2)) }
const MATRIX = kinds({ major: 33 })
const ROWS = matrixRows(MATRIX)
const COLUMNS: readonly HeldColumn[] = [
  { name: "__time", type: "TIMESTAMP", druid: "LONG" },
  ...MATRIX.map(({ name, duckdbType }) => ({ name, type: duckdbType, druid: "" })),
  { name: 'a "quoted", name', type: "FLOAT[]", druid: "" },
]
const table = { table: "t", columns: COLUMNS, interval: DAY }

let folder: string
let engine: Engine

/** A value of the matrix as SQL. */
function sqlOf(value: unknown, type: string, row: number, texts: string[]): string {
  if (value === DRUIDS_BYTES)
    return type === "BLOB"
      ? `from_hex('00${row.toString(16).padStart(2, "0")}ff22')`
      : `'{"lhs":${row}, "rhs":\n"x"}'::JSON`
  if (value === null) return `NULL::${type}`
  if (Array.isArray(value))
    return `[${value.map((one) => sqlOf(one, type.slice(0, -2), row, texts)).join(", ")}]::${type}`
  if (typeof value === "number") return `'${Object.is(value, -0) ? "-0.0" : value}'::${type}`
  // As a parameter: thousands of NULs in one literal are too much for DuckDB's parser.
  return `$${texts.push(String(value))}::${type}`
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "druidsync-lake-types-"))
  engine = await openEngine({ memoryLimit: "500MB", threads: 2 })
  await engine.run("ATTACH ':memory:' AS file")
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
  await engine.run(
    `CREATE TABLE file.t (${COLUMNS.map(({ name, type }) => `${quoted(name)} ${type}`).join(", ")})`,
  )
  for (let row = 0; row < ROWS; row++) {
    const texts: string[] = []
    const values = MATRIX.map((kind) => sqlOf(expected(kind, row), kind.duckdbType, row, texts))
    const floats = sqlOf([[-0, 0, Number.NaN, null], [0.1], [], null][row % 4], "FLOAT[]", row, texts)
    await engine.run(
      `INSERT INTO file.t VALUES (epoch_ms(${DAY.start + BigInt(row)}), ${values.join(", ")}, ${floats})`,
      texts,
    )
  }
  // Twice: rows are a multiset.
  await engine.run("INSERT INTO file.t SELECT * FROM file.t WHERE epoch_ms(__time) % 3 = 0")
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

const typeOf = (column: string) => COLUMNS.find(({ name }) => name === column)!.type
const rowsOf = async (sql: string) => (await engine.rows(sql)).map((row) => row.map(String).join("|"))

describe("a file of a lake", () => {
  for (const format of ["parquet", "csv", "json"] as const) {
    it(`holds every value of the matrix as ${format}, and the comparison sees one that changed`, async () => {
      const path = join(folder, `all.${format}`)
      const [count] = await engine.rows("SELECT count(*) FROM file.t")
      expect(await writeLakeFile(engine, table, format, path)).toBe(Number(count![0]))
      expect(await compareLakeFile(engine, table, format, path)).toBeUndefined()
      expect(await compareLakeFileDeep(engine, table, format, path, 1)).toEqual({ onlyTable: 0, onlyLake: 0 })
      expect(await compareLakeFileDeep(engine, table, format, path, 9_000_000)).toEqual({
        onlyTable: 0,
        onlyLake: 0,
      })
      await seesChanges(format, path)
    }, 120_000)
  }

  /** Each kind of value that is nearly another: a comparison that takes one for the other is worth nothing. */
  async function seesChanges(format: LakeFormat, path: string): Promise<void> {
    for (const [column, change, where] of [
      ["double", "'0.0'::DOUBLE", `double = 0 AND signbit(double)`],
      ["float", "NULL", "isnan(float)"],
      ["text", "NULL", "text = ''"],
      ["long", "long - 1", "long = 9223372036854775807"],
      ["texts", "[]", "len(texts) = 1 AND texts[1] IS NULL"],
      ["doubles", "[1.5, NULL, 0.0, 4.9E-324, 1.7976931348623157E308]", "len(doubles) = 5"],
      [
        "json",
        `'{"n": 9007199254740992,"m":-9223372036854775808}'`,
        `json::VARCHAR LIKE '{"n":9007199254740993%'`,
      ],
      ["hll", "from_hex('00')", "TRUE"],
    ] as const) {
      // Another table, not an UPDATE: DuckDB leaves a value as it is where the new one equals it, as 0.0 does -0.0.
      await engine.run(
        `CREATE OR REPLACE TABLE file.u AS SELECT * REPLACE ((CASE WHEN ${where} THEN ${change} ELSE "${column}" END)::${typeOf(column)} AS "${column}") FROM file.t`,
      )
      const [hit] = await engine.rows(`SELECT count(*) FROM file.t WHERE ${where}`)
      const changed = Number(hit![0])
      expect([column, changed > 0]).toEqual([column, true])
      const other = { ...table, table: "u" }
      const found = await compareLakeFile(engine, other, format, path)
      expect([column, found !== undefined]).toEqual([column, true])
      if (format !== "json") expect(found!.columns).toEqual([column])
      const deep = await compareLakeFileDeep(engine, other, format, path, 1)
      expect(deep).toEqual({ onlyTable: changed, onlyLake: changed })
    }
    // The same values in other rows: each value counts with its time.
    await engine.run(
      `CREATE OR REPLACE TABLE file.u AS SELECT * REPLACE (CASE WHEN long IN (0, -1) THEN -1 - long ELSE long END AS long) FROM file.t`,
    )
    expect(await compareLakeFile(engine, { ...table, table: "u" }, format, path)).toMatchObject({
      columns: format === "json" ? [] : ["long"],
    })
  }

  it("has in Parquet what any reader finds by itself: zeros with their signs, an instant, bytes, lists, strings", async () => {
    const path = join(folder, "any.parquet")
    await writeLakeFile(engine, table, "parquet", path)
    const columns = [
      "epoch_ms(__time)",
      "json::VARCHAR",
      "hex(hll)",
      "texts::JSON",
      "long",
      "double::VARCHAR",
      "float::VARCHAR",
      "doubles::VARCHAR",
      "text",
    ].join(", ")
    const sorted = `SELECT ${columns} FROM`
    expect((await rowsOf(`${sorted} read_parquet('${path}')`)).sort()).toEqual(
      (await rowsOf(`${sorted} file.t`)).sort(),
    )
    const types = await engine.rows(
      `SELECT name, type, coalesce(logical_type, '') FROM parquet_schema('${path}') WHERE name IN ('__time', 'json', 'hll', 'long', 'text')`,
    )
    const typed = new Map(types.map(([name, type, logical]) => [name, `${type} ${logical}`]))
    expect(typed.get("__time")).toContain("INT64 TimestampType(isAdjustedToUTC=1")
    expect(typed.get("json")).toBe(typed.get("text"))
    expect(typed.get("hll")).toBe("BYTE_ARRAY ")
    expect(typed.get("long")).toContain("INT64")
    const codecs = await engine.rows(`SELECT DISTINCT compression FROM parquet_metadata('${path}')`)
    expect(codecs).toEqual([["ZSTD"]])
  }, 60_000)

  it("keeps -0.0 apart from 0.0 in Parquet, which DuckDB's dictionaries do not", async () => {
    await engine.run(
      `CREATE OR REPLACE TABLE file.zeros AS SELECT epoch_ms(${DAY.start} + i) AS __time, CASE WHEN i % 2 = 0 THEN '-0.0'::DOUBLE ELSE 0.0 END AS d FROM range(5000) r(i)`,
    )
    const columns = [COLUMNS[0]!, { name: "d", type: "DOUBLE", druid: "DOUBLE" }]
    const path = join(folder, "zeros.parquet")
    await writeLakeFile(engine, { table: "zeros", columns, interval: DAY }, "parquet", path)
    expect(await engine.rows(`SELECT count(*) FROM read_parquet('${path}') WHERE signbit(d)`)).toEqual([
      [2500n],
    ])
  }, 60_000)

  it("has NULL and '' apart in csv, by RFC 4180, and a row to a line of json", async () => {
    await engine.run(
      `CREATE OR REPLACE TABLE file.plain (__time TIMESTAMP, s VARCHAR, l VARCHAR[], d DOUBLE, j JSON, b BLOB)`,
    )
    await engine.run(
      `INSERT INTO file.plain VALUES ('2020-01-01 00:00:00.004', 'a,"b"', ['x', NULL], 'inf', '{"a" :1.0E10}', '\\x00\\xFF'), ('2020-01-01 01:00:00', '', [], NULL, NULL, NULL), ('2020-01-01 02:00:00', NULL, NULL, 'nan', '[\n1]', NULL)`,
    )
    const columns = [
      COLUMNS[0]!,
      ...(
        [
          ["s", "VARCHAR"],
          ["l", "VARCHAR[]"],
          ["d", "DOUBLE"],
          ["j", "JSON"],
          ["b", "BLOB"],
        ] as const
      ).map(([name, type]) => ({ name, type, druid: "" })),
    ]
    const text = async (format: LakeFormat) => {
      const path = join(folder, `plain.${format}`)
      await writeLakeFile(engine, { table: "plain", columns, interval: DAY }, format, path)
      const [row] = await engine.rows(`SELECT content FROM read_text('${path}')`)
      return String(row![0])
    }
    expect(await text("csv")).toBe(
      [
        "__time,s,l,d,j,b",
        `2020-01-01T00:00:00.004Z,"a,""b""","[""x"",null]",Infinity,"{""a"" :1.0E10}",AP8=`,
        `2020-01-01T01:00:00.000Z,"",[],,,`,
        `2020-01-01T02:00:00.000Z,,,NaN,"[\n1]",`,
        "",
      ].join("\n"),
    )
    expect((await text("json")).split("\n")).toEqual([
      `{"__time":"2020-01-01T00:00:00.004Z","s":"a,\\"b\\"","l":["x",null],"d":"Infinity","j":{"a" :1.0E10},"b":"AP8="}`,
      `{"__time":"2020-01-01T01:00:00.000Z","s":"","l":[],"d":null,"j":null,"b":null}`,
      `{"__time":"2020-01-01T02:00:00.000Z","s":null,"l":null,"d":"NaN","j":[ 1],"b":null}`,
      "",
    ])
  }, 60_000)
})
