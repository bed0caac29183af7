/** The end of a run, written for people: each datasource's status and one line of history. */
import type { Engine } from "./engine.ts"
import type { DatabaseFile } from "./file.ts"
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
}

/**
 * Writes the outcome of a run into `_sync_runs` and `_sync_state`. A datasource that never had a commit gets a line of
 * history alone: it has no table yet.
 */
export function recordRun(
  engine: Engine,
  file: DatabaseFile,
  runId: string,
  records: readonly RunRecord[],
  signal?: AbortSignal,
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
    }
  }, signal)
}
