import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import fc from "fast-check"
import type { Column } from "../../src/base/domain.ts"
import { fold } from "../../src/base/names.ts"
import { literal } from "../../src/store/engine.ts"
import { conversion, losesDigits } from "../../src/store/rows/convert.ts"
import { commonType, reconcile, textInstead } from "../../src/store/rows/drift.ts"
import { targetNames } from "../../src/store/rows/target-names.ts"
import { column, Store } from "./support.ts"

let store: Store
beforeAll(async () => {
  store = await Store.open()
})
afterAll(() => store.close())

const TYPES = [
  "VARCHAR",
  "BIGINT",
  "FLOAT",
  "DOUBLE",
  "JSON",
  "BLOB",
  "VARCHAR[]",
  "BIGINT[]",
  "FLOAT[]",
  "DOUBLE[]",
]

/** Values of each type, as SQL; no two alike. */
const VALUES: Record<string, string[]> = {
  VARCHAR: [
    "NULL",
    "''",
    "'a'",
    "'5'",
    "'5.0'",
    "'NULL'",
    "'[\"a\"]'",
    "'{\"a\":1}'",
    "'it''s'",
    "chr(0) || 'é😀'",
    "'NaN'",
  ],
  BIGINT: [
    "NULL",
    "0",
    "5",
    "-5",
    "9223372036854775807",
    "(-9223372036854775808)",
    "9007199254740993",
    "9007199254740992",
  ],
  FLOAT: [
    "NULL",
    "0",
    "0.1::FLOAT",
    "'NaN'::FLOAT",
    "'inf'::FLOAT",
    "'-inf'::FLOAT",
    "3.4028235e38::FLOAT",
    "1.4e-45::FLOAT",
  ],
  DOUBLE: [
    "NULL",
    "0",
    "0.1",
    "'NaN'::DOUBLE",
    "'inf'::DOUBLE",
    "'-inf'::DOUBLE",
    "1.7976931348623157e308",
    "5e-324",
    "1e22",
    "0.30000000000000004",
  ],
  JSON: [
    "NULL",
    "'5'::JSON",
    "'\"5\"'::JSON",
    '\'{"b":1,"a":[1,null]}\'::JSON',
    "'null'::JSON",
    "'[]'::JSON",
    "'\"\"'::JSON",
  ],
  BLOB: ["NULL", "''::BLOB", "'\\x00\\xff'::BLOB", "'abc'::BLOB"],
  "VARCHAR[]": ["NULL", "[]", "['a']", "['a', NULL, '']", "[NULL]", "['[\"a\"]']", "['5']"],
  "BIGINT[]": ["NULL", "[]", "[5]", "[NULL]", "[9223372036854775807, NULL]", "[9007199254740993]"],
  "FLOAT[]": ["NULL", "[]", "[0.1::FLOAT]", "[NULL]", "['NaN'::FLOAT, 'inf'::FLOAT]"],
  "DOUBLE[]": ["NULL", "[]", "[0.1]", "[NULL]", "['NaN'::DOUBLE, '-inf'::DOUBLE]", "[5e-324]"],
}

/** The type that a column ends up with, where integers were looked at. */
async function reached(from: string, wanted: string): Promise<string> {
  const to = commonType(from, wanted)
  if (!to.startsWith("DOUBLE")) return to
  const loses = losesDigits("v", from)
  const [row] = await store.engine.rows(`SELECT count(*) FROM old WHERE ${loses}`)
  return Number(row![0]) > 0 ? textInstead(to) : to
}

describe("a column that changes its type", () => {
  it("keeps every value apart from every other, NULL as NULL, whatever it becomes", async () => {
    for (const from of TYPES) {
      const values = VALUES[from]!
      const rows = values.map((value, n) => `(${n}, ${value})`).join(", ")
      await store.engine.run(`CREATE OR REPLACE TABLE old (n INTEGER, v ${from})`)
      await store.engine.run(`INSERT INTO old VALUES ${rows}`)
      for (const wanted of TYPES) {
        const to = await reached(from, wanted)
        const found = await store.engine.rows(
          `SELECT n, (${conversion("v", from, to)}) IS NULL, md5(coalesce((${conversion("v", from, to)})::VARCHAR, chr(0) || 'null')) FROM old ORDER BY n`,
        )
        const nulls = found.filter((row) => row[1] === true).map((row) => row[0])
        expect({ from, to, nulls }).toEqual({ from, to, nulls: [0] })
        const distinct = new Set(found.map((row) => row[2]))
        expect({ from, to, distinct: distinct.size }).toEqual({ from, to, distinct: values.length })
      }
    }
  }, 60_000)

  it("can be altered in place in that way", async () => {
    for (const from of TYPES) {
      for (const wanted of TYPES) {
        const values = VALUES[from]!
        await store.engine.run(`CREATE OR REPLACE TABLE old (n INTEGER, v ${from})`)
        await store.engine.run(
          `INSERT INTO old VALUES ${values.map((value, n) => `(${n}, ${value})`).join(", ")}`,
        )
        const to = await reached(from, wanted)
        if (to === from) continue
        await store.engine.run(
          `ALTER TABLE old ALTER v SET DATA TYPE ${to} USING ${conversion("v", from, to)}`,
        )
        const [row] = await store.engine.rows("SELECT count(*), count(v), any_value(typeof(v)) FROM old")
        expect({ from, wanted, row }).toEqual({
          from,
          wanted,
          row: [BigInt(values.length), BigInt(values.length - 1), to],
        })
      }
    }
  }, 120_000)

  it("becomes DOUBLE from integers only where all of them survive it", async () => {
    await store.engine.run(
      "CREATE OR REPLACE TABLE old AS SELECT unnest([1, 9007199254740992, NULL]::BIGINT[]) AS v",
    )
    expect(await reached("BIGINT", "DOUBLE")).toBe("DOUBLE")
    await store.engine.run("INSERT INTO old VALUES (9007199254740993)")
    expect(await reached("BIGINT", "DOUBLE")).toBe("VARCHAR")
    await store.engine.run("CREATE OR REPLACE TABLE old AS SELECT [[9223372036854775807]]::BIGINT[][] AS v")
    expect(await reached("BIGINT[][]", "DOUBLE[][]")).toBe("VARCHAR[][]")
  })

  it("takes a text as it is into a list, and a list's text back as JSON", async () => {
    const [row] = await store.engine.rows(
      `SELECT ${conversion("'[\"a\"]'", "VARCHAR", "VARCHAR[]")}, ${conversion("5::BIGINT", "BIGINT", "VARCHAR")}, ${conversion("['a', NULL]", "VARCHAR[]", "VARCHAR")}`,
    )
    expect(String(row![0])).toContain('["a"]')
    expect(row!.slice(1)).toEqual(["5", '["a",null]'])
  })
})

describe("the common type", () => {
  it("does not depend on which came first, and joining again changes nothing", () => {
    for (const a of TYPES) {
      expect(commonType(a, a)).toBe(a)
      for (const b of TYPES) {
        expect(commonType(a, b)).toBe(commonType(b, a))
        expect(commonType(commonType(a, b), b)).toBe(commonType(a, b))
      }
    }
  })

  it("holds any third as well, whatever the order in which they come", () => {
    for (const a of TYPES)
      for (const b of TYPES)
        for (const c of TYPES)
          expect([a, b, c, commonType(commonType(a, b), c)]).toEqual([
            a,
            b,
            c,
            commonType(a, commonType(b, c)),
          ])
  })
})

describe("reconciling columns", () => {
  const druid = (name: string, type: string, given: Partial<Column> = {}) => {
    const { target: _, ...rest } = column(name, type, given)
    return rest
  }
  const stored = (name: string, type: string) => {
    const { druidType, duckdbType } = column(name, type)
    return { name, target: name, druidType, duckdbType }
  }

  it("of a new table takes them as they are, without a word", () => {
    const found = reconcile(undefined, [druid("__time", "LONG"), druid("a", "STRING")])
    expect(found.table.map((c) => [c.target, c.duckdbType])).toEqual([
      ["__time", "TIMESTAMP"],
      ["a", "VARCHAR"],
    ])
    expect(found.changes).toEqual([])
  })

  it("adds what is new at the end, keeps what vanished, and says both", () => {
    const found = reconcile(
      [stored("__time", "LONG"), stored("old", "STRING")],
      [druid("__time", "LONG"), druid("new", "LONG")],
    )
    expect(found.table.map((c) => c.name)).toEqual(["__time", "old", "new"])
    expect(found.columns.map((c) => c.name)).toEqual(["__time", "new"])
    expect(found.changes.map((c) => [c.kind, "column" in c ? c.column.name : ""])).toEqual([
      ["added", "new"],
      ["vanished", "old"],
    ])
  })

  it("widens, and says from what", () => {
    const found = reconcile(
      [stored("__time", "LONG"), stored("n", "LONG")],
      [druid("__time", "LONG"), druid("n", "STRING")],
    )
    expect(found.table[1]).toMatchObject({ duckdbType: "VARCHAR", druidType: "STRING" })
    expect(found.changes).toMatchObject([{ kind: "retyped", from: { duckdbType: "BIGINT" } }])
    expect(found.columns[1]).toMatchObject({ duckdbType: "VARCHAR" })
  })

  it("keeps the wider type that it has, and reads Druid's by its own", () => {
    const found = reconcile(
      [stored("__time", "LONG"), stored("n", "STRING")],
      [druid("__time", "LONG"), druid("n", "LONG")],
    )
    expect(found.table[1]).toMatchObject({ duckdbType: "VARCHAR" })
    expect(found.columns[1]).toMatchObject({ duckdbType: "BIGINT" })
    expect(found.changes).toEqual([])
  })

  it("gives names that DuckDB cannot tell apart another one, and the same again in the next run", () => {
    const wanted = [
      druid("__time", "LONG"),
      druid("Foo", "STRING"),
      druid("foo", "STRING"),
      druid("foo_2", "STRING"),
    ]
    const first = reconcile(undefined, wanted)
    const targets = first.table.map((c) => c.target)
    expect(new Set(targets.map(fold)).size).toBe(4)
    expect(targets[3]).toBe("foo_2")
    const second = reconcile(first.table, [...wanted].reverse())
    expect(second.table).toEqual(first.table)
    expect(second.changes).toEqual([])
  })
})

describe("names for DuckDB", () => {
  const name = fc.oneof(
    fc.string({ minLength: 1, unit: fc.constantFrom("a", "A", "_", "2", "ä", "Ä") }),
    fc.string({ minLength: 1, unit: "binary" }),
  )
  const distinct = fc.uniqueArray(name, { maxLength: 12 })

  it("are all different to DuckDB, whatever Druid has and the table has already", () => {
    fc.assert(
      fc.property(distinct, distinct, (names, taken) => {
        const found = targetNames(names, targetNames(taken))
        const all = [...targetNames(taken), ...found].map(fold)
        expect(new Set(all).size).toBe(all.length)
      }),
      { numRuns: 2_000 },
    )
  })

  it("are Druid's own wherever they can be", () => {
    fc.assert(
      fc.property(distinct, (names) => {
        const folded = names.map(fold)
        for (const [n, target] of targetNames(names).entries()) {
          const isAlone = folded.filter((other) => other === folded[n]).length === 1
          if (isAlone && !names[n]!.includes("\u0000")) expect(target).toBe(names[n]!)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it("make columns that can be created, filled, renamed and commented, whatever they are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 6 }), async (names) => {
        const wellFormed = [...new Set(names.map((one) => one.toWellFormed()))]
        const targets = targetNames(wellFormed)
        const quoted = targets.map((target) => `"${target.replaceAll('"', '""')}"`)
        await store.engine.run(
          `CREATE OR REPLACE TABLE named (${quoted.map((q) => `${q} INTEGER`).join(", ")})`,
        )
        for (const q of quoted) await store.engine.run(`COMMENT ON COLUMN named.${q} IS ${literal("it's")}`)
        await store.engine.run(
          `INSERT INTO named (${quoted.join(", ")}) VALUES (${quoted.map((_, n) => n).join(", ")})`,
        )
        expect(await store.engine.rows(`SELECT ${quoted.join(", ")} FROM named`)).toEqual([
          quoted.map((_, n) => n),
        ])
      }),
      { numRuns: 100 },
    )
  }, 60_000)
})
