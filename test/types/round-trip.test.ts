/**
 * Random typed rows, written as Druid writes them, through the real loader and a commit into a file, and out again:
 * equal (invariant I7). More than 10,000 rows; a failing seed is named and can be put into `SEEDS`.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Column } from "../../src/base/domain.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import { databaseFile } from "../../src/store/file/file.ts"
import { commit } from "../../src/store/rows/commit.ts"
import { reconcile } from "../../src/store/rows/drift.ts"
import { stage } from "../../src/store/rows/stage.ts"
import { duckdbTypeOf } from "../../src/store/rows/types.ts"
import { type Random, random } from "./random.ts"

const SEEDS = Array.from({ length: 30 }, (_, n) => 1_000 + n)
const ROWS = 400

let folder: string
let engine: Engine

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "druidsync-types-"))
  engine = await openEngine({ memoryLimit: "300MB", threads: 2 })
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A value as Druid writes it, and as DuckDB must give it. */
interface Cell {
  readonly written: string
  readonly value: unknown
}

type Maker = (random: Random) => Cell

const NOTHING: Cell = { written: "null", value: null }

/** As Jackson writes strings: non-BMP characters escaped, U+2028 and U+007F raw. */
function jackson(text: string): string {
  return JSON.stringify(text).replace(
    /[\ud800-\udfff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function text(r: Random): string {
  const pieces = r.of([
    () =>
      r.of([
        "",
        " ",
        "null",
        "[]",
        '["a","b"]',
        '[null,"a"]',
        "{}",
        "5",
        "1e5",
        "NaN",
        "true",
        "2020-01-01",
        "\\",
        '"',
      ])!,
    () => String.fromCharCode(r.int(0, 0x24)),
    () =>
      String.fromCodePoint(
        r.of([0x7f, 0x85, 0xa0, 0x2028, 0x2029, 0xfeff, 0xfffd, 0xffff, 0x1f600, 0x10ffff])!,
      ),
    () => String.fromCodePoint(r.int(0xe000, 0x10ffff)),
    () => r.of(["word", "ü", "数据", "e\u0301"])!,
  ])!
  const length = r.of([1, 1, 2, 5, r.int(0, 60)])!
  return Array.from({ length }, () => pieces()).join("")
}

function long(r: Random): bigint {
  const edge = [0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n]
  return r.of([() => r.of(edge)!, () => BigInt.asIntN(64, r.bits64()), () => BigInt(r.int(-1000, 1000))])!()
}

function double(r: Random): number {
  const edge = [
    0,
    -0,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    Number.MAX_VALUE,
    Number.NaN,
    Infinity,
    -Infinity,
    0.1,
  ]
  const anyBits = () => new Float64Array(new BigUint64Array([r.bits64()]).buffer)[0]!
  return r.of([() => r.of(edge)!, anyBits, () => r.int(-1e6, 1e6) / 8, () => r.int(0, 3)])!()
}

function float(r: Random): number {
  const edge = [0, -0, 1.4e-45, 3.4028235e38, 1.17549435e-38, Number.NaN, Infinity, -Infinity, 0.1, 16777217]
  const anyBits = () => new Float32Array(new Uint32Array([Number(r.bits64() & 0xffffffffn)]).buffer)[0]!
  return Math.fround(r.of([() => r.of(edge)!, anyBits, () => r.int(-1000, 1000) / 8])!())
}

/** Java writes `1.0E10` and `-0.0`, and what is no number as a string. */
function javaNumber(value: number, digits: string): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"'
  if (Object.is(value, -0)) return "-0.0"
  const [mantissa, exponent] = digits.split("e")
  const whole = mantissa!.includes(".") ? mantissa! : `${mantissa}.0`
  return exponent === undefined ? whole : `${whole}E${exponent.replace("+", "")}`
}

/** Nine digits tell any FLOAT. */
const floatDigits = (value: number) => Number(value.toPrecision(9)).toString()

function json(r: Random, depth = 0): string {
  if (depth > 3 || r.int(0, 2) === 0)
    return r.of([
      () => jackson(text(r)),
      () => `${long(r)}`,
      () => "true",
      () => "null",
      () => "1.0E10",
      () => "{}",
      () => "[]",
    ])!()
  const items = Array.from({ length: r.int(0, 3) }, () => json(r, depth + 1))
  return r.int(0, 1) === 0
    ? `[${items}]`
    : `{${items.map((item, n) => `${jackson(`${text(r)}${n}`)}:${item}`)}}`
}

const scalars: Record<string, Maker> = {
  STRING: (r) => {
    const value = text(r)
    return { written: jackson(value), value }
  },
  LONG: (r) => {
    const value = long(r)
    return { written: `${value}`, value }
  },
  DOUBLE: (r) => {
    const value = double(r)
    return { written: javaNumber(value, `${value}`), value }
  },
  FLOAT: (r) => {
    const value = float(r)
    return { written: javaNumber(value, floatDigits(value)), value }
  },
}

const listOf =
  (element: Maker): Maker =>
  (r) => {
    const cells = Array.from({ length: r.of([0, 1, 2, 5])! }, () =>
      r.int(0, 4) === 0 ? NOTHING : element(r),
    )
    return { written: `[${cells.map((cell) => cell.written)}]`, value: cells.map((cell) => cell.value) }
  }

const makers: Record<string, Maker> = {
  ...scalars,
  "ARRAY<STRING>": listOf(scalars.STRING!),
  "ARRAY<LONG>": listOf(scalars.LONG!),
  "ARRAY<DOUBLE>": listOf(scalars.DOUBLE!),
  "ARRAY<FLOAT>": listOf(scalars.FLOAT!),
  several: listOf(scalars.STRING!),
  "COMPLEX<json>": (r) => {
    const value = json(r)
    return value === "null" ? NOTHING : { written: jackson(value), value }
  },
  "COMPLEX<thetaSketch>": (r) => {
    const bytes = Buffer.from(Array.from({ length: r.int(0, 40) }, () => r.int(0, 255)))
    return { written: jackson(JSON.stringify(bytes.toString("base64"))), value: bytes.toString("hex") }
  },
}

const DAY = { start: 1_577_836_800_000n, end: 1_577_923_200_000n }

function columnsFor(r: Random): { columns: Column[]; makers: Maker[] } {
  const kinds = Object.keys(makers).filter(() => r.int(0, 2) > 0)
  const wanted = [
    { name: "__time", druidType: "LONG", sqlType: "TIMESTAMP", multiValue: false, duckdbType: "TIMESTAMP" },
    ...kinds.map((kind, n) => {
      const multiValue = kind === "several"
      const druidType = multiValue ? "STRING" : kind
      const name = r.of([kind, `${text(r)} ${n}`])!
      return {
        name,
        druidType,
        sqlType: "",
        multiValue,
        duckdbType: duckdbTypeOf(name, druidType, multiValue).duckdbType,
      }
    }),
  ]
  return { columns: [...reconcile(undefined, wanted).columns], makers: kinds.map((kind) => makers[kind]!) }
}

/** How a stored value is read back so that the client has no say in it: strings as JSON, bytes as hex. */
function reading({ target, duckdbType }: Column): string {
  const name = `"${target.replaceAll('"', '""')}"`
  if (duckdbType === "TIMESTAMP") return `epoch_ms(${name})`
  if (duckdbType === "VARCHAR" || duckdbType === "VARCHAR[]") return `to_json(${name})::VARCHAR`
  if (duckdbType === "BLOB") return `lower(hex(${name}))`
  return duckdbType === "JSON" ? `to_json(${name}::VARCHAR)::VARCHAR` : name
}

function found(column: Column, value: unknown): unknown {
  if (value === null) return null
  if (["VARCHAR", "VARCHAR[]", "JSON"].includes(column.duckdbType)) return JSON.parse(String(value))
  if (typeof value === "object" && "items" in value) return (value as { items: unknown[] }).items
  return value
}

describe("random rows", () => {
  for (const seed of SEEDS) {
    it(`come out of a file as they went in (seed ${seed})`, async () => {
      const r = random(seed)
      const { columns, makers: make } = columnsFor(r)
      const lines: string[] = []
      const expected: unknown[][] = []
      for (let n = 0; n < ROWS; n++) {
        const time = DAY.start + BigInt(n)
        const cells = make.map((maker) => (r.int(0, 5) === 0 ? NOTHING : maker(r)))
        lines.push(`[${[time, ...cells.map((cell) => cell.written)]}]`)
        expected.push([time, ...cells.map((cell) => cell.value)])
      }
      const spool = join(folder, `${seed}.jsonl`)
      writeFileSync(spool, `${lines.join("\n")}\n\n`)
      const staged = await stage(engine, `stage_${seed}`, spool, columns, [DAY])
      expect([staged.rows, ...staged.counts]).toEqual([ROWS, ROWS])

      const path = join(folder, `${seed}.duckdb`)
      const schema = reconcile(undefined, columns).table
      const part = { interval: DAY, segments: "s", rows: ROWS, state: "complete", settings: "" } as const
      await commit(
        engine,
        databaseFile(engine, {
          path,
          lockWaitMs: 0,
          clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
        }),
        [
          {
            target: { datasource: "d", table: "t", settings: "", schema },
            slices: [{ staged, columns, parts: [part], replacing: [], bytes: 0 }],
            refreshed: [],
            keep: [],
            remove: [],
          },
        ],
        { id: "run", nowMs: 0 },
      )
      await engine.run(`ATTACH '${path}' AS back (READ_ONLY)`)
      const rows = await engine.rows(`SELECT ${columns.map(reading)} FROM back.t ORDER BY __time`)
      await engine.run("DETACH back")
      expect(rows.map((row) => row.map((value, n) => found(columns[n]!, value)))).toEqual(expected)
    }, 60_000)
  }
})
