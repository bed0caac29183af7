/**
 * druidsync's own tables in the user's file. `_sync_state` is what a person looks at first: one row per datasource.
 * `_sync_chunks` holds the checkpoints, `_sync_runs` the history; `_sync_missing`, `_sync_changes` and `_sync_verifies` are
 * notes for `report`, of bounded length, from which nothing is ever decided. Times of Druid's data are milliseconds where
 * they must be exact (Druid's range exceeds TIMESTAMP), times of our own runs are TIMESTAMP (UTC).
 */
import type { PartState } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import type { Engine } from "../engine.ts"
import {
  count,
  definitionOf,
  druidMs,
  instant,
  json,
  key,
  optional,
  rowTime,
  type SyncTable,
  syncTable,
  text,
} from "./sync-table.ts"

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
  /** the expression in Druid's SQL that computes it; left out: it is Druid's column of that name */
  readonly expression?: string
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

/** Raised when the meaning of our tables changes; a file with a greater number is refused. */
export const FORMAT = 1

export const STATE = syncTable(
  "_sync_state",
  "druidsync: one row per datasource; cursor is the greatest __time stored",
  {
    datasource: key(text("datasource")),
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
  },
)

export const RUNS = syncTable("_sync_runs", "druidsync: history, one row per run and datasource", {
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
})

export const VERIFIES = syncTable(
  "_sync_verifies",
  "druidsync: what verify found, one row per verification and datasource",
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
  },
)

export const ORIGINS = syncTable(
  "_sync_origins",
  "druidsync: which cluster each datasource was pulled from",
  {
    datasource: text("datasource"),
    /** host, port and base path */
    origin: text("origin"),
    notedMs: instant("noted_at"),
  },
)

export const UNLISTED = syncTable(
  "_sync_unlisted",
  "druidsync: columns that segments hold and Druid's SQL does not show; left out after ten minutes",
  {
    datasource: text("datasource"),
    /** name in Druid */
    column: text("column"),
    sinceMs: instant("since"),
  },
)

const TABLES: readonly SyncTable[] = [STATE, CHUNKS, RUNS, MISSING, CHANGES, VERIFIES, ORIGINS, UNLISTED]

export const OWN_TABLES: readonly string[] = TABLES.map((table) => table.name)

/** Makes our tables where they are missing. Call within a write. */
export async function ensureTables(engine: Engine): Promise<void> {
  const found = await engine.rows(
    `SELECT count(*) FROM duckdb_tables() WHERE database_name = 'file' AND schema_name = 'main' AND table_name IN (${OWN_TABLES.map((t) => `'${t}'`).join(", ")})`,
  )
  if (Number(found[0]![0]) === OWN_TABLES.length) return
  for (const statement of TABLES.flatMap(definitionOf)) await engine.run(statement)
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

/** @param format of a row of `_sync_state`. @throws DruidsyncError `file` where it is newer than this program */
export function checkFormat(format: unknown, path: string): void {
  if (Number(format) <= FORMAT) return
  throw new DruidsyncError("file", `${path} was written by a newer druidsync`, {
    hint: "use that version, or another --out",
  })
}
