/**
 * What the file holds, table by table, for `export` and `verify --lake`: which tables, their columns, and the checkpoints
 * under which their rows stand. Called while the user's file is attached read-only as `file`; nothing here changes it.
 */
import type { Interval, Part, PartState } from "../../base/domain.ts"
import { concernsOneDatasource } from "../../base/errors.ts"
import type { Engine } from "../engine.ts"
import { refuseChanged } from "../rows/by-hand.ts"
import { asStored, type RowOf, readRows, rowsFrom } from "./sync-table.ts"
import { CHUNKS, checkFormat, notOurs, RUNS, STATE, type StoredColumn, tableNames } from "./tables.ts"

/** A column as it stands in the table. */
export interface HeldColumn {
  readonly name: string
  /** DuckDB's type */
  readonly type: string
  /** Druid's type; empty for what druidsync made */
  readonly druid: string
}

/**
 * A table of the file and the datasource that it is of. `status`: how its last run ended. `settings`: as `settingsText` wrote
 * them; older files have a digest there.
 */
export interface HeldTable
  extends Pick<RowOf<typeof STATE>, "datasource" | "table" | "status" | "message" | "settings"> {
  /** why no row of it can be read: another program dropped or changed it; undefined: it is as we left it */
  readonly unreadable: string | undefined
  readonly columns: readonly HeldColumn[]
}

/** A checkpoint, with all that changes when its rows are fetched again. */
export interface HeldChunk extends Pick<Part, "interval" | "rows" | "state"> {
  /** differs from that of any other fetch of the same interval */
  readonly print: string
}

const KEYS = ["datasource", "table", "status", "message", "columns", "format", "settings"] as const

/**
 * The tables that the file holds.
 * @returns `runs`: the runs that its rows came from, and those of its history, newest first; they name the file whatever it
 * is called, as long as one of them is remembered
 * @throws DruidsyncError `foreign` if druidsync never pulled into the file, `file`
 */
export async function readHoldings(
  engine: Engine,
  path: string,
): Promise<{ tables: HeldTable[]; runs: string[] }> {
  const names = await tableNames(engine)
  if (!names.includes(STATE.name) || !names.includes(CHUNKS.name)) throw notOurs(path)
  const rows = await readRows(engine, STATE, KEYS, 'ORDER BY datasource, "table"')
  const tables: HeldTable[] = []
  for (const { format, columns, ...row } of rows) {
    checkFormat(format, path)
    const isThere = names.includes(row.table)
    const unreadable = isThere ? await changeOf(engine, path, row.table, columns) : DROPPED
    tables.push({ ...row, unreadable, columns: heldColumns(columns) })
  }
  const history = names.includes(RUNS.name) ? "UNION ALL SELECT run_id, started FROM file._sync_runs" : ""
  const runs = await rowsFrom(
    engine,
    RUNS.name,
    `SELECT run_id FROM (SELECT run_id, committed_at AS t FROM file._sync_chunks ${history})
     GROUP BY run_id ORDER BY max(t) DESC, run_id`,
  )
  return { tables, runs: runs.map(([run]) => String(run)) }
}

const DROPPED = "its table was dropped; the next pull fetches all of it again"

/** What another program did to the table; undefined: nothing that matters. */
async function changeOf(
  engine: Engine,
  path: string,
  table: string,
  columns: readonly StoredColumn[],
): Promise<string | undefined> {
  try {
    await refuseChanged(engine, path, table, columns)
    return undefined
  } catch (error) {
    if (!concernsOneDatasource(error)) throw error
    return `${error.message}; ${error.hint}`
  }
}

function heldColumns(columns: readonly StoredColumn[]): HeldColumn[] {
  return columns.map(({ target, duckdbType, druidType }) => ({
    name: target,
    type: duckdbType,
    druid: druidType,
  }))
}

/** The columns as they are now; undefined if the file has no such table any more. */
export async function readHeldColumns(engine: Engine, table: string): Promise<HeldColumn[] | undefined> {
  const [row] = await readRows(engine, STATE, ["columns"], 'WHERE "table" = $1', [table])
  return row === undefined ? undefined : heldColumns(row.columns)
}

/** Checkpoints of a table, ascending. @param within only those that overlap it */
export async function readHeldChunks(engine: Engine, table: string, within?: Interval): Promise<HeldChunk[]> {
  const where = within === undefined ? "" : ` AND start_ms < ${within.end} AND end_ms > ${within.start}`
  const { from } = await asStored(engine, CHUNKS)
  const rows = await rowsFrom(
    engine,
    CHUNKS.name,
    `SELECT start_ms, end_ms, rows, state,
       sha256(concat_ws('|', run_id, epoch_us(committed_at)::VARCHAR, state, settings, segments))
     FROM ${from} WHERE "table" = $1${where} ORDER BY start_ms`,
    [table],
  )
  return rows.map(([start, end, count, state, print]) => ({
    interval: { start: start as bigint, end: end as bigint },
    rows: Number(count),
    state: String(state) as PartState,
    print: String(print),
  }))
}
