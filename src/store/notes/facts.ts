/** All that the file says about itself, for `report`: the summary of `status`, and the notes and history of each datasource. */
import type { Interval } from "../../base/domain.ts"
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { type FileSummary, readSummary } from "./summary.ts"
import { type RowOf, readRows } from "./sync-table.ts"
import { CHANGES, MISSING, RUNS, tableNames, VERIFIES } from "./tables.ts"

/** One line of history. */
export type RunFact = Omit<RowOf<typeof RUNS>, "datasource" | "finishedMs" | "slices">

export interface MissingFact {
  readonly interval: Interval
  readonly reason: string
  readonly notedMs: number
}

export type ChangeFact = Omit<RowOf<typeof CHANGES>, "datasource" | "runId">

export type VerifyFact = Omit<RowOf<typeof VERIFIES>, "datasource" | "runId" | "finishedMs">

/** Notes of one datasource; newest first, but for what is missing: that is in time order. */
export interface DatasourceFacts {
  readonly runs: readonly RunFact[]
  /** how many lines of history there are in all */
  readonly runsInAll: number
  readonly missing: readonly MissingFact[]
  readonly changes: readonly ChangeFact[]
  readonly verifies: readonly VerifyFact[]
}

export interface FileFacts {
  readonly summary: FileSummary
  /** by datasource; one without any note is missing */
  readonly datasources: ReadonlyMap<string, DatasourceFacts>
}

/** More lines of history than these are not read, of each datasource. */
const MOST_RUNS = 30
const MOST_CHANGES = 100
const MOST_VERIFIES = 5

const NEWEST_RUNS = `QUALIFY row_number() OVER (PARTITION BY datasource ORDER BY started DESC, finished DESC) <= ${MOST_RUNS}
  ORDER BY datasource, started DESC, finished DESC`

/** @throws DruidsyncError as `readSummary` */
export async function readFacts(
  engine: Engine,
  file: DatabaseFile,
  runHolder: () => Promise<string | undefined>,
  nowMs: number,
  signal?: AbortSignal,
): Promise<FileFacts> {
  const summary = await readSummary(engine, file, runHolder, nowMs, signal)
  const datasources = await file.read(async () => {
    // A file of an earlier version has no notes yet.
    const tables = await tableNames(engine)
    const has = (table: string) => tables.includes(table)
    const inAll = await engine.rows("SELECT datasource, count(*) FROM file._sync_runs GROUP BY datasource")
    const counts = new Map(inAll.map(([name, count]) => [String(name), Number(count)]))
    const runs = grouped(await readRows(engine, RUNS, "*", NEWEST_RUNS))
    // All of them, few as they are kept: DuckDB ends with an internal error on some windows that number rows by `rowid`.
    const newest = "ORDER BY rowid DESC"
    const missing = has(MISSING.name) ? await readMissing(engine) : new Map<string, MissingFact[]>()
    const changes = grouped(has(CHANGES.name) ? await readRows(engine, CHANGES, "*", newest) : [])
    const verifies = grouped(has(VERIFIES.name) ? await readRows(engine, VERIFIES, "*", newest) : [])
    return new Map(
      summary.datasources.map(({ datasource: name }): [string, DatasourceFacts] => [
        name,
        {
          runs: runs.get(name) ?? [],
          runsInAll: counts.get(name) ?? 0,
          missing: missing.get(name) ?? [],
          changes: (changes.get(name) ?? []).slice(0, MOST_CHANGES),
          verifies: (verifies.get(name) ?? []).slice(0, MOST_VERIFIES),
        },
      ]),
    )
  }, signal)
  return { summary, datasources }
}

async function readMissing(engine: Engine): Promise<Map<string, MissingFact[]>> {
  const rows = await readRows(engine, MISSING, "*", "ORDER BY datasource, start_ms")
  return grouped(
    rows.map(({ datasource, start, end, reason, notedMs }) => ({
      datasource,
      interval: { start, end },
      reason,
      notedMs,
    })),
  )
}

/** In the order in which they come. */
function grouped<T extends { readonly datasource: string }>(rows: readonly T[]): Map<string, T[]> {
  const result = new Map<string, T[]>()
  for (const row of rows) {
    const list = result.get(row.datasource) ?? []
    result.set(row.datasource, list)
    list.push(row)
  }
  return result
}
