/** What the file says of Druid's lookups that it holds: `_sync_lookups`. Files of before 0.2 have no such table. */
import { type Engine, literal } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { insertRows, type RowOf, readNotes, updateRows } from "./sync-table.ts"
import { ensureTables, LOOKUPS, tableNames } from "./tables.ts"

export type HeldLookup = RowOf<typeof LOOKUPS>

/** By name; those whose table was dropped are not held. @param tables names of the tables in the file */
export async function readLookups(engine: Engine, tables: readonly string[]): Promise<HeldLookup[]> {
  const rows = await readNotes(engine, tables, LOOKUPS, "*", "ORDER BY lookup")
  return rows.filter(({ table }) => tables.includes(table))
}

/** The same of a file that is not attached. @throws DruidsyncError `locked`, `foreign`, `file` */
export async function heldLookups(
  engine: Engine,
  file: DatabaseFile,
  signal?: AbortSignal,
): Promise<HeldLookup[]> {
  if (!file.exists()) return []
  return file.read(async () => readLookups(engine, await tableNames(engine)), signal)
}

/** Writes a lookup's row anew. Call within a write, after `ensureTables`. */
export async function noteLookup(engine: Engine, note: HeldLookup): Promise<void> {
  await engine.run(`DELETE FROM file.${LOOKUPS.name} WHERE lookup = ${literal(note.lookup)}`)
  await insertRows(engine, LOOKUPS, [note])
}

/** What a run found of lookups that it did not replace. */
export type Looked = Pick<HeldLookup, "lookup" | "status" | "message">

/** @param nowMs when those that are as in Druid were compared; undefined if nothing is to be noted */
export async function noteLooked(
  engine: Engine,
  file: DatabaseFile,
  looked: readonly Looked[],
  nowMs: number,
): Promise<void> {
  if (looked.length === 0) return
  await file.write(async () => {
    await ensureTables(engine)
    for (const { lookup, status, message } of looked) {
      const compared = status === "complete" ? { comparedMs: nowMs } : {}
      await updateRows(engine, LOOKUPS, "lookup", [{ lookup, status, message, ...compared }])
    }
  })
}
