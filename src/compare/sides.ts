/**
 * Two sides of a comparison in DuckDB: SELECTs that give the same columns, so that equal values mean the same rows.
 * Two such SELECTs can be compared by fingerprints (`fingerprints.ts`) or row by row, to find the rows that differ
 * (`multisets.ts`). Pure.
 */
import { conversion } from "../store/rows/convert.ts"

/** A column as one side has it. */
export interface SideColumn {
  /** DuckDB's type, the same on both sides */
  readonly type: string
  /** SQL over the rows of the side */
  readonly expression: string
}

/** Both sides. */
export interface Sides {
  /** of the columns `c0`, `c1`, …; the same for both */
  readonly names: readonly string[]
  /** SELECTs that give `stretch`, a number from 0, and `c0`, `c1`, … */
  readonly left: string
  readonly right: string
}

/** The name that a column has in a side's SELECT. */
export const columnName = (n: number) => `c${n}`

/**
 * The SELECT of one side.
 * @param from table and condition, as they follow FROM
 * @param stretch SQL of the number of the stretch that a row lies in
 */
export function sideSql(columns: readonly SideColumn[], from: string, stretch = "0"): string {
  const values = columns.map(
    ({ expression, type }, n) => `${comparable(expression, type)} AS ${columnName(n)}`,
  )
  return `SELECT ${[`${stretch} AS stretch`, ...values].join(", ")} FROM ${from}`
}

/**
 * A value so that equal means the same: DuckDB takes -0.0 for 0.0, and their texts differ; JSON is compared by its
 * letters; lists as JSON, since DuckDB hashes `[]` and `[NULL]` alike (tried with 1.5.6).
 */
export function comparable(expression: string, type: string): string {
  if (type === "FLOAT" || type === "DOUBLE" || type === "JSON") return `(${expression})::VARCHAR`
  return type.endsWith("[]") ? conversion(expression, type, "VARCHAR") : expression
}

/** Where times differ, every value seems to, since it stands at another time: then the time alone is named. */
export function tellingNames(differing: readonly string[]): readonly string[] {
  return differing.includes("__time") ? ["__time"] : differing
}
