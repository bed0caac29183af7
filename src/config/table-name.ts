/** Names of tables: how a datasource names its table, and how a table is named where people look. Pure. */
import { fold } from "../base/names.ts"
import type { DatasourceSettings } from "./settings.ts"

/** Start of the names that druidsync keeps for its own tables (`_sync_state`, `_sync_chunks`, `_sync_runs`). */
export const OWN_TABLE_PREFIX = "_sync_"

/**
 * The table that a datasource becomes when nothing else is said: each character (code point) but letters, digits
 * and the underscore turns into `_`. Letters and digits are Unicode's (`日本.v2` → `日本_v2`): a name that a person
 * can read stays so, and every table name is quoted in SQL anyway.
 */
export function tableName(datasource: string): string {
  return datasource.replace(/[^\p{L}\p{N}_]/gu, "_")
}

/** The table that one of Druid's lookups becomes. */
export function lookupTable(lookup: string): string {
  return `lookup_${tableName(lookup)}`
}

/** Whether the name is kept for druidsync's own tables. */
export function isOwnTable(table: string): boolean {
  return fold(table).startsWith(OWN_TABLE_PREFIX)
}

/** What events say of a table: the datasource, and the table where there are several of it. */
export interface Label {
  readonly datasource: string
  readonly table?: string
}

export function labelOf({
  name,
  table,
  hasSiblings,
}: Pick<DatasourceSettings, "name" | "table" | "hasSiblings">): Label {
  return hasSiblings === true ? { datasource: name, table } : { datasource: name }
}
