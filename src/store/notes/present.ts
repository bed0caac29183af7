/**
 * The state of the file, and its checkpoints whose rows are not all there any more: other programs may empty a table, or
 * take rows out of it and put rows in. Numbers of rows alone tell; that a value was changed is found by `verify`.
 */
import type { Part } from "../../base/domain.ts"
import { sumOf } from "../../base/lists.ts"
import { quoteName } from "../../base/names.ts"
import { says } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { countsByInterval } from "../rows/interval-counts.ts"
import { partsOf } from "./checkpoints.ts"
import { EMPTY_STATE, type FileState, type HeldState, readAttached } from "./state.ts"

export interface PresentState extends FileState {
  /** by table: checkpoints that have another number of rows than was committed. They count as not held. */
  readonly changed: ReadonlyMap<string, readonly Part[]>
}

/** @throws DruidsyncError `locked`, `foreign`, `file` */
export async function readPresent(
  engine: Engine,
  file: DatabaseFile,
  signal?: AbortSignal,
): Promise<PresentState> {
  if (!file.exists()) return { ...EMPTY_STATE, changed: new Map() }
  return file.read(async () => {
    const state = await readAttached(engine, file.path)
    const changed = new Map<string, readonly Part[]>()
    for (const held of await suspects(engine, [...state.held.values()])) {
      const parts = await changedParts(engine, held)
      if (parts.length === 0) continue
      changed.set(held.table, parts)
    }
    return { ...state, changed }
  }, signal)
}

/** Those whose tables have another number of rows than their checkpoints say: DuckDB knows it without reading a row. */
async function suspects(engine: Engine, all: readonly HeldState[]): Promise<HeldState[]> {
  if (all.length === 0) return []
  const counts = all.map(({ table }) => `SELECT ${literal(table)}, count(*) FROM file.${quoteName(table)}`)
  const rows = new Map(
    (await engine.rows(counts.join(" UNION ALL "))).map(([name, count]) => [String(name), Number(count)]),
  )
  return all.filter(({ table, sums }) => rows.get(table) !== sumOf(sums.values(), (one) => one.rows))
}

async function changedParts(engine: Engine, { table }: HeldState): Promise<Part[]> {
  const parts = await partsOf(engine, table)
  try {
    const counts = await countsByInterval(
      engine,
      `file.${quoteName(table)}`,
      parts.map((part) => part.interval),
    )
    return parts.filter((part, n) => counts[n] !== part.rows)
  } catch (error) {
    // It has no times any more, or is a view: the commit says so in better words.
    if (says(error, "ofTable")) return []
    throw error
  }
}
