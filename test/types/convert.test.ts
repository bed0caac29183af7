/** A column that changes its type: every pair of types, and no value of either is lost on the way. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import { conversion, losesDigits } from "../../src/store/rows/convert.ts"
import { commonColumn, commonType, reconcile, textInstead } from "../../src/store/rows/drift.ts"

let engine: Engine
beforeAll(async () => {
  engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
})
afterAll(() => engine.close())

/** Values of each type as SQL, all different. */
const VALUES: Record<string, readonly string[]> = {
  VARCHAR: ["''", "'a'", "'5'", "'[\"a\"]'", "'null'", "chr(0)"],
  BIGINT: ["0::BIGINT", "5::BIGINT", "9223372036854775807::BIGINT", "(-9223372036854775808)::BIGINT"],
  FLOAT: ["0.1::FLOAT", "'-0.0'::FLOAT", "'nan'::FLOAT", "'inf'::FLOAT", "3.4028235e38::FLOAT"],
  DOUBLE: [
    "0.1::DOUBLE",
    "'-0.0'::DOUBLE",
    "'nan'::DOUBLE",
    "'-inf'::DOUBLE",
    "5e-324::DOUBLE",
    "1e300::DOUBLE",
  ],
  "VARCHAR[]": ["[]::VARCHAR[]", "['a', NULL, '']", "['5']", "['[\"a\"]']"],
  "BIGINT[]": ["[]::BIGINT[]", "[5::BIGINT, NULL]", "[9223372036854775807::BIGINT]"],
  "DOUBLE[]": ["[]::DOUBLE[]", "[0.5::DOUBLE, NULL]", "['nan'::DOUBLE]", "['inf'::DOUBLE, '-0.0'::DOUBLE]"],
  JSON: ["'{\"a\":9007199254740993}'::JSON", "'5'::JSON", "'\"5\"'::JSON", "'[]'::JSON"],
  BLOB: ["''::BLOB", "'\\x00\\xFF'::BLOB", "'a'::BLOB"],
}
const TYPES = Object.keys(VALUES)

async function one(sql: string): Promise<unknown> {
  return (await engine.rows(`SELECT ${sql}`))[0]![0]
}

describe("a type that holds two", () => {
  it("does not depend on which of the two was there first, and holds itself", () => {
    for (const a of TYPES) {
      for (const b of TYPES) {
        expect(commonType(a, b)).toBe(commonType(b, a))
        expect(commonType(commonType(a, b), a)).toBe(commonType(a, b))
      }
    }
    expect(commonType("BIGINT", "DOUBLE")).toBe("DOUBLE")
    expect(commonType("BIGINT", "BIGINT[]")).toBe("BIGINT[]")
    expect(commonType("BIGINT", "DOUBLE[]")).toBe("DOUBLE[]")
    expect(commonType("VARCHAR", "BIGINT")).toBe("VARCHAR")
    expect(commonType("VARCHAR", "JSON")).toBe("JSON")
    expect(commonType("BLOB", "VARCHAR[]")).toBe("VARCHAR[]")
  })

  for (const from of TYPES) {
    it(`keeps ${from} apart in whatever it becomes, and NULL stays NULL`, async () => {
      for (const other of TYPES) {
        let to = commonType(from, other)
        for (const value of VALUES[from]!)
          if ((await one(losesDigits(value, from))) === true) to = textInstead(to)
        expect(await one(conversion(`NULL::${from}`, from, to))).toBeNull()
        const results: string[] = []
        for (const value of VALUES[from]!) {
          const result = await one(`to_json(${conversion(value, from, to)})::VARCHAR`)
          expect([value, to, result]).not.toEqual([value, to, null])
          results.push(String(result))
        }
        expect([from, to, new Set(results).size]).toEqual([from, to, results.length])
      }
    })
  }

  it("says numbers in Druid's words", async () => {
    expect(await one(conversion("'nan'::DOUBLE", "DOUBLE", "VARCHAR"))).toBe("NaN")
    expect(await one(conversion("'-inf'::FLOAT", "FLOAT", "VARCHAR"))).toBe("-Infinity")
    expect(await one(`${conversion("'inf'::DOUBLE", "DOUBLE", "JSON")}::VARCHAR`)).toBe('"Infinity"')
    expect(await one(`${conversion("'5'", "VARCHAR", "JSON")}::VARCHAR`)).toBe('"5"')
    expect(await one(`${conversion("5::BIGINT", "BIGINT", "JSON")}::VARCHAR`)).toBe("5")
  })

  it("takes DOUBLE for integers only where every digit survives", async () => {
    expect(await one(losesDigits("9007199254740992::BIGINT", "BIGINT"))).toBe(false)
    expect(await one(losesDigits("9007199254740993::BIGINT", "BIGINT"))).toBe(true)
    expect(await one(losesDigits("9223372036854775807::BIGINT", "BIGINT"))).toBe(true)
    expect(await one(losesDigits("[1::BIGINT, 9007199254740993::BIGINT]", "BIGINT[]"))).toBe(true)
    expect(await one(losesDigits("[1::BIGINT, NULL]", "BIGINT[]"))).toBe(false)
  })
})

describe("several values", () => {
  const column = (duckdbType: string, multiValue?: true, druidType = "STRING") => ({
    name: "c",
    target: "c",
    druidType,
    duckdbType,
    ...(multiValue ? { multiValue } : {}),
  })

  it("go from list to JSON and back as the config wants them", async () => {
    expect(commonColumn(column("VARCHAR[]", true), column("JSON", true))).toEqual(column("JSON", true))
    expect(commonColumn(column("JSON", true), column("VARCHAR[]", true))).toEqual(column("VARCHAR[]", true))
    expect(commonColumn(column("VARCHAR"), column("JSON", true))).toEqual(column("JSON", true))
    const list = "['a', NULL, '[\"b\"]']"
    const there = conversion(list, "VARCHAR[]", "JSON")
    expect(await one(`${conversion(`(${there})`, "JSON", "VARCHAR[]")} = ${list}`)).toBe(true)
    expect(await one(`${conversion("'[\"a\"]'", "VARCHAR", "VARCHAR[]")} = ['["a"]']`)).toBe(true)
  })

  it("are not made of nested JSON", () => {
    expect(
      commonColumn(column("JSON", undefined, "COMPLEX<json>"), column("VARCHAR[]", true)).duckdbType,
    ).toBe("JSON")
  })
})

describe("reconcile", () => {
  const wanted = (name: string, duckdbType: string) => ({
    name,
    druidType: "X",
    sqlType: "",
    multiValue: false,
    duckdbType,
  })

  it("names what is new, what changed, and what is gone and why", () => {
    const { table } = reconcile(undefined, [
      wanted("a", "BIGINT"),
      wanted("b", "VARCHAR"),
      wanted("c", "VARCHAR"),
    ])
    const { changes, table: after } = reconcile(table, [wanted("a", "DOUBLE"), wanted("d", "JSON")], {
      leftOut: new Set(["b"]),
    })
    expect(
      changes.map((change) => (change.kind === "renamed" ? "" : `${change.kind} ${change.column.name}`)),
    ).toEqual(["retyped a", "added d", "vanished b", "vanished c"])
    expect(changes.flatMap((change) => (change.kind === "vanished" ? [change.why] : []))).toEqual([
      "config",
      "druid",
    ])
    expect(after.map((one) => one.name)).toEqual(["a", "b", "c", "d"])
  })

  it("gives the hash another name where Druid has a column of that one", () => {
    const { rowHash } = reconcile(undefined, [wanted("_row_hash", "VARCHAR")], { rowHash: true })
    expect(rowHash!.target).toBe("_row_hash_2")
    expect(reconcile(undefined, [wanted("a", "VARCHAR")], { rowHash: true }).rowHash!.target).toBe(
      "_row_hash",
    )
  })
})
