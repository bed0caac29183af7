/** Which cluster each table was pulled from, kept in `_sync_origins`. Files of before 0.2 have no such table. */
import type { Engine } from "../engine.ts"
import { readNotes, replaceNotes } from "./sync-table.ts"
import { ORIGINS } from "./tables.ts"

/** By table. @param tables names of the tables in the file */
export async function readOrigins(
  engine: Engine,
  tables: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await readNotes(engine, tables, ORIGINS, ["table", "origin"])
  return new Map(rows.map(({ table, origin }) => [table, origin]))
}

/** Notes the origin of these. Nothing is written where it is known. Call within a write, after `ensureTables`. */
export async function writeOrigins(
  engine: Engine,
  owners: readonly { readonly datasource: string; readonly table: string }[],
  origin: string,
  nowMs: number,
): Promise<void> {
  const known = await readOrigins(engine, [ORIGINS.name])
  const due = owners.filter(({ table }) => known.get(table) !== origin)
  const rows = due.map(({ datasource, table }) => ({ datasource, table, origin, notedMs: nowMs }))
  await replaceNotes(engine, ORIGINS, due, rows)
}
