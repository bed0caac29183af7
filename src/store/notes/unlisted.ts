/**
 * Columns that segments hold and Druid's SQL does not show, kept in `_sync_unlisted` with the time of the first sight: what
 * a broker does not know yet, it knows soon; what it hides stays hidden. Files of before 0.2 have no such table.
 */
import { type Engine, literal } from "../engine.ts"
import { insertRows, readRows } from "./sync-table.ts"
import { UNLISTED } from "./tables.ts"

/** Columns of one datasource, each with the time when it was first seen so, epoch ms. */
export type Unlisted = ReadonlyMap<string, number>

/** By datasource. @param tables names of the tables in the file */
export async function readUnlisted(
  engine: Engine,
  tables: readonly string[],
): Promise<ReadonlyMap<string, Unlisted>> {
  const found = new Map<string, Map<string, number>>()
  if (!tables.includes(UNLISTED.name)) return found
  for (const { datasource, column, sinceMs } of await readRows(engine, UNLISTED, "*")) {
    const columns = found.get(datasource) ?? new Map<string, number>()
    found.set(datasource, columns.set(column, sinceMs))
  }
  return found
}

/** Replaces what was noted of these datasources. Call within a write, after `ensureTables`. */
export async function writeUnlisted(engine: Engine, found: ReadonlyMap<string, Unlisted>): Promise<void> {
  if (found.size === 0) return
  const names = [...found.keys()].map(literal).join(", ")
  await engine.run(`DELETE FROM file._sync_unlisted WHERE datasource IN (${names})`)
  const rows = [...found].flatMap(([datasource, columns]) =>
    [...columns].map(([column, sinceMs]) => ({ datasource, column, sinceMs })),
  )
  await insertRows(engine, UNLISTED, rows)
}
