/**
 * `_row_hash`: the SHA-256 of a row's values, for users who need a surrogate identity. Identical rows
 * have identical hashes, and stay separate rows.
 *
 * What is hashed is the row as JSON text, `{"__time":1577836800000,"page":"Main"}`: one key for each value that is not
 * NULL, keys by Druid's names in ascending order of their UTF-16 units, no spaces. So a column that appears later
 * does not change the hashes of rows that have no value in it, and the order of columns plays no part.
 */
import type { Column } from "../../base/domain.ts"
import { literal } from "../engine.ts"
import { jsonOf } from "./convert.ts"

/** Name that the column would like to have in DuckDB. */
export const ROW_HASH_TARGET = "_row_hash"

/** Stands for the column where columns are known by their names in Druid, which are never empty. */
export const ROW_HASH_NAME = ""

/** The column as the schema and the state keep it. */
export function rowHashColumn(target: string): Column {
  return { name: ROW_HASH_NAME, target, druidType: "", sqlType: "", multiValue: false, duckdbType: "VARCHAR" }
}

/**
 * SQL of the hash: 64 lower-case hex digits.
 * @param valueSql SQL of a column's typed value
 */
export function rowHashExpression(columns: readonly Column[], valueSql: (column: Column) => string): string {
  const sorted = [...columns].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const pairs = sorted.map(
    (column) =>
      `${literal(`${JSON.stringify(column.name)}:`)} || ${jsonOf(valueSql(column), column.duckdbType)}::VARCHAR`,
  )
  // A NULL value makes its pair NULL, and concat_ws leaves NULLs out.
  return `sha256('{' || concat_ws(',', ${pairs.join(", ")}) || '}')`
}
