/** The end of a run, written for people: each datasource's status and one line of history. */
import type { Engine } from "./engine.ts"
import type { DatabaseFile } from "./file.ts"
import { type MissingStretch, writeMissing } from "./missing.ts"
import { ensureTables } from "./tables.ts"
import { timestampLiteral } from "./times.ts"

/** How a datasource stands after a run. */
export type Outcome = "complete" | "incomplete" | "failed" | "interrupted"

export interface RunRecord {
  readonly datasource: string
  readonly outcome: Outcome
  readonly startedMs: number
  readonly finishedMs: number
  readonly rowsFetched: number
  readonly rowsDeleted: number
  readonly bytes: number
  readonly slices: number
  /** why it is not complete, or what a person should know */
  readonly message: string | undefined
  /** stretches that are not as Druid has them now */
  readonly missing?: readonly MissingStretch[]
}

export interface RecordOptions {
  readonly signal?: AbortSignal
  /** newest runs to keep; older ones are removed in the same transaction. Default: all */
  readonly keepRuns?: number | undefined
}

/**
 * Writes the outcome of a run into `_sync_runs`, `_sync_state` and `_sync_missing`. A datasource that never had a commit
 * gets a line of history alone: it has no table yet.
 */
export function recordRun(
  engine: Engine,
  file: DatabaseFile,
  runId: string,
  records: readonly RunRecord[],
  options: RecordOptions = {},
): Promise<void> {
  return file.write(async () => {
    await ensureTables(engine)
    for (const record of records) {
      const finished = timestampLiteral(record.finishedMs)
      await engine.run(
        `INSERT INTO file._sync_runs VALUES ($1, $2, ${timestampLiteral(record.startedMs)}, ${finished}, $3, $4, $5, $6, $7, $8, $9)`,
        [
          runId,
          record.datasource,
          record.outcome,
          BigInt(record.rowsFetched),
          BigInt(record.rowsDeleted),
          BigInt(record.bytes),
          BigInt(record.slices),
          BigInt(Math.round(record.finishedMs - record.startedMs)),
          record.message ?? null,
        ],
      )
      const success = record.outcome === "complete" ? `, last_success = ${finished}` : ""
      await engine.run(
        `UPDATE file._sync_state SET status = $2, message = $3, last_run = ${finished}${success} WHERE datasource = $1`,
        [record.datasource, record.outcome, record.message ?? null],
      )
      // A run that broke off did not see everything: what the one before it knew still stands.
      if (record.outcome === "complete" || record.outcome === "incomplete") {
        const run = { id: runId, nowMs: record.finishedMs }
        await writeMissing(engine, run, record.datasource, record.missing ?? [])
      }
    }
    if (options.keepRuns !== undefined) await prune(engine, options.keepRuns)
  }, options.signal)
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
