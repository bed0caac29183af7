/**
 * What happens to a table when Druid's columns are not the ones it has: pure decisions. New columns are added, vanished
 * ones stay, a changed type becomes one that holds both without loss. Nothing is ever cast to NULL (FEATURES.md B7).
 */
import type { Column } from "../domain.ts"
import { targetNames } from "./names.ts"
import type { StoredColumn } from "./state.ts"

export type SchemaChange =
  | { readonly kind: "added"; readonly column: StoredColumn }
  | { readonly kind: "retyped"; readonly column: StoredColumn; readonly from: StoredColumn }
  | { readonly kind: "vanished"; readonly column: StoredColumn }

export interface Reconciled {
  /** the table's columns after the change, in the table's order */
  readonly table: readonly StoredColumn[]
  /** Druid's columns with the names they have in this table */
  readonly columns: readonly Column[]
  readonly changes: readonly SchemaChange[]
}

/**
 * @param stored columns that the table has; undefined where there is no table yet
 * @param wanted Druid's columns now, `target` not decided yet
 */
export function reconcile(
  stored: readonly StoredColumn[] | undefined,
  wanted: readonly Omit<Column, "target">[],
): Reconciled {
  const known = new Map((stored ?? []).map((column) => [column.name, column]))
  const fresh = wanted.filter((column) => !known.has(column.name))
  const freshTargets = targetNames(
    fresh.map((column) => column.name),
    [...known.values()].map((column) => column.target),
  )
  const targets = new Map(fresh.map((column, n) => [column.name, freshTargets[n]!]))
  const columns = wanted.map((column): Column => {
    const target = known.get(column.name)?.target ?? targets.get(column.name)!
    return { ...column, target }
  })

  const table = [...known.values()]
  const changes: SchemaChange[] = []
  for (const column of columns) {
    const was = known.get(column.name)
    const { name, target, druidType, duckdbType } = column
    if (was === undefined) {
      const added = { name, target, druidType, duckdbType }
      table.push(added)
      if (stored !== undefined) changes.push({ kind: "added", column: added })
      continue
    }
    const type = commonType(was.duckdbType, duckdbType)
    if (type !== was.duckdbType || druidType !== was.druidType) {
      const changed = { name, target, druidType, duckdbType: type }
      table[table.indexOf(was)] = changed
      if (type !== was.duckdbType) changes.push({ kind: "retyped", column: changed, from: was })
    }
  }
  const present = new Set(columns.map((column) => column.name))
  for (const column of known.values())
    if (!present.has(column.name)) changes.push({ kind: "vanished", column })
  return { table, columns, changes }
}

/**
 * The type that holds the values of both. BIGINT with DOUBLE is DOUBLE only where the values survive, which needs a look
 * at them: `numericFallback` names the pairs, and the commit looks.
 */
export function commonType(stored: string, wanted: string): string {
  if (stored === wanted) return stored
  const pair = [stored, wanted].sort().join("+")
  if (pair === "DOUBLE+FLOAT" || pair === "BIGINT+DOUBLE") return "DOUBLE"
  if (pair === "VARCHAR+VARCHAR[]") return "VARCHAR[]"
  if (pair === "DOUBLE[]+FLOAT[]") return "DOUBLE[]"
  return stored === "VARCHAR[]" || wanted === "VARCHAR[]" ? "VARCHAR[]" : "VARCHAR"
}

/** SQL that turns a value of one type into another that `commonType` chose, without loss. */
export function conversion(expression: string, from: string, to: string): string {
  if (from === to) return expression
  if (to === "VARCHAR[]") {
    const text = conversion(expression, from, "VARCHAR")
    if (from.endsWith("[]")) return `list_transform(${expression}, lambda x: x::VARCHAR)`
    return `CASE WHEN ${expression} IS NULL THEN NULL ELSE [${text}] END`
  }
  if (to === "VARCHAR") {
    if (from.endsWith("[]")) return `to_json(${expression})::VARCHAR`
    if (from === "BLOB") return `to_base64(${expression})`
    return `${expression}::VARCHAR`
  }
  return `${expression}::${to}`
}
