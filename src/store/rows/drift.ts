/**
 * What happens to a table when Druid's columns are not the ones it has: pure decisions. New columns are added, vanished
 * ones stay, a changed type becomes one that holds both without loss. Nothing is ever cast to NULL.
 */
import type { Column } from "../../base/domain.ts"
import type { StoredColumn } from "../notes/tables.ts"
import { ROW_HASH_NAME, ROW_HASH_TARGET, rowHashColumn } from "./row-hash.ts"
import { targetNames } from "./target-names.ts"

export type SchemaChange =
  | { readonly kind: "added"; readonly column: StoredColumn }
  | { readonly kind: "retyped"; readonly column: StoredColumn; readonly from: StoredColumn }
  | {
      readonly kind: "vanished"
      readonly column: StoredColumn
      /** whether Druid has it no more, or the config leaves it out */
      readonly why: "druid" | "config"
    }
  /** the config gives the table another name */
  | { readonly kind: "renamed"; readonly from: string; readonly to: string }

export interface Reconciled {
  /** the table's columns after the change, in the table's order */
  readonly table: readonly StoredColumn[]
  /** Druid's columns with the names they have in this table */
  readonly columns: readonly Column[]
  /** the column of hashes, if there is one */
  readonly rowHash: Column | undefined
  readonly changes: readonly SchemaChange[]
}

export interface ReconcileOptions {
  /** rows get a column with their hash */
  readonly rowHash?: boolean
  /** names that Druid has and the config leaves out */
  readonly leftOut?: ReadonlySet<string>
}

/**
 * @param stored columns that the table has; undefined if there is no table yet
 * @param wanted Druid's columns now, `target` not decided yet
 */
export function reconcile(
  stored: readonly StoredColumn[] | undefined,
  wanted: readonly Omit<Column, "target">[],
  options: ReconcileOptions = {},
): Reconciled {
  const known = new Map((stored ?? []).map((column) => [column.name, column]))
  const fresh = wanted.filter((column) => !known.has(column.name))
  const taken = [...known.values()].map((column) => column.target)
  const freshTargets = targetNames(
    fresh.map((column) => column.name),
    taken,
  )
  const targets = new Map(fresh.map((column, n) => [column.name, freshTargets[n]!]))
  const columns = wanted.map((column): Column => {
    const target = known.get(column.name)?.target ?? targets.get(column.name)!
    return { ...column, target }
  })
  // Druid's own column of that name comes first: ours is the one that takes another.
  const rowHash =
    options.rowHash === true
      ? rowHashColumn(
          known.get(ROW_HASH_NAME)?.target ?? targetNames([ROW_HASH_TARGET], [...taken, ...freshTargets])[0]!,
        )
      : undefined

  const table = [...known.values()]
  const changes: SchemaChange[] = []
  for (const column of rowHash === undefined ? columns : [...columns, rowHash]) {
    const was = known.get(column.name)
    if (was === undefined) {
      const added = storedColumn(column)
      table.push(added)
      if (stored !== undefined) changes.push({ kind: "added", column: added })
      continue
    }
    const now = commonColumn(was, storedColumn(column))
    const isSame =
      now.duckdbType === was.duckdbType &&
      now.druidType === was.druidType &&
      now.expression === was.expression &&
      now.isHashed === was.isHashed
    if (isSame) continue
    table[table.indexOf(was)] = now
    if (now.duckdbType !== was.duckdbType) changes.push({ kind: "retyped", column: now, from: was })
  }
  const present = new Set(columns.map((column) => column.name))
  if (rowHash !== undefined) present.add(ROW_HASH_NAME)
  for (const column of known.values()) {
    if (present.has(column.name)) continue
    const isConfig = column.name === ROW_HASH_NAME || options.leftOut?.has(column.name) === true
    changes.push({ kind: "vanished", column, why: isConfig ? "config" : "druid" })
  }
  return { table, columns, rowHash, changes }
}

function storedColumn(column: Column): StoredColumn {
  const { name, target, druidType, duckdbType, multiValue, expression, hashed } = column
  return {
    name,
    target,
    druidType,
    duckdbType,
    ...(multiValue ? { multiValue } : {}),
    ...(expression === undefined ? {} : { expression }),
    ...(hashed === undefined ? {} : { isHashed: true as const }),
  }
}

/** What the table's column becomes so that it holds its own values and the wanted column's. */
export function commonColumn(
  stored: StoredColumn,
  wanted: Omit<StoredColumn, "name" | "target">,
): StoredColumn {
  const { name, target } = stored
  const { druidType, expression, isHashed } = wanted
  // Several strings are several strings, as a list or as JSON: the config's choice of today wins.
  const isSeveral = stored.multiValue === true && wanted.multiValue === true
  const becomesSeveral = stored.duckdbType === "VARCHAR" && wanted.multiValue === true
  const duckdbType =
    isSeveral || becomesSeveral ? wanted.duckdbType : commonType(stored.duckdbType, wanted.duckdbType)
  const multiValue = isSeveral || (becomesSeveral && stored.druidType === "STRING")
  return {
    name,
    target,
    druidType,
    duckdbType,
    ...(multiValue ? { multiValue } : {}),
    ...(expression === undefined ? {} : { expression }),
    ...(isHashed === undefined ? {} : { isHashed }),
  }
}

const NUMBERS = new Set(["BIGINT", "FLOAT", "DOUBLE"])

/**
 * The type that holds the values of both. Integers with DOUBLE are DOUBLE only where all digits survive, which needs a
 * look at the values: the commit looks (`losesDigits`), and takes `textInstead` where they do not. JSON holds anything:
 * a text becomes a JSON string, as Druid itself answers it once a column has become COMPLEX<json>.
 */
export function commonType(stored: string, wanted: string): string {
  if (stored === wanted) return stored
  if (stored === "JSON" || wanted === "JSON") return "JSON"
  if (NUMBERS.has(stored) && NUMBERS.has(wanted)) return "DOUBLE"
  if (stored.endsWith("[]") || wanted.endsWith("[]"))
    return `${commonType(elementOf(stored), elementOf(wanted))}[]`
  return "VARCHAR"
}

/** A scalar goes into a list as its only element. */
function elementOf(type: string): string {
  return type.endsWith("[]") ? type.slice(0, -2) : type
}

/** Where DOUBLE would lose digits: `DOUBLE[]` → `VARCHAR[]`. */
export function textInstead(type: string): string {
  return type.replace("DOUBLE", "VARCHAR")
}
