import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import fc from "fast-check"
import type { Column } from "../../src/base/domain.ts"
import { DruidsyncError } from "../../src/base/errors.ts"
import { dropStaged, stage } from "../../src/store/rows/stage.ts"
import { column, druidDouble, druidFloat, druidString, Store } from "./support.ts"

let store: Store
beforeAll(async () => {
  store = await Store.open()
})
afterAll(() => store.close())

const ALL = { start: -4611686018427387904n, end: 4611686018427387903n }

/** A kind of column: random values, how Druid writes them, and how they read in DuckDB, as text that tells all apart. */
interface Kind<T> {
  readonly column: Column
  readonly values: fc.Arbitrary<T | null>
  readonly write: (value: T) => string
  readonly expect: (value: T) => unknown
  /** SQL that shows the stored value exactly */
  readonly show: (name: string) => string
}

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom(
      "\u0000",
      "\u0001",
      "\n",
      "\r",
      "\t",
      '"',
      "\\",
      "/",
      "\u007f",
      "\u2028",
      "\u2029",
      "\ufeff",
      "😀",
      "é",
      "[",
      "]",
      "{",
      ",",
      "'",
      " ",
    ),
    maxLength: 12,
  }),
  fc.constantFrom(
    "",
    "null",
    "NULL",
    "true",
    "5",
    "05",
    "1e5",
    "2020-01-01",
    "[1]",
    '["a","b"]',
    '{"a":1}',
    "NaN",
    "\\u0041",
  ),
)
// Druid has no lone surrogates: a `?` stands where one was.
const wholeText = text.map((value) => value.toWellFormed().replaceAll("\ufffd", "?"))

const long = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 0n, -1n),
)
const double = fc.oneof(
  fc.double(),
  fc.constantFrom(
    -0,
    0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    5e-324,
    -5e-324,
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    2.2250738585072014e-308,
    1e22,
    1e21,
    0.1,
    123456789012345680,
  ),
)
const float = fc.oneof(
  fc.float(),
  fc.constantFrom(
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1.401298464324817e-45,
    Math.fround(3.4028235e38),
    Math.fround(0.1),
  ),
)
const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 8, nil: null })
const listOf = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(nullable(arbitrary), { maxLength: 5 })
const writeList =
  <T>(write: (value: T) => string) =>
  (values: readonly (T | null)[]) =>
    `[${values.map((value) => (value === null ? "null" : write(value))).join(",")}]`

/** Bits of a number: NaN is NaN, -0.0 is not 0.0. */
const bits = (value: number) => (Number.isNaN(value) ? "NaN" : Object.is(value, -0) ? "-0" : String(value))

// The client's reader drops a U+FEFF at the start of a text: bytes are compared.
const hex = (value: string) => Buffer.from(value, "utf8").toString("hex").toUpperCase()
const hexList = (values: readonly (string | null)[]) =>
  values.map((value) => (value === null ? null : hex(value)))
const showHex = (n: string) => `hex(encode(${n}))`
const showHexList = (n: string) => `list_transform(${n}, lambda x: hex(encode(x)))`

const json = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.stringify(value).toWellFormed())
  .filter((value) => value !== "null")

// biome-ignore lint/suspicious/noExplicitAny: kinds of different value types stand in one list
const kinds: Kind<any>[] = [
  {
    column: column("__time", "LONG"),
    values: fc.bigInt({ min: -62135596800000n, max: 253402300799999n }),
    write: String,
    expect: (v: bigint) => v,
    show: (n) => `epoch_ms(${n})`,
  },
  {
    column: column("s", "STRING"),
    values: nullable(wholeText),
    write: druidString,
    expect: hex,
    show: showHex,
  },
  {
    column: column("mv", "STRING", { multiValue: true }),
    values: nullable(listOf(wholeText)),
    write: writeList(druidString),
    expect: hexList,
    show: showHexList,
  },
  {
    column: column("l", "LONG"),
    values: nullable(long),
    write: String,
    expect: (v: bigint) => v,
    show: (n) => n,
  },
  { column: column("f", "FLOAT"), values: nullable(float), write: druidFloat, expect: bits, show: (n) => n },
  {
    column: column("d", "DOUBLE"),
    values: nullable(double),
    write: druidDouble,
    expect: bits,
    show: (n) => n,
  },
  {
    column: column("as", "ARRAY<STRING>"),
    values: nullable(listOf(wholeText)),
    write: writeList(druidString),
    expect: hexList,
    show: showHexList,
  },
  {
    column: column("al", "ARRAY<LONG>"),
    values: nullable(listOf(long)),
    write: writeList(String),
    expect: (v) => v,
    show: (n) => n,
  },
  {
    column: column("ad", "ARRAY<DOUBLE>"),
    values: nullable(listOf(double)),
    write: writeList(druidDouble),
    expect: (v: (number | null)[]) => v.map((x) => (x === null ? null : bits(x))),
    show: (n) => n,
  },
  {
    column: column("af", "ARRAY<FLOAT>"),
    values: nullable(listOf(float)),
    write: writeList(druidFloat),
    expect: (v: (number | null)[]) => v.map((x) => (x === null ? null : bits(x))),
    show: (n) => n,
  },
  {
    column: column("j", "COMPLEX<json>"),
    values: nullable(json),
    write: druidString,
    expect: hex,
    show: (n) => showHex(`${n}::VARCHAR`),
  },
  {
    column: column("h", "COMPLEX<HLLSketch>"),
    values: nullable(fc.uint8Array({ maxLength: 40 })),
    write: (v: Uint8Array) => druidString(druidString(Buffer.from(v).toString("base64"))),
    expect: (v: Uint8Array) => Buffer.from(v).toString("hex"),
    show: (n) => `lower(hex(${n}))`,
  },
  // names that could be mistaken for the reader's own
  {
    column: column("json", "STRING"),
    values: nullable(wholeText),
    write: druidString,
    expect: hex,
    show: showHex,
  },
]

/** What DuckDB's client gives, in the form of `expect`. */
function plain(value: unknown): unknown {
  if (value === null || typeof value === "bigint" || typeof value === "string") return value
  if (typeof value === "number") return bits(value)
  if (typeof value === "object" && "items" in value) return (value.items as unknown[]).map(plain)
  return String(value)
}

async function roundTrip(rows: readonly unknown[][]): Promise<unknown[][]> {
  const lines = rows.map(
    (row) => `[${row.map((value, k) => (value === null ? "null" : kinds[k]!.write(value))).join(",")}]`,
  )
  const columns = kinds.map((kind) => kind.column)
  const id = column("id", "LONG")
  const path = await store.spool(lines.map((line, n) => `${line.slice(0, -1)},${n}]`))
  const staged = await stage(store.engine, "t", path, [...columns, id], [ALL])
  expect(staged.rows).toBe(rows.length)
  expect(staged.counts).toEqual([rows.length])
  const list = kinds.map((kind) => kind.show(`"${kind.column.target}"`))
  const found = await store.engine.rows(`SELECT ${list.join(", ")} FROM t ORDER BY id`)
  await dropStaged(store.engine, "t")
  return found.map((row) => row.map(plain))
}

describe("values", () => {
  it("of every type come through as they are: 10,000 random rows and more", async () => {
    const row = fc.tuple(...kinds.map((kind) => kind.values))
    let count = 0
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 250, maxLength: 300, size: "max" }), async (rows) => {
        count += rows.length
        const expected = rows.map((one) =>
          one.map((value, k) => (value === null ? null : kinds[k]!.expect(value))),
        )
        expect(await roundTrip(rows)).toEqual(expected)
      }),
      { numRuns: 40, endOnFailure: true },
    )
    expect(count).toBeGreaterThanOrEqual(10_000)
  }, 120_000)

  it("of a megabyte and of thirty come through", async () => {
    for (const size of [1 << 20, 30 << 20]) {
      const long = `${"x".repeat(size - 4)}\u0000é😀`
      const path = await store.spool([`[5,${druidString(long)}]`, '[6,"b"]'])
      await stage(store.engine, "t", path, [column("__time", "LONG"), column("s", "STRING")], [ALL])
      const [row] = await store.engine.rows("SELECT md5(s), md5($1) FROM t WHERE epoch_ms(__time) = 5", [
        long,
      ])
      expect(row![0]).toBe(row![1])
    }
    await dropStaged(store.engine, "t")
  }, 60_000)
})

describe("what does not fit its type", () => {
  const refused = async (druidType: string, value: string) => {
    const path = await store.spool([`[5,${value}]`])
    return stage(store.engine, "t", path, [column("__time", "LONG"), column("v", druidType)], [ALL]).then(
      () => "taken",
      (error: unknown) => (error instanceof DruidsyncError ? error.code : `${error}`),
    )
  }

  it("is an error that names the fault, never NULL and never another value", async () => {
    for (const [type, value] of [
      ["LONG", "9223372036854775808"],
      ["LONG", '"x"'],
      ["DOUBLE", '"x"'],
      ["ARRAY<LONG>", "[9223372036854775808]"],
      ["ARRAY<LONG>", '["x"]'],
      ["ARRAY<LONG>", "5"],
      ["ARRAY<DOUBLE>", '["x"]'],
      ["COMPLEX<json>", '"{not json"'],
      ["COMPLEX<HLLSketch>", '"\\"not base64!\\""'],
    ] as const) {
      const code = await refused(type, value)
      expect({ type, value, isRefused: code === "type" || code === "response-cut" }).toEqual({
        type,
        value,
        isRefused: true,
      })
    }
  })

  it("is an error also where a row is no row at all", async () => {
    for (const line of ["{", '{"a":1}', "[1,"]) {
      const path = await store.spool(['[5,"a"]', line])
      const result = await stage(
        store.engine,
        "t",
        path,
        [column("__time", "LONG"), column("s", "STRING")],
        [ALL],
      ).then(
        (staged) => `taken: ${staged.rows}`,
        (error: unknown) => (error instanceof DruidsyncError ? error.code : `${error}`),
      )
      expect({ line, result }).toEqual({ line, result: "response-cut" })
    }
  })

  it("is an error where a row has too few or too many cells", async () => {
    for (const line of ["[5]", '[5,"a","b"]']) {
      const path = await store.spool(['[5,"a"]', line])
      const result = await stage(
        store.engine,
        "t",
        path,
        [column("__time", "LONG"), column("s", "STRING")],
        [ALL],
      ).then(
        (staged) => `taken: ${staged.rows}`,
        (error: unknown) => (error instanceof DruidsyncError ? error.code : `${error}`),
      )
      expect({ line, result }).toEqual({ line, result: "response-cut" })
    }
  })

  it("is an error where a time is beyond DuckDB's, and it names the time", async () => {
    for (const ms of [
      "4611686018427387902",
      "-4611686018427387903",
      "9223372036854776",
      "-9223372036854776",
    ]) {
      const path = await store.spool(["[5]", `[${ms}]`])
      const error = await stage(store.engine, "t", path, [column("__time", "LONG")], [ALL]).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(DruidsyncError)
      expect((error as DruidsyncError).code).toBe("type")
      expect((error as DruidsyncError).hint).toContain(ms)
    }
  })
})

describe("Druid's first and last instant", () => {
  it("are DuckDB's infinities, in the intervals that hold them", async () => {
    const times = [-4611686018427387904n, 5n, 4611686018427387903n]
    const path = await store.spool(times.map((ms) => `[${ms}]`))
    const intervals = [
      { start: -4611686018427387904n, end: -4611686018427387903n },
      { start: -4611686018427387903n, end: 5n },
      { start: 5n, end: 4611686018427387903n },
    ]
    const { counts } = await stage(store.engine, "t", path, [column("__time", "LONG")], intervals)
    expect(counts).toEqual([1, 0, 1])
    const rows = await store.engine.rows("SELECT __time::VARCHAR FROM t ORDER BY __time")
    expect(rows.flat()).toEqual(["-infinity", "1970-01-01 00:00:00.005", "infinity"])
  })
})

describe("counting what was staged", () => {
  const times = [column("__time", "LONG")]

  it("counts the rows of each interval: the start belongs to it, the end does not", async () => {
    const path = await store.spool([-1, 0, 5, 9, 10, 10, 19, 20].map((ms) => `[${ms}]`))
    const intervals = [
      { start: 0n, end: 10n },
      { start: 10n, end: 20n },
    ]
    const staged = await stage(store.engine, "t", path, times, intervals)
    expect(staged).toMatchObject({ rows: 8, counts: [3, 3] })
  })

  it("of no rows at all is zero", async () => {
    const path = await store.spool([])
    expect(await stage(store.engine, "t", path, times, [ALL])).toMatchObject({ rows: 0, counts: [0] })
  })

  it("works at the ends of what DuckDB's TIMESTAMP holds", async () => {
    const path = await store.spool(["[-9223372022400000]", "[9223372036854774]"])
    for (const interval of [ALL, { start: -9223372036854775n, end: 9223372036854775n }]) {
      expect(await stage(store.engine, "t", path, times, [interval])).toMatchObject({ rows: 2, counts: [2] })
    }
  })
})

describe("a text that Druid may have made of several values", () => {
  const columns = ["a", "b", "c"].map((name) => column(name, "STRING"))
  const suspectsOf = async (...rows: (string | null)[][]) => {
    const path = await store.spool(rows.map((row) => JSON.stringify([0, ...row])))
    return (await stage(store.engine, "t", path, [column("__time", "LONG"), ...columns], [ALL])).suspects
  }

  it("is found in whichever column and row it stands", async () => {
    expect(await suspectsOf(["x", null, ""], [null, '["x","y"]', "[[Help]]"])).toEqual(["b"])
    expect(await suspectsOf(['[null,"y"]', "[", "[1]"], ["x", "[nullable]", '["x","y"]'])).toEqual(["a", "c"])
  })

  it("is not what only begins with a bracket", async () => {
    expect(await suspectsOf(["[[Help]]", "[", ' ["x"]'], ["[null]", "[]", null])).toEqual([])
    expect(await suspectsOf()).toEqual([])
  })
})

describe("the spool's place", () => {
  it("may have a name that DuckDB could take for a pattern, or with quotes", async () => {
    for (const name of ["a[1]", "b*", "c?", "d'quote", "e{x,y}", "f %s $1"]) {
      const folder = join(store.folder, name)
      await mkdir(folder)
      const path = await store.spool(['[5,"a"]'], join(name, "slice.jsonl"))
      const staged = await stage(
        store.engine,
        "t",
        path,
        [column("__time", "LONG"), column("s", "STRING")],
        [ALL],
      )
      expect({ name, rows: staged.rows }).toEqual({ name, rows: 1 })
    }
  })
})

describe("batches of a data node", () => {
  const columns = [
    column("__time", "LONG"),
    column("s", "STRING"),
    column("tags", "STRING", { multiValue: true }),
    column("sketch", "COMPLEX<HLLSketch>"),
  ]
  const batch = (segmentId: string, ...events: string[]) =>
    `{"segmentId":"${segmentId}","columns":["a","b","c","d"],"events":[${events.join(",")}]}`
  const staged = (path: string, segments: readonly string[]) =>
    stage(store.engine, "t", path, columns, [ALL], undefined, { kind: "batches", segments })

  it("are rows as those of SQL, counted per segment", async () => {
    const path = await store.spool([
      batch("one", '[5,"a",["x","y"],"AQI="]', "[6,null,null,null]"),
      batch("two", '[7,"[\\"a\\"]",["x"],null]'),
      batch("one", '[8,"",[],"AQI="]'),
    ])
    const { rows, latestMs, perSegment, suspects } = await staged(path, ["one", "nothing", "two"])
    expect({ rows, latestMs }).toEqual({ rows: 4, latestMs: 8n })
    expect({ perSegment, suspects }).toEqual({ perSegment: [3, 0, 1], suspects: ["s"] })
    expect(
      await store.engine.rows(`SELECT epoch_ms("__time"), s, tags::VARCHAR, hex(sketch) FROM t ORDER BY 1`),
    ).toEqual([
      [5n, "a", "[x, y]", "0102"],
      [6n, null, null, null],
      [7n, '["a"]', "[x]", null],
      [8n, "", "[]", "0102"],
    ])
  })

  it("are refused where a segment that was not asked for is among them", async () => {
    const path = await store.spool([batch("one", '[5,"a",null,null]'), batch("other", '[5,"a",null,null]')])
    await expect(staged(path, ["one"])).rejects.toMatchObject({ code: "response-cut", retryable: true })
  })

  it("are refused where a row has not the cells that were asked for, and where a line is cut", async () => {
    for (const line of [batch("one", "[5]"), batch("one", '[5,"a",null,null]').slice(0, -2)]) {
      const path = await store.spool([line])
      await expect(staged(path, ["one"])).rejects.toMatchObject({ code: "response-cut" })
    }
  })

  it("may be none", async () => {
    expect(await staged(await store.spool([]), ["one"])).toMatchObject({ rows: 0, perSegment: [0] })
  })
})
