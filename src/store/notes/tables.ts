/**
 * druidsync's own tables in the user's file. `_sync_state` is what a person looks at first: one row per datasource.
 * `_sync_chunks` holds the checkpoints, `_sync_runs` the history; `_sync_missing`, `_sync_changes` and `_sync_verifies` are
 * notes for `report`, of bounded length, from which nothing is ever decided. Times of Druid's data are milliseconds where
 * they must be exact (Druid's range exceeds TIMESTAMP), times of our own runs are TIMESTAMP (UTC).
 */
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import type { Engine } from "../engine.ts"

export const OWN_TABLES = [
  "_sync_state",
  "_sync_chunks",
  "_sync_runs",
  "_sync_missing",
  "_sync_changes",
  "_sync_verifies",
] as const

/** Raised when the meaning of our tables changes; a file with a greater number is refused. */
export const FORMAT = 1

const DDL = [
  `CREATE TABLE IF NOT EXISTS file._sync_state (
    datasource VARCHAR PRIMARY KEY,
    "table" VARCHAR NOT NULL,
    cursor TIMESTAMP,
    rows BIGINT NOT NULL,
    status VARCHAR NOT NULL,
    last_success TIMESTAMP,
    last_run TIMESTAMP,
    message VARCHAR,
    columns JSON NOT NULL,
    settings VARCHAR NOT NULL,
    format INTEGER NOT NULL
  )`,
  `COMMENT ON TABLE file._sync_state IS 'druidsync: one row per datasource; cursor is the greatest __time stored'`,
  `CREATE TABLE IF NOT EXISTS file._sync_chunks (
    datasource VARCHAR NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    "interval" VARCHAR NOT NULL,
    rows BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    segments VARCHAR NOT NULL,
    settings VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    committed_at TIMESTAMP NOT NULL
  )`,
  `COMMENT ON TABLE file._sync_chunks IS 'druidsync: checkpoints; which segments the rows of each interval came from'`,
  `CREATE TABLE IF NOT EXISTS file._sync_runs (
    run_id VARCHAR NOT NULL,
    datasource VARCHAR NOT NULL,
    started TIMESTAMP NOT NULL,
    finished TIMESTAMP,
    outcome VARCHAR NOT NULL,
    rows_fetched BIGINT NOT NULL,
    rows_deleted BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    slices BIGINT NOT NULL,
    duration_ms BIGINT,
    message VARCHAR
  )`,
  `COMMENT ON TABLE file._sync_runs IS 'druidsync: history, one row per run and datasource'`,
  `CREATE TABLE IF NOT EXISTS file._sync_missing (
    datasource VARCHAR NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    "interval" VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    noted_at TIMESTAMP NOT NULL
  )`,
  `COMMENT ON TABLE file._sync_missing IS 'druidsync: what the last run that came to an end had to leave incomplete'`,
  `CREATE TABLE IF NOT EXISTS file._sync_changes (
    datasource VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    committed_at TIMESTAMP NOT NULL,
    change VARCHAR NOT NULL,
    "column" VARCHAR,
    before VARCHAR,
    after VARCHAR
  )`,
  `COMMENT ON TABLE file._sync_changes IS 'druidsync: how the tables changed since they were made'`,
  `CREATE TABLE IF NOT EXISTS file._sync_verifies (
    run_id VARCHAR NOT NULL,
    datasource VARCHAR NOT NULL,
    started TIMESTAMP NOT NULL,
    finished TIMESTAMP NOT NULL,
    mode VARCHAR NOT NULL,
    scope VARCHAR,
    outcome VARCHAR NOT NULL,
    compared BIGINT NOT NULL,
    different BIGINT NOT NULL,
    repaired BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    rows BIGINT NOT NULL,
    message VARCHAR
  )`,
  `COMMENT ON TABLE file._sync_verifies IS 'druidsync: what verify found, one row per verification and datasource'`,
]

/** Makes our tables where they are missing. Call within a write. */
export async function ensureTables(engine: Engine): Promise<void> {
  const found = await engine.rows(
    `SELECT count(*) FROM duckdb_tables() WHERE database_name = 'file' AND schema_name = 'main' AND table_name IN (${OWN_TABLES.map((t) => `'${t}'`).join(", ")})`,
  )
  if (Number(found[0]![0]) === OWN_TABLES.length) return
  for (const statement of DDL) await engine.run(statement)
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
    exitCode: ExitCode.usage,
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
