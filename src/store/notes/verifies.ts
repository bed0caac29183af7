/** What `verify` found, kept in `_sync_verifies` for people: a row per verification and table. */
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { insertRows, keepNewest, type RowOf } from "./sync-table.ts"
import { ensureTables, STATE, tableNames, VERIFIES } from "./tables.ts"

/**
 * Of one table. `scope`: what part of it was compared, in words; undefined: all of it. `compared`, `different`,
 * `repaired`, `skipped`: stretches. `rows`: those of DuckDB that were compared. `message`: what a person should know first.
 */
export interface VerifyRecord extends Omit<RowOf<typeof VERIFIES>, "runId"> {
  readonly mode: "fingerprints" | "rows"
  readonly outcome: "equal" | "different" | "incomplete" | "failed"
}

/** More than these of one table are not kept: the newest are. */
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
    if (!(await tableNames(engine)).includes(STATE.name)) return
    await ensureTables(engine)
    await insertRows(
      engine,
      VERIFIES,
      records.map((record) => ({ ...record, runId })),
    )
    await keepNewest(
      engine,
      VERIFIES,
      records.map((record) => record.table),
      MOST,
    )
  }, signal)
}
