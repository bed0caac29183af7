/**
 * druidsync's own tables in the user's file. `_sync_state` is what a person looks at first: one row per table that is kept.
 * The table says whose a row is: one datasource may have several.
 * `_sync_chunks` holds the checkpoints, `_sync_runs` the history; `_sync_missing`, `_sync_changes` and `_sync_verifies` are
 * notes for `report`, of bounded length, from which nothing is ever decided. Times of Druid's data are milliseconds where
 * they must be exact (Druid's range exceeds TIMESTAMP), times of our own runs are TIMESTAMP (UTC).
 */
import type { Column, PartState } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { quoteName } from "../../base/names.ts"
import type { Engine } from "../engine.ts"
import {
  asStored,
  count,
  definitionOf,
  druidMs,
  instant,
  json,
  later,
  optional,
  rowTime,
  type SyncTable,
  syncTable,
  text,
} from "./sync-table.ts"

/** A column of a stored table and where it came from. */
export interface StoredColumn
  extends Pick<Column, "name" | "target" | "druidType" | "duckdbType" | "expression"> {
  /** it is a STRING of which rows may hold several values; their form is the config's `multiValue` */
  readonly multiValue?: boolean
  /** what is stored are hashes of its values */
  readonly isHashed?: true
}

/** What became of a column, or of the table's name. */
export type ChangeKind =
  | "added"
  | "retyped"
  /** new rows come without it: Druid has it no more, or the configuration leaves it out */
  | "vanished"
  /** new rows have it again */
  | "returned"
  | "renamed"

/** How the last run left a lookup: as in Druid; kept, though Druid has it no more; or not to be read then. */
export type LookupStatus = "complete" | "gone" | "failed"

/** Raised when the meaning of our tables changes; a file with a greater number is refused. 2: rows go by table. */
export const FORMAT = 2

/** In files of format 1 each datasource had one table. A run that stored nothing had none: it goes by the datasource's name. */
const ownTable = later(
  text("table"),
  `coalesce((SELECT max(state."table") FROM file._sync_state AS state WHERE state.datasource = old.datasource), old.datasource)`,
)

export const STATE = syncTable(
  "_sync_state",
  "druidsync: one row per table; cursor is the greatest __time stored",
  {
    datasource: text("datasource"),
    table: text("table"),
    cursorMs: optional(rowTime("cursor")),
    rows: count("rows"),
    status: text("status"),
    lastSuccessMs: optional(instant("last_success")),
    lastRunMs: optional(instant("last_run")),
    message: optional(text("message")),
    columns: json<readonly StoredColumn[]>("columns"),
    settings: text("settings"),
    format: count("format", "INTEGER"),
  },
)

export const CHUNKS = syncTable(
  "_sync_chunks",
  "druidsync: checkpoints; which segments the rows of each interval came from",
  {
    datasource: text("datasource"),
    start: druidMs("start_ms"),
    end: druidMs("end_ms"),
    interval: text("interval"),
    rows: count("rows"),
    state: text<PartState>("state"),
    segments: text("segments"),
    settings: text("settings"),
    runId: text("run_id"),
    committedMs: instant("committed_at"),
    table: ownTable,
    /** rows of Druid's that groups were made from; NULL where rows are copied */
    sourceRows: later(optional(count("source_rows")), "NULL"),
  },
)

export const RUNS = syncTable("_sync_runs", "druidsync: history, one row per run and table", {
  runId: text("run_id"),
  datasource: text("datasource"),
  startedMs: instant("started"),
  finishedMs: optional(instant("finished")),
  outcome: text("outcome"),
  rowsFetched: count("rows_fetched"),
  rowsDeleted: count("rows_deleted"),
  bytes: count("bytes"),
  slices: count("slices"),
  durationMs: optional(count("duration_ms")),
  message: optional(text("message")),
  table: ownTable,
})

export const MISSING = syncTable(
  "_sync_missing",
  "druidsync: what the last run that came to an end had to leave incomplete",
  {
    datasource: text("datasource"),
    start: druidMs("start_ms"),
    end: druidMs("end_ms"),
    interval: text("interval"),
    reason: text("reason"),
    runId: text("run_id"),
    notedMs: instant("noted_at"),
    table: ownTable,
  },
)

export const CHANGES = syncTable("_sync_changes", "druidsync: how the tables changed since they were made", {
  datasource: text("datasource"),
  runId: text("run_id"),
  atMs: instant("committed_at"),
  change: text<ChangeKind>("change"),
  column: optional(text("column")),
  before: optional(text("before")),
  after: optional(text("after")),
  table: ownTable,
})

export const VERIFIES = syncTable(
  "_sync_verifies",
  "druidsync: what verify found, one row per verification and table",
  {
    runId: text("run_id"),
    datasource: text("datasource"),
    startedMs: instant("started"),
    finishedMs: instant("finished"),
    mode: text("mode"),
    scope: optional(text("scope")),
    outcome: text("outcome"),
    compared: count("compared"),
    different: count("different"),
    repaired: count("repaired"),
    skipped: count("skipped"),
    rows: count("rows"),
    message: optional(text("message")),
    table: ownTable,
  },
)

export const ORIGINS = syncTable("_sync_origins", "druidsync: which cluster each table was pulled from", {
  datasource: text("datasource"),
  /** host, port and base path */
  origin: text("origin"),
  notedMs: instant("noted_at"),
  table: ownTable,
})

export const UNLISTED = syncTable(
  "_sync_unlisted",
  "druidsync: columns that segments hold and Druid's SQL does not show; left out after ten minutes",
  {
    datasource: text("datasource"),
    /** name in Druid */
    column: text("column"),
    sinceMs: instant("since"),
    table: ownTable,
  },
)

export const LOOKUPS = syncTable(
  "_sync_lookups",
  "druidsync: one row per lookup of Druid that has a table here",
  {
    lookup: text("lookup"),
    table: text("table"),
    rows: count("rows"),
    /** of its rows (`rows/lookup-table.ts`) */
    fingerprint: text("fingerprint"),
    status: text<LookupStatus>("status"),
    message: optional(text("message")),
    runId: text("run_id"),
    changedMs: instant("changed_at"),
    comparedMs: instant("compared_at"),
  },
)

const TABLES: readonly SyncTable[] = [
  STATE,
  CHUNKS,
  RUNS,
  MISSING,
  CHANGES,
  VERIFIES,
  ORIGINS,
  UNLISTED,
  LOOKUPS,
]

export const OWN_TABLES: readonly string[] = TABLES.map((table) => table.name)

/** Makes our tables where they are missing, and takes over those of an earlier version. Call within a write. */
export async function ensureTables(engine: Engine): Promise<void> {
  const found = await engine.rows(
    `SELECT table_name, column_count FROM duckdb_tables() WHERE database_name = 'file' AND schema_name = 'main' AND table_name IN (${OWN_TABLES.map((t) => `'${t}'`).join(", ")})`,
  )
  const widths = new Map(found.map(([name, columns]) => [String(name), Number(columns)]))
  const isCurrent = ({ name, columns }: SyncTable) => (widths.get(name) ?? 0) >= Object.keys(columns).length
  const due = TABLES.filter((table) => !isCurrent(table))
  // Where checkpoints went by the datasource, it was the key of the state.
  if (widths.has(STATE.name) && due.includes(CHUNKS)) due.push(STATE)
  for (const table of due) {
    if (widths.has(table.name)) await takeOver(engine, table)
    else for (const statement of definitionOf(table)) await engine.run(statement)
  }
  if (due.includes(STATE)) await engine.run(`UPDATE file.${STATE.name} SET format = ${FORMAT}`)
}

/** In the file only within the transaction. */
const ON_ITS_WAY = "_sync_new"

/** Rebuilds one of our tables with its rows and the columns that this version knows. */
async function takeOver(engine: Engine, table: SyncTable): Promise<void> {
  const { name, columns } = table
  const { from } = await asStored(engine, table)
  const names = Object.values(columns).map((one) => quoteName(one.name))
  const [create, comment] = definitionOf({ ...table, name: ON_ITS_WAY }) as [string, string]
  await engine.run(create)
  await engine.run(
    `INSERT INTO file.${ON_ITS_WAY} (${names.join(", ")}) SELECT ${names.join(", ")} FROM ${from}`,
  )
  await engine.run(`DROP TABLE file.${name}`)
  await engine.run(`ALTER TABLE file.${ON_ITS_WAY} RENAME TO ${name}`)
  await engine.run(comment.replace(ON_ITS_WAY, name))
}

/** Gives all that is noted of a table its new name. Call within the transaction that renames it, after `ensureTables`. */
export async function renameNotes(engine: Engine, from: string, to: string): Promise<void> {
  for (const table of TABLES)
    await engine.run(`UPDATE file.${table.name} SET "table" = $2 WHERE "table" = $1`, [from, to])
}

/** Names of the tables and views in an attached file, as they are spelled there. */
export async function tableNames(engine: Engine, database: "file" | "published" = "file"): Promise<string[]> {
  const rows = await engine.rows(
    `SELECT table_name FROM duckdb_tables() WHERE database_name = '${database}' AND schema_name = 'main'
     UNION ALL SELECT view_name FROM duckdb_views()
     WHERE database_name = '${database}' AND schema_name = 'main' AND NOT internal`,
  )
  return rows.map((row) => String(row[0]))
}

/** What is said of a DuckDB file that has none of our tables, or others of their names. */
export function notOurs(path: string): DruidsyncError {
  return new DruidsyncError("foreign", `${path} is a DuckDB file, but druidsync has never pulled into it`, {
    hint: "check --out",
  })
}

/** @param format of a row of `_sync_state`. @throws DruidsyncError `file` if it is newer than this program */
export function checkFormat(format: unknown, path: string): void {
  if (Number(format) <= FORMAT) return
  throw new DruidsyncError("file", `${path} was written by a newer druidsync`, {
    hint: "use that version, or another --out",
  })
}
