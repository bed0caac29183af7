/** What `verify` found, kept in `_sync_verifies` for people: a row per verification and datasource. */
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { ensureTables, tableNames } from "./tables.ts"
import { timestampLiteral } from "./times.ts"

export interface VerifyRecord {
  readonly datasource: string
  readonly startedMs: number
  readonly finishedMs: number
  readonly mode: "fingerprints" | "rows"
  /** what part of the datasource was compared, in words; undefined: all of it */
  readonly scope: string | undefined
  readonly outcome: "equal" | "different" | "incomplete" | "failed"
  /** stretches that were compared, that differ, that were repaired, that were left out */
  readonly compared: number
  readonly different: number
  readonly repaired: number
  readonly skipped: number
  /** rows of DuckDB that were compared */
  readonly rows: number
  /** what a person should know first */
  readonly message: string | undefined
}

/** More than these of one datasource are not kept: the newest are. */
const MOST = 100

/**
 * Appends what was found. A file that druidsync never pulled into is left alone.
 * @throws DruidsyncError `locked`, `file`, `disk-full`
 */
export function recordVerifies(
  engine: Engine,
  file: DatabaseFile,
  runId: string,
  records: readonly VerifyRecord[],
  signal?: AbortSignal,
): Promise<void> {
  return file.write(async () => {
    if (!(await tableNames(engine)).includes("_sync_state")) return
    await ensureTables(engine)
    for (const one of records) {
      await engine.run(
        `INSERT INTO file._sync_verifies VALUES ($1, $2, ${timestampLiteral(one.startedMs)},
          ${timestampLiteral(one.finishedMs)}, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          runId,
          one.datasource,
          one.mode,
          one.scope ?? null,
          one.outcome,
          BigInt(one.compared),
          BigInt(one.different),
          BigInt(one.repaired),
          BigInt(one.skipped),
          BigInt(one.rows),
          one.message ?? null,
        ],
      )
    }
    for (const name of new Set(records.map((one) => one.datasource))) {
      const noted = await engine.rows(
        "SELECT rowid FROM file._sync_verifies WHERE datasource = $1 ORDER BY rowid",
        [name],
      )
      const over = noted.slice(0, Math.max(0, noted.length - MOST)).map(([id]) => String(id))
      if (over.length > 0) {
        await engine.run(`DELETE FROM file._sync_verifies WHERE rowid IN (${over.join(", ")})`)
      }
    }
  }, signal)
}
