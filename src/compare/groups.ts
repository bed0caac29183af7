/**
 * Groups of both sides: the bucket, what tells groups apart and the number of rows must be equal to the bit. Measures are
 * held to what Druid itself promises of them: it adds floating-point numbers in any order, and estimates are estimates. Pure.
 */
import type { Column } from "../base/domain.ts"
import { isEstimate } from "../druid/estimates.ts"
import type { Grouping } from "../druid/sql.ts"
import { columnName, type Sides } from "./sides.ts"

/** How a measure is compared. */
export type Strictness =
  /** every digit and character */
  | "exact"
  /** a floating-point number: within `NEAR` of the greater one */
  | "near"
  /** Druid estimates it: within `ESTIMATE` of the greater one; of a sketch, whether there is one */
  | "estimate"
  /** the value of one row or some, and Druid does not promise which: whether there is one */
  | "presence"

const NEAR = 1e-9
const ESTIMATE = 0.1

const OF_SOME_ROW = /\b(ANY_VALUE|EARLIEST\w*|LATEST\w*|STRING_AGG|LISTAGG|ARRAY_AGG|ARRAY_CONCAT_AGG)\s*\(/i
const FLOATING: ReadonlySet<string> = new Set(["FLOAT", "DOUBLE"])

function strictnessOf({
  expression = "",
  duckdbType,
}: Pick<Column, "expression" | "duckdbType">): Strictness {
  if (OF_SOME_ROW.test(expression)) return "presence"
  if (isEstimate(expression)) return "estimate"
  return FLOATING.has(duckdbType) ? "near" : "exact"
}

/** Names of the measures of which not every digit is compared. */
export function looselyCompared({ measures }: Grouping, columns: readonly Column[]): string[] {
  const isMeasure = new Set(measures.map(({ name }) => name))
  return columns
    .filter((column) => isMeasure.has(column.name) && /estimate|presence/.test(strictnessOf(column)))
    .map(({ name }) => name)
}

/**
 * The same sides, with the left one's measures as the right one has them where they are as equal as can be asked. What is
 * compared as a multiset afterwards differs only where it should not.
 */
export function loosened(sides: Sides, { by, measures }: Grouping, columns: readonly Column[]): Sides {
  const isKey = new Set(["__time", ...by.map(({ name }) => name)])
  const isMeasure = new Set(measures.map(({ name }) => name))
  const read = new Map(columns.map((column) => [column.name, column]))
  const values = sides.names.map((name, k) => {
    const column = read.get(name)
    const [l, r] = [`l.${columnName(k)}`, `r.${columnName(k)}`]
    const strictness = column === undefined || !isMeasure.has(name) ? "exact" : strictnessOf(column)
    return strictness === "exact"
      ? `${l} AS ${columnName(k)}`
      : `CASE WHEN ${isAlike(l, r, strictness)} THEN ${r} ELSE ${l} END AS ${columnName(k)}`
  })
  const keys = sides.names.flatMap((name, k) => (isKey.has(name) ? [columnName(k)] : []))
  const same = ["stretch", ...keys].map((key) => `l.${key} IS NOT DISTINCT FROM r.${key}`).join(" AND ")
  const left = `SELECT l.stretch, ${values.join(", ")} FROM (${sides.left}) l LEFT JOIN (${sides.right}) r ON ${same}`
  return { ...sides, left }
}

function isAlike(l: string, r: string, strictness: Exclude<Strictness, "exact">): string {
  const both = `${l} IS NOT NULL AND ${r} IS NOT NULL`
  if (strictness === "presence") return both
  const [a, b] = [`TRY_CAST(${l}::VARCHAR AS DOUBLE)`, `TRY_CAST(${r}::VARCHAR AS DOUBLE)`]
  const most = strictness === "near" ? NEAR : ESTIMATE
  const isNear = `abs(${a} - ${b}) <= ${most} * greatest(abs(${a}), abs(${b}), 1)`
  // Of a sketch there is no number.
  return strictness === "near" ? isNear : `(${both} AND coalesce(${isNear}, TRUE))`
}
