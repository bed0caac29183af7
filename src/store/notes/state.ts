/** Reads what the file says about itself: checkpoints, state and schema of each datasource. */
import type { Part, PartState } from "../../base/domain.ts"
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { checkFormat, tableNames } from "./tables.ts"

/** A column of a stored table and where it came from. */
export interface StoredColumn {
  /** name in Druid */
  readonly name: string
  /** name in DuckDB */
  readonly target: string
  readonly druidType: string
  readonly duckdbType: string
  /** it is a STRING of which rows may hold several values; their form is the config's `multiValue` */
  readonly multiValue?: boolean
}

export interface DatasourceState {
  readonly datasource: string
  readonly table: string
  /** greatest stored `__time`, epoch ms; undefined while there is no row */
  readonly cursorMs: bigint | undefined
  readonly rows: number
  readonly status: string
  readonly lastSuccessMs: number | undefined
  readonly lastRunMs: number | undefined
  readonly message: string | undefined
  readonly columns: readonly StoredColumn[]
  readonly settings: string
  /** checkpoints, ascending */
  readonly parts: readonly Part[]
}

export interface FileState {
  readonly datasources: ReadonlyMap<string, DatasourceState>
  /** all tables and views of the file, ours and others */
  readonly tables: readonly string[]
}

/** The state of a file that does not exist yet. */
export const EMPTY_STATE: FileState = { datasources: new Map(), tables: [] }

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
  if (!tables.includes("_sync_state")) return { datasources: new Map(), tables }
  const parts = await readParts(engine)
  const rows = await engine.rows(
    `SELECT datasource, "table", epoch_ms(cursor), rows, status, epoch_ms(last_success), epoch_ms(last_run), message, columns::VARCHAR, settings, format FROM file._sync_state ORDER BY datasource`,
  )
  const datasources = new Map<string, DatasourceState>()
  for (const row of rows) {
    const datasource = String(row[0])
    checkFormat(row[10], path)
    // A table that the user dropped took its rows along: nothing is held, whatever the checkpoints say.
    if (!tables.includes(String(row[1]))) continue
    datasources.set(datasource, {
      datasource,
      table: String(row[1]),
      cursorMs: row[2] === null ? undefined : (row[2] as bigint),
      rows: Number(row[3]),
      status: String(row[4]),
      lastSuccessMs: row[5] === null ? undefined : Number(row[5]),
      lastRunMs: row[6] === null ? undefined : Number(row[6]),
      message: row[7] === null ? undefined : String(row[7]),
      columns: JSON.parse(String(row[8])) as StoredColumn[],
      settings: String(row[9]),
      parts: parts.get(datasource) ?? [],
    })
  }
  return { datasources, tables }
}

async function readParts(engine: Engine): Promise<Map<string, Part[]>> {
  const rows = await engine.rows(
    "SELECT datasource, start_ms, end_ms, segments, rows, state, settings FROM file._sync_chunks ORDER BY datasource, start_ms",
  )
  const parts = new Map<string, Part[]>()
  for (const [datasource, start, end, segments, count, state, settings] of rows) {
    const list = parts.get(String(datasource)) ?? []
    list.push({
      interval: { start: start as bigint, end: end as bigint },
      segments: String(segments),
      rows: Number(count),
      state: String(state) as PartState,
      settings: String(settings),
    })
    parts.set(String(datasource), list)
  }
  return parts
}
