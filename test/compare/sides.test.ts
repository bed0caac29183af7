/** Two SELECTs on one engine: the comparison that `verify` and the lake share. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import {
  type AskPrints,
  comparePrints,
  differingColumns,
  type Print,
} from "../../src/compare/fingerprints.ts"
import { compareMultisets } from "../../src/compare/multisets.ts"
import { comparable, sideSql } from "../../src/compare/sides.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"

let engine: Engine
beforeAll(async () => {
  engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
})
afterAll(() => engine.close())

/** Both sides of `(time, value)`, given as the rows of VALUES. */
function sidesOf(type: string, left: string, right: string) {
  const columns = [
    { type: "TIMESTAMP", expression: "make_timestamp(t * 1000)" },
    { type, expression: `v::${type}` },
  ]
  const side = (values: string) => sideSql(columns, `(VALUES ${values}) AS side(t, v)`, "t // 100")
  return { names: ["__time", "v"], left: side(left), right: side(right) }
}

const compare = (type: string, left: string, right: string, stretches = 1, buckets = 1) =>
  compareMultisets(engine, sidesOf(type, left, right), stretches, buckets)

describe("equal", () => {
  for (const [what, type, value] of [
    ["NULL", "VARCHAR", "NULL"],
    ["NaN", "DOUBLE", "'NaN'"],
    ["-0.0", "FLOAT", "'-0.0'"],
    ["a list with NULL", "VARCHAR[]", "['a', NULL]"],
    ["a list with NaN", "DOUBLE[]", "['NaN']"],
    ["bytes", "BLOB", "'\\x00\\xFF'"],
  ] as const) {
    it(`is ${what} to itself`, async () => {
      const [found] = await compare(type, `(1, ${value})`, `(1, ${value})`)
      expect(found).toEqual({ onlyLeft: 0, onlyRight: 0, columns: [], examples: [] })
    })
  }

  it("is a multiset in any order", async () => {
    const [found] = await compare("BIGINT", "(1, 5), (2, 6), (1, 5)", "(2, 6), (1, 5), (1, 5)")
    expect(found).toMatchObject({ onlyLeft: 0, onlyRight: 0 })
  })
})

describe("different", () => {
  for (const [what, type, a, b] of [
    ["-0.0 and 0.0", "DOUBLE", "'-0.0'", "'0.0'"],
    ["-0.0 and 0.0 in a list", "DOUBLE[]", "['-0.0']", "['0.0']"],
    ["[] and [NULL]", "BIGINT[]", "[]", "[NULL]"],
    ["NULL and ''", "VARCHAR", "NULL", "''"],
    ["NULL and []", "VARCHAR[]", "NULL", "[]"],
    ["JSON with another space", "JSON", `'{"a":1}'`, `'{"a": 1}'`],
  ] as const) {
    it(`are ${what}, by rows and by hash`, async () => {
      const [found] = await compare(type, `(1, ${a})`, `(1, ${b})`)
      expect(found).toMatchObject({ onlyLeft: 1, onlyRight: 1, columns: ["v"] })
      const hash = (value: string) => `hash(${comparable(`${value}::${type}`, type)})`
      expect(await engine.rows(`SELECT ${hash(a)} = ${hash(b)}`)).toEqual([[false]])
    })
  }

  it("is found for each stretch, with the side that has it more often, how often, and at most three of a side", async () => {
    const left = "(1, 1), (101, 7), (101, 7), (201, 1), (202, 2), (203, 3), (204, 4)"
    const found = await compare("BIGINT", left, "(1, 1), (101, 7)", 3)
    expect(found.map(({ onlyLeft, onlyRight }) => [onlyLeft, onlyRight])).toEqual([
      [0, 0],
      [1, 0],
      [4, 0],
    ])
    expect(found[1]!.examples).toEqual([{ times: 1, values: ["1970-01-01 00:00:00.101", "7"] }])
    expect(found[2]!.examples).toHaveLength(3)
  })

  it("names the time alone where that differs, whatever stands at it", async () => {
    const [found] = await compare("BIGINT", "(1, 5)", "(2, 5)")
    expect(found!.columns).toEqual(["__time"])
  })

  it("is the same in any number of buckets", async () => {
    const [one] = await compare("BIGINT", "(1, 1), (2, 2), (3, 3), (4, 4)", "(1, 1), (2, 9), (3, 3), (4, 8)")
    const [many] = await compare(
      "BIGINT",
      "(1, 1), (2, 2), (3, 3), (4, 4)",
      "(1, 1), (2, 9), (3, 3), (4, 8)",
      1,
      7,
    )
    expect(one).toMatchObject({ onlyLeft: 2, onlyRight: 2, columns: ["v"] })
    expect({ ...many, examples: many!.examples.length }).toEqual({ ...one, examples: 4 })
  })
})

describe("fingerprints", () => {
  /** Sides whose sums are the names of the columns asked for, with `time` for the time; the right adds a mark. */
  function askWith(differs: readonly string[]): { ask: AskPrints<{ name: string }>; asked: string[][] } {
    const asked: string[][] = []
    const ask: AskPrints<{ name: string }> = async (groups) => {
      const sums = groups.map((group) => group.map(({ name }) => name).join("+") || "time")
      asked.push(sums)
      const print = (mark: string): Print[] => [
        { rows: 1, sums: sums.map((sum) => (differs.includes(sum) ? sum + mark : sum)) },
      ]
      return [print(""), print("!")]
    }
    return { ask, asked }
  }
  const columns = Array.from({ length: 90 }, (_, n) => ({ name: `c${n}` }))

  it("name each column that differs, some dozens to a question", async () => {
    const { ask, asked } = askWith(["c3", "c89"])
    expect(await differingColumns(ask, columns)).toEqual([["c3", "c89"]])
    expect(asked.map((sums) => sums.length)).toEqual([41, 41, 11])
  })

  it("name the time alone where it differs, and whether a table of times alone does", async () => {
    expect(await differingColumns(askWith(["time", "c1"]).ask, columns)).toEqual([["__time"]])
    expect(await differingColumns(askWith(["time"]).ask, [])).toEqual([["__time"]])
  })

  it("are equal only where the rows are as many and every sum is the same", async () => {
    const print = (rows: number, ...sums: string[]): Print => ({ rows, sums })
    const ask: AskPrints<never> = async () => [
      [print(1, "a", "b"), print(1, "a", "b"), print(2, "0", "0")],
      [print(1, "a", "b"), print(1, "a", "c"), print(3, "0", "0")],
    ]
    expect((await comparePrints(ask, [[], []])).map((one) => one.isEqual)).toEqual([true, false, false])
  })
})
