/**
 * Columns that segments hold and Druid's SQL does not show, kept in `_sync_unlisted` with the time of the first sight: what
 * a broker does not know yet, it knows soon; what it hides stays hidden. Files of before 0.2 have no such table.
 */
import type { Engine } from "../engine.ts"
import { readNotes, replaceNotes } from "./sync-table.ts"
import { UNLISTED } from "./tables.ts"

/** Columns of one table, each with the time when it was first seen so, epoch ms. */
export type Unlisted = ReadonlyMap<string, number>

/** By table. @param tables names of the tables in the file */
export async function readUnlisted(
  engine: Engine,
  tables: readonly string[],
): Promise<ReadonlyMap<string, Unlisted>> {
  const found = new Map<string, Map<string, number>>()
  for (const { table, column, sinceMs } of await readNotes(engine, tables, UNLISTED, "*")) {
    const columns = found.get(table) ?? new Map<string, number>()
    found.set(table, columns.set(column, sinceMs))
  }
  return found
}

/** Replaces what was noted of these tables. Call within a write, after `ensureTables`. */
export async function writeUnlisted(
  engine: Engine,
  found: readonly { readonly datasource: string; readonly table: string; readonly unlisted: Unlisted }[],
): Promise<void> {
  const rows = found.flatMap(({ datasource, table, unlisted }) =>
    [...unlisted].map(([column, sinceMs]) => ({ datasource, table, column, sinceMs })),
  )
  await replaceNotes(engine, UNLISTED, found, rows)
}
