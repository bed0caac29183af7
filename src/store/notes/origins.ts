/** Which cluster each datasource was pulled from, kept in `_sync_origins`. Files of before 0.2 have no such table. */
import { type Engine, literal } from "../engine.ts"
import { insertRows, readRows } from "./sync-table.ts"
import { ORIGINS } from "./tables.ts"

/** By datasource. @param tables names of the tables in the file */
export async function readOrigins(
  engine: Engine,
  tables: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (!tables.includes(ORIGINS.name)) return new Map()
  const rows = await readRows(engine, ORIGINS, ["datasource", "origin"])
  return new Map(rows.map(({ datasource, origin }) => [datasource, origin]))
}

/** Notes the origin of these. Nothing is written where it is known. Call within a write, after `ensureTables`. */
export async function writeOrigins(
  engine: Engine,
  datasources: readonly string[],
  origin: string,
  nowMs: number,
): Promise<void> {
  const known = await readOrigins(engine, [ORIGINS.name])
  const due = datasources.filter((datasource) => known.get(datasource) !== origin)
  if (due.length === 0) return
  await engine.run(`DELETE FROM file.${ORIGINS.name} WHERE datasource IN (${due.map(literal).join(", ")})`)
  await insertRows(
    engine,
    ORIGINS,
    due.map((datasource) => ({ datasource, origin, notedMs: nowMs })),
  )
}
