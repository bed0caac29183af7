/** The end of a run, written for people: each table's status and one line of history. */
import { type Engine, literal } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { type MissingStretch, writeMissing } from "./missing.ts"
import { writeOrigins } from "./origins.ts"
import { type FileState, readAttached } from "./state.ts"
import { insertRows, type RowOf, readRows } from "./sync-table.ts"
import { ensureTables, RUNS, STATE } from "./tables.ts"
import { type Unlisted, writeUnlisted } from "./unlisted.ts"

/** How a table stands after a run. */
export type Outcome = "complete" | "incomplete" | "failed" | "interrupted"

/** `message`: why it is not complete, or what a person should know. */
export interface RunRecord extends Omit<RowOf<typeof RUNS>, "runId" | "durationMs"> {
  readonly outcome: Outcome
  readonly finishedMs: number
  /** stretches that are not as Druid has them now */
  readonly missing?: readonly MissingStretch[]
  /** columns that Druid's SQL does not show; undefined if that was not looked at: what was noted before still stands */
  readonly unlisted?: Unlisted | undefined
}

export interface RecordOptions {
  readonly signal?: AbortSignal
  /** newest runs to keep; older ones are removed in the same transaction. Default: all */
  readonly keepRuns?: number | undefined
  /** what is held of the datasources is from there: host, port and base path. Default: not known */
  readonly origin?: string | undefined
}

/**
 * Writes the outcome of a run into `_sync_runs`, `_sync_state` and `_sync_missing`. One that never had a commit gets a
 * line of history alone: it is not there yet.
 * @returns what the file says of itself after that
 */
export function recordRun(
  engine: Engine,
  file: DatabaseFile,
  runId: string,
  records: readonly RunRecord[],
  options: RecordOptions = {},
): Promise<FileState> {
  return file.write(async () => {
    await ensureTables(engine)
    if (records.length > 0) await write(engine, runId, records)
    if (options.origin !== undefined) await noteOrigin(engine, records, options.origin)
    if (options.keepRuns !== undefined) await prune(engine, options.keepRuns)
    return readAttached(engine, file.path)
  }, options.signal)
}

/** A few statements for all: a run of hundreds of tables in which nothing changed is over in a moment. */
async function write(engine: Engine, runId: string, records: readonly RunRecord[]): Promise<void> {
  const rows = records.map((record) => ({
    ...record,
    runId,
    durationMs: Math.round(record.finishedMs - record.startedMs),
  }))
  await insertRows(engine, RUNS, rows)
  await engine.run(
    `UPDATE file._sync_state AS state SET status = run.outcome, message = run.message, last_run = run.finished,
       last_success = CASE WHEN run.outcome = 'complete' THEN run.finished ELSE state.last_success END
     FROM file._sync_runs AS run
     WHERE run.run_id = ${literal(runId)} AND run.datasource = state.datasource AND run."table" = state."table"`,
  )
  // A run that broke off did not see everything: what the one before it knew still stands.
  const seen = records.filter(({ outcome }) => outcome === "complete" || outcome === "incomplete")
  const nowMs = Math.max(...records.map((record) => record.finishedMs))
  await writeMissing(engine, { id: runId, nowMs }, seen)
  await writeUnlisted(
    engine,
    records.flatMap(({ datasource, table, unlisted }) => (unlisted ? [{ datasource, table, unlisted }] : [])),
  )
}

/** Files that do not know their cluster yet adopt it. */
async function noteOrigin(engine: Engine, records: readonly RunRecord[], origin: string): Promise<void> {
  const held = await readRows(engine, STATE, ["datasource", "table"])
  const seen = records.filter(({ datasource, table }) =>
    held.some((one) => one.datasource === datasource && one.table === table),
  )
  await writeOrigins(engine, seen, origin, Math.max(0, ...seen.map((one) => one.finishedMs)))
}

/** A run that every minute writes its line must not make the file grow for ever. Nothing but a count, most of the time. */
async function prune(engine: Engine, keepRuns: number): Promise<void> {
  const [row] = await engine.rows("SELECT count(DISTINCT run_id) FROM file._sync_runs")
  if (Number(row![0]) <= keepRuns) return
  await engine.run(
    `DELETE FROM file._sync_runs WHERE run_id NOT IN (
       SELECT run_id FROM file._sync_runs GROUP BY run_id ORDER BY max(started) DESC, max(rowid) DESC LIMIT ${keepRuns})`,
  )
}
