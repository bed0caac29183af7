/**
 * Every kind of column that Druid can hold, with the values that are hard to keep: what is ingested and what must be
 * found in DuckDB. Written by hand, value by value; no code of druidsync's has a part in it.
 */
import type { Dimension } from "../../scripts/druid/index.ts"

/** A value on its way: JSON text as Druid's ingestion reads it, and the JavaScript value that DuckDB must give. */
export interface Passage {
  readonly given: string
  readonly stored: unknown
}

/** A column, with a value for each of the first rows; the others have NULL. */
export interface Kind {
  readonly name: string
  readonly dimension?: Dimension
  readonly metric?: Readonly<Record<string, unknown>>
  readonly duckdbType: string
  readonly comment: string
  readonly values: readonly Passage[]
  /** what rows without a value hold; default null */
  readonly absent?: unknown
}

/** Sketches are compared with the bytes that Druid answers for the same row. */
export const DRUIDS_BYTES = Symbol("the bytes that Druid answers")

/** Text as JSON in pure ASCII, so that the test file and the network have no say in it. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

const same = (value: unknown): Passage => ({ given: ascii(value), stored: value })
const to = (given: string, stored: unknown): Passage => ({ given, stored })

const controls = Array.from({ length: 0x21 }, (_, code) => String.fromCharCode(code)).concat(
  "\u007f",
  "\u0085",
)

const texts: readonly string[] = [
  ...controls.map((control) => `a${control}b`),
  "\u0000",
  "\u0000\u0000 twice",
  controls.join(""),
  "\u2028 and \u2029",
  "a byte order mark \ufeff",
  "\ufffe\uffff",
  "😀 👩‍👩‍👧‍👧 𝕏",
  "ünïcödé 数据 עברית",
  "e\u0301 is not \u00e9",
  '"',
  "\\",
  '\\"',
  "\\u0041",
  "\\n",
  "'",
  "''",
  "`",
  "$1",
  "%s",
  "--",
  "/*",
  ";",
  " ",
  "  two  ",
  "\t",
  "null",
  "NULL",
  "true",
  "false",
  "NaN",
  "Infinity",
  "-Infinity",
  "0",
  "-0",
  "007",
  "1e5",
  "1.0",
  "9223372036854775808",
  "2020-01-01",
  "2020-01-01T00:00:00.000Z",
  "1577836800000",
  "[]",
  "[1]",
  "[null]",
  '["a"]',
  '["a","b"]',
  '[null,"a"]',
  "{}",
  '{"a":1}',
  "{",
  "[",
  "['a']",
]

/** What the release makes of values; see docs/types.md, "Older releases". */
export interface Release {
  readonly major: number
}

/** All kinds for a release. */
export function kinds({ major }: Release): Kind[] {
  const string = (name: string, more: object = {}): Dimension => ({ type: "string", name, ...more })
  const all: Kind[] = [
    {
      name: "text",
      dimension: string("text"),
      duckdbType: "VARCHAR",
      comment: "Druid STRING",
      values: [
        ...texts.map(same),
        to('""', ""),
        to("null", null),
        // Ingestion makes a question mark of half a character: there is none in Druid.
        to('"\\ud800"', "?"),
        to('"x\\udc00y"', "x?y"),
        to("5", "5"),
        to("true", "true"),
      ],
    },
    {
      name: "long text",
      dimension: string("long text"),
      duckdbType: "VARCHAR",
      comment: "Druid STRING",
      values: [same("m".repeat(1 << 20)), same("ä".repeat(100_000)), same(`${'\\"\u0000'.repeat(50_000)}`)],
    },
    {
      name: "several",
      dimension: string("several"),
      duckdbType: "VARCHAR[]",
      comment: "Druid STRING, several values",
      values: [
        to('["a","b"]', ["a", "b"]),
        to(ascii('["a","b"]'), ['["a","b"]']),
        to(ascii('[null,"a"]'), ['[null,"a"]']),
        to('["one"]', ["one"]),
        to('"one"', ["one"]),
        to("[]", null),
        to("null", null),
        to("[null]", null),
        to('""', [""]),
        // Stored in order, as is Druid's default, NULL first; ingestion in 25 left it out.
        to('["b",null,"a","a"]', major < 28 ? ["a", "a", "b"] : [null, "a", "a", "b"]),
        to('["", "z"]', ["", "z"]),
        to(ascii(["x\u0000y", "\u2028", "😀", '"', "\\"]), ['"', "\\", "x\u0000y", "\u2028", "😀"]),
        to("[1,2.5,true]", ["1", "2.5", "true"]),
      ],
    },
    {
      name: "several in order",
      dimension: string("several in order", { multiValueHandling: "ARRAY" }),
      duckdbType: "VARCHAR[]",
      comment: "Druid STRING, several values",
      values: [to('["b","a","b"]', ["b", "a", "b"]), to('["a"]', ["a"])],
    },
    {
      name: "long",
      dimension: { type: "long", name: "long" },
      duckdbType: "BIGINT",
      comment: "Druid LONG",
      values: [
        to("9223372036854775807", 9223372036854775807n),
        to("-9223372036854775808", -9223372036854775808n),
        to("9007199254740993", 9007199254740993n),
        to("-9007199254740993", -9007199254740993n),
        to("0", 0n),
        to("-1", -1n),
        to('"77"', 77n),
        to("null", null),
      ],
    },
    {
      name: "double",
      dimension: { type: "double", name: "double" },
      duckdbType: "DOUBLE",
      comment: "Druid DOUBLE",
      values: [
        to('"NaN"', Number.NaN),
        to('"Infinity"', Number.POSITIVE_INFINITY),
        to('"-Infinity"', Number.NEGATIVE_INFINITY),
        to("-0.0", -0),
        to("0.0", 0),
        to("4.9E-324", 5e-324),
        to("-2.2250738585072009E-308", -2.225073858507201e-308),
        to("1.7976931348623157E308", Number.MAX_VALUE),
        to("0.1", 0.1),
        to("0.30000000000000004", 0.1 + 0.2),
        to("1.0E7", 1e7),
        to("123456789012345680", 123456789012345680),
        to("9007199254740993", 9007199254740992),
        to("5", 5),
      ],
    },
    {
      name: "float",
      dimension: { type: "float", name: "float" },
      duckdbType: "FLOAT",
      comment: "Druid FLOAT",
      values: [
        to('"NaN"', Number.NaN),
        to('"Infinity"', Number.POSITIVE_INFINITY),
        to('"-Infinity"', Number.NEGATIVE_INFINITY),
        to("-0.0", -0),
        to("1.4E-45", Math.fround(1.4e-45)),
        to("1.17549421E-38", Math.fround(1.17549421e-38)),
        to("3.4028235E38", Math.fround(3.4028235e38)),
        to("0.1", Math.fround(0.1)),
        to("16777217", 16777216),
      ],
    },
    {
      name: "all null text",
      dimension: string("all null text"),
      duckdbType: "VARCHAR",
      comment: "Druid STRING",
      values: [],
    },
    {
      name: "all null long",
      dimension: { type: "long", name: "all null long" },
      duckdbType: "BIGINT",
      comment: "Druid LONG",
      values: [],
    },
  ]
  all.push(json(), ...(major >= 28 ? arrays() : []), ...aggregates(major))
  return all
}

function json(): Kind {
  const deep = `${"[".repeat(500)}1${"]".repeat(500)}`
  return {
    name: "json",
    dimension: { type: "json", name: "json" },
    duckdbType: "JSON",
    comment: "Druid COMPLEX<json>",
    values: [
      to('{"b":1,"a":{"c":[1,2,{"d":null}]},"b2":""}', '{"b":1,"a":{"c":[1,2,{"d":null}]},"b2":""}'),
      to(
        '{"n":9007199254740993,"m":-9223372036854775808}',
        '{"n":9007199254740993,"m":-9223372036854775808}',
      ),
      // Beyond 64 bits Druid's ingestion makes a double of an integer.
      to('{"n":123456789012345678901234567890}', '{"n":1.2345678901234568E29}'),
      to("[]", "[]"),
      to("{}", "{}"),
      to("[1,[2,[3]]]", "[1,[2,[3]]]"),
      to("5", "5"),
      to('"a \\"string\\""', '"a \\"string\\""'),
      to('"x\\u0000\\u2028"', '"x\\u0000\u2028"'),
      to("true", "true"),
      to("1.5", "1.5"),
      to("null", null),
      to(deep, deep),
    ],
  }
}

function arrays(): Kind[] {
  const auto = (name: string): Dimension => ({ type: "auto", name })
  return [
    {
      name: "texts",
      dimension: auto("texts"),
      duckdbType: "VARCHAR[]",
      comment: "Druid ARRAY<STRING>",
      values: [
        to('["b","a",null,""]', ["b", "a", null, ""]),
        to("[]", []),
        to("[null]", [null]),
        to("null", null),
        to(ascii(['["a","b"]', "\u0000", "\u2028", "😀", "null"]), [
          '["a","b"]',
          "\u0000",
          "\u2028",
          "😀",
          "null",
        ]),
      ],
    },
    {
      name: "longs",
      dimension: auto("longs"),
      duckdbType: "BIGINT[]",
      comment: "Druid ARRAY<LONG>",
      values: [
        to("[9223372036854775807,null,-9223372036854775808]", [
          9223372036854775807n,
          null,
          -9223372036854775808n,
        ]),
        to("[]", []),
        to("[null]", [null]),
        to("null", null),
        to("[9007199254740993]", [9007199254740993n]),
      ],
    },
    {
      name: "doubles",
      dimension: auto("doubles"),
      duckdbType: "DOUBLE[]",
      comment: "Druid ARRAY<DOUBLE>",
      values: [
        to("[1.5,null,-0.0,4.9E-324,1.7976931348623157E308]", [1.5, null, -0, 5e-324, Number.MAX_VALUE]),
        to("[1e400,-1e400]", [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
        to("[]", []),
        to("[null]", [null]),
        to("null", null),
      ],
    },
  ]
}

/** Aggregators' states. Their column is made of the field `user` or `value`, which have their values here. */
function aggregates(major: number): Kind[] {
  const sketch = (name: string, type: string, complex: string, more: object): Kind => ({
    name,
    metric: { type, name, ...more },
    duckdbType: "BLOB",
    comment: `Druid COMPLEX<${complex}>`,
    values: [],
    absent: DRUIDS_BYTES,
  })
  const user = { fieldName: "user" }
  const value = { fieldName: "value" }
  const pair = (name: string, type: string, complex: string, more: object): Kind => ({
    name,
    metric: { type, name, ...more },
    duckdbType: "JSON",
    comment: `Druid COMPLEX<serializablePair${complex}>`,
    values: [],
    absent: DRUIDS_BYTES,
  })
  // In 28 doubleLast and its like still stored the bare number; in 33 they store a pair of time and number.
  const pairs =
    major <= 28
      ? []
      : [
          pair("last double", "doubleLast", "LongDouble", value),
          pair("first long", "longFirst", "LongLong", { fieldName: "value" }),
          pair("last float", "floatLast", "LongFloat", value),
        ]
  return [
    sketch("hll", "HLLSketchBuild", "HLLSketch", user),
    sketch("hll 8", "HLLSketchBuild", "HLLSketch", { ...user, lgK: 14, tgtHllType: "HLL_8" }),
    sketch("theta", "thetaSketch", "thetaSketch", user),
    sketch("quantiles", "quantilesDoublesSketch", "quantilesDoublesSketch", value),
    sketch("kll", "KllDoublesSketch", "KllDoublesSketch", value),
    sketch("kll floats", "KllFloatsSketch", "KllFloatsSketch", value),
    sketch("tuple", "arrayOfDoublesSketch", "arrayOfDoublesSketch", { ...user, metricColumns: ["value"] }),
    sketch("hyper unique", "hyperUnique", "hyperUnique", user),
    pair("last text", "stringLast", "LongString", user),
    ...pairs,
  ]
}

/** Rows of the matrix: as many as the longest column needs. */
export function matrixRows(all: readonly Kind[]): number {
  return Math.max(...all.map((kind) => kind.values.length))
}

/** JSON lines to ingest: `id` counts the rows, `user` and `value` are for the aggregates. */
export function* matrixLines(all: readonly Kind[]): Generator<string> {
  const start = Date.UTC(2020, 0, 1)
  for (let row = 0; row < matrixRows(all); row++) {
    const fields = [`"__time":"${new Date(start + row * 1000).toISOString()}"`, `"id":${row}`]
    if (row % 5 !== 4)
      fields.push(`"user":${JSON.stringify(`user ${row % 7} ü`)}`, `"value":${row * 1.5 - 20}`)
    for (const { name, values, dimension } of all) {
      const value = values[row]
      if (dimension !== undefined && value !== undefined)
        fields.push(`${JSON.stringify(name)}:${value.given}`)
    }
    yield `{${fields.join(",")}}`
  }
}

/** What DuckDB must hold in a row. */
export function expected(kind: Kind, row: number): unknown {
  const value = kind.values[row]
  return value === undefined ? (kind.absent ?? null) : value.stored
}
