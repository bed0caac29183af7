/** Reads what the file says about itself: checkpoints, state and schema of each datasource. */
import type { Part } from "../../base/domain.ts"
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { readParts } from "./checkpoints.ts"
import { readOrigins } from "./origins.ts"
import { type RowOf, readRows } from "./sync-table.ts"
import { checkFormat, STATE, tableNames } from "./tables.ts"
import { readUnlisted, type Unlisted } from "./unlisted.ts"

/** Of `cursorMs`: the greatest stored `__time`, epoch ms; undefined while there is no row. */
export interface DatasourceState extends Omit<RowOf<typeof STATE>, "format"> {
  /** checkpoints, ascending */
  readonly parts: readonly Part[]
  /** host, port and base path that it was pulled from; undefined where that was not noted */
  readonly origin?: string | undefined
}

export interface FileState {
  readonly datasources: ReadonlyMap<string, DatasourceState>
  /** by datasource: columns that Druid's SQL does not show, though segments hold them */
  readonly unlisted: ReadonlyMap<string, Unlisted>
  /** all tables and views of the file, ours and others */
  readonly tables: readonly string[]
}

/** The state of a file that does not exist yet. */
export const EMPTY_STATE: FileState = { datasources: new Map(), unlisted: new Map(), tables: [] }

/** @throws DruidsyncError `locked`, `foreign`, `file` */
export async function readState(
  engine: Engine,
  file: DatabaseFile,
  signal?: AbortSignal,
): Promise<FileState> {
  if (!file.exists()) return EMPTY_STATE
  return file.read(() => readAttached(engine, file.path), signal)
}

/** The same of a file that is attached as `file`. @throws DruidsyncError `foreign` */
export async function readAttached(engine: Engine, path: string): Promise<FileState> {
  const tables = await tableNames(engine)
  if (!tables.includes(STATE.name)) return { ...EMPTY_STATE, tables }
  const parts = await readParts(engine)
  const origins = await readOrigins(engine, tables)
  const rows = await readRows(engine, STATE, "*", "ORDER BY datasource")
  const datasources = new Map<string, DatasourceState>()
  for (const { format, ...state } of rows) {
    checkFormat(format, path)
    // A table that the user dropped took its rows along: nothing is held, whatever the checkpoints say.
    if (!tables.includes(state.table)) continue
    const { datasource } = state
    const origin = origins.get(datasource)
    datasources.set(datasource, { ...state, parts: parts.get(datasource) ?? [], origin })
  }
  return { datasources, unlisted: await readUnlisted(engine, tables), tables }
}
