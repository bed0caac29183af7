/** The scalar functions that the fake knows, each with its result type. A test that needs one more adds it here. */
import { chunkOf, type Granularity } from "../model/time.ts"
import { elementType, type Value } from "../model/values.ts"

/** Druid's native type and SQL type. */
export interface SqlType {
  readonly druid: string
  readonly sql: string
}

export const BIGINT: SqlType = { druid: "LONG", sql: "BIGINT" }
export const INTEGER: SqlType = { druid: "LONG", sql: "INTEGER" }
export const DOUBLE: SqlType = { druid: "DOUBLE", sql: "DOUBLE" }
export const DECIMAL: SqlType = { druid: "DOUBLE", sql: "DECIMAL" }
export const VARCHAR: SqlType = { druid: "STRING", sql: "VARCHAR" }
export const BOOLEAN: SqlType = { druid: "LONG", sql: "BOOLEAN" }
export const TIMESTAMP: SqlType = { druid: "LONG", sql: "TIMESTAMP" }

export interface ScalarFunction {
  readonly arity: number
  /** takes further arguments */
  readonly more?: boolean
  /** is called with null arguments too; else null in is null out */
  readonly takesNull?: boolean
  type(args: readonly SqlType[]): SqlType
  apply(...args: Value[]): Value
  /** in place of `apply`, where the arguments' types matter */
  bind?(args: readonly SqlType[]): (...args: Value[]) => Value
}

const PERIODS: Readonly<Record<string, Granularity>> = {
  PT1S: "SECOND",
  PT1M: "MINUTE",
  PT5M: "FIVE_MINUTE",
  PT15M: "FIFTEEN_MINUTE",
  PT1H: "HOUR",
  P1D: "DAY",
  P1W: "WEEK",
  P1M: "MONTH",
  P1Y: "YEAR",
}

/** Functions of texts take each of several values by itself. */
const ofEach = (text: Value, apply: (one: string) => string): Value =>
  Array.isArray(text) ? text.map((one) => (one === null ? null : apply(String(one)))) : apply(String(text))

const values = (mv: Value): readonly Value[] => (Array.isArray(mv) ? mv : [mv])

export const SCALAR_FUNCTIONS: Readonly<Record<string, ScalarFunction>> = {
  TIMESTAMP_TO_MILLIS: { arity: 1, type: () => BIGINT, apply: (time) => time! },
  MILLIS_TO_TIMESTAMP: { arity: 1, type: () => TIMESTAMP, apply: (time) => time! },
  // The fake knows no time zone but UTC, and no origin.
  TIME_FLOOR: {
    arity: 2,
    more: true,
    takesNull: true,
    type: () => TIMESTAMP,
    apply: (time, period) => chunkOf(time as bigint, PERIODS[period as string] ?? "DAY").start,
  },
  MV_TO_ARRAY: {
    arity: 1,
    type: () => ({ druid: "ARRAY<STRING>", sql: "ARRAY" }),
    apply: (mv) => values(mv!),
  },
  MV_LENGTH: { arity: 1, type: () => INTEGER, apply: (mv) => BigInt(values(mv!).length) },
  // Nested data is JSON text here already, and `$` is all of it.
  JSON_QUERY: { arity: 2, type: () => ({ druid: "COMPLEX<json>", sql: "OTHER" }), apply: (json) => json! },
  TO_JSON_STRING: { arity: 1, type: () => VARCHAR, apply: (json) => json! },
  CHAR_LENGTH: { arity: 1, type: () => INTEGER, apply: (text) => BigInt(String(text).length) },
  LENGTH: { arity: 1, type: () => INTEGER, apply: (text) => BigInt(String(text).length) },
  LOWER: { arity: 1, type: () => VARCHAR, apply: (text) => ofEach(text!, (one) => one.toLowerCase()) },
  UPPER: { arity: 1, type: () => VARCHAR, apply: (text) => ofEach(text!, (one) => one.toUpperCase()) },
  ABS: {
    arity: 1,
    type: ([type]) => type!,
    apply: (n) => (typeof n === "bigint" ? (n < 0n ? -n : n) : Math.abs(n as number)),
  },
  MOD: {
    arity: 2,
    type: ([type]) => type!,
    apply: (a, b) =>
      typeof a === "bigint" && typeof b === "bigint" ? (b === 0n ? null : a % b) : Number(a) % Number(b),
  },
}

/** Type of a column of a datasource. */
export function columnType(name: string, druid: string): SqlType {
  if (name === "__time") return TIMESTAMP
  if (druid === "LONG") return BIGINT
  if (druid === "STRING") return VARCHAR
  if (druid === "DOUBLE" || druid === "FLOAT") return { druid, sql: druid }
  return { druid, sql: elementType(druid) === undefined ? "OTHER" : "ARRAY" }
}
