/**
 * Finds what one of two multisets of rows has more often than the other, as DuckDB SQL: Druid's rows count 1 each, ours
 * -1, equal rows are added up, and what is not 0 differs. Grouping takes NULL for equal to NULL and NaN to NaN, and spills
 * to disk where memory ends. Pure.
 */
import type { Interval } from "../base/domain.ts"
import { quoteName } from "../base/names.ts"
import { duckdbBucket, duckdbWhere } from "./sql.ts"

/** A column of both sides in one type. */
export interface DiffColumn {
  readonly name: string
  readonly type: string
  /** SQL over the staged rows */
  readonly druid: string
  /** SQL over the stored rows */
  readonly duckdb: string
}

/** Differing rows shown per stretch and side. */
export const EXAMPLES = 3

const name = (k: number) => `c${k}`

/** Makes table `difference`: number of the interval `unit`, the columns `c0…`, and how many more Druid has: `n`. */
export function diffSql(
  staged: string,
  table: string,
  columns: readonly DiffColumn[],
  intervals: readonly Interval[],
): string {
  const side = (expressions: readonly string[], from: string, weight: number, where: string) => {
    const values = expressions.map((expression, k) => `${comparable(expression, columns[k]!)} AS ${name(k)}`)
    return `SELECT ${duckdbBucket(intervals)} AS unit, ${[...values, `${weight} AS side`].join(", ")} FROM ${from}${where}`
  }
  const druid = side(
    columns.map((column) => column.druid),
    quoteName(staged),
    1,
    "",
  )
  const duckdb = side(
    columns.map((column) => column.duckdb),
    `file.${quoteName(table)}`,
    -1,
    ` WHERE ${duckdbWhere(intervals)}`,
  )
  return (
    `CREATE OR REPLACE TABLE difference AS SELECT * EXCLUDE (side), sum(side)::BIGINT AS n FROM ` +
    `(${druid} UNION ALL ${duckdb}) GROUP BY ALL HAVING sum(side) <> 0`
  )
}

/** Grouping takes -0.0 for 0.0; as text they differ. JSON is compared as its text. */
function comparable(expression: string, { type }: DiffColumn): string {
  if (type === "JSON") return `(${expression})::VARCHAR`
  if (type !== "DOUBLE" && type !== "FLOAT") return expression
  return `CASE WHEN (${expression}) = 0 AND signbit(${expression}) THEN '-0.0' ELSE (${expression})::VARCHAR END`
}

/** Numbers of the intervals that differ: in whole rows, or in the values that one column has at each time. */
export function differingSql(column: number | undefined): string {
  if (column === undefined) return "SELECT DISTINCT unit FROM difference"
  const keys = [...new Set(["unit", name(0), name(column)])].join(", ")
  return `SELECT DISTINCT unit FROM (SELECT ${keys} FROM difference GROUP BY ${keys} HAVING sum(n) <> 0)`
}

/** Some differing rows of each interval, from both sides: rows of `[interval number, n, values as text…]`. */
export function examplesSql(columns: readonly DiffColumn[]): string {
  const values = columns.map((_, k) => `${name(k)}::VARCHAR`)
  const order = columns.map((_, k) => name(k)).join(", ")
  return (
    `SELECT unit, n, ${values.join(", ")} FROM difference ` +
    `QUALIFY row_number() OVER (PARTITION BY unit, n > 0 ORDER BY ${order}) <= ${EXAMPLES} ORDER BY unit, c0, n`
  )
}
