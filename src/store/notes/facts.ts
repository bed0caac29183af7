/** All that the file says about itself, for `report`: the summary of `status`, and the notes and history of each datasource. */
import type { Interval } from "../../base/domain.ts"
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import type { ChangeKind } from "./changes.ts"
import { type FileSummary, readSummary } from "./summary.ts"
import { tableNames } from "./tables.ts"

/** One line of history. */
export interface RunFact {
  readonly runId: string
  readonly startedMs: number
  readonly outcome: string
  readonly rowsFetched: number
  readonly rowsDeleted: number
  readonly bytes: number
  readonly durationMs: number | undefined
  readonly message: string | undefined
}

export interface MissingFact {
  readonly interval: Interval
  readonly reason: string
  readonly notedMs: number
}

export interface ChangeFact {
  readonly atMs: number
  readonly change: ChangeKind
  readonly column: string | undefined
  readonly before: string | undefined
  readonly after: string | undefined
}

export interface VerifyFact {
  readonly startedMs: number
  readonly mode: string
  readonly scope: string | undefined
  readonly outcome: string
  readonly compared: number
  readonly different: number
  readonly repaired: number
  readonly skipped: number
  readonly rows: number
  readonly message: string | undefined
}

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

/** @throws DruidsyncError as `readSummary` */
export async function readFacts(
  engine: Engine,
  file: DatabaseFile,
  runHolder: () => Promise<string | undefined>,
  signal?: AbortSignal,
): Promise<FileFacts> {
  const summary = await readSummary(engine, file, runHolder, signal)
  const datasources = await file.read(async () => {
    // A file of an earlier version has no notes yet.
    const tables = await tableNames(engine)
    const has = (table: string) => tables.includes(table)
    const runs = await readRuns(
      engine,
      summary.datasources.map((one) => one.datasource),
    )
    const missing = has("_sync_missing") ? await readMissing(engine) : new Map<string, MissingFact[]>()
    const changes = has("_sync_changes") ? await readChanges(engine) : new Map<string, ChangeFact[]>()
    const verifies = has("_sync_verifies") ? await readVerifies(engine) : new Map<string, VerifyFact[]>()
    return new Map(
      summary.datasources.map(({ datasource: name }): [string, DatasourceFacts] => [
        name,
        {
          runs: runs.get(name)?.runs ?? [],
          runsInAll: runs.get(name)?.inAll ?? 0,
          missing: missing.get(name) ?? [],
          changes: (changes.get(name) ?? []).slice(0, MOST_CHANGES),
          verifies: (verifies.get(name) ?? []).slice(0, MOST_VERIFIES),
        },
      ]),
    )
  }, signal)
  return { summary, datasources }
}

const textOf = (value: unknown) => (value === null ? undefined : String(value))

/** A query per datasource: DuckDB 1.5.5 fails on some windows over all of them (see `readChanges`). */
async function readRuns(
  engine: Engine,
  names: readonly string[],
): Promise<Map<string, { inAll: number; runs: RunFact[] }>> {
  const counts = new Map(
    (await engine.rows("SELECT datasource, count(*) FROM file._sync_runs GROUP BY datasource")).map(
      ([name, inAll]) => [String(name), Number(inAll)],
    ),
  )
  const found = new Map<string, { inAll: number; runs: RunFact[] }>()
  for (const name of names) {
    const rows = await engine.rows(
      `SELECT run_id, epoch_ms(started), outcome, rows_fetched, rows_deleted, bytes, duration_ms, message
      FROM file._sync_runs WHERE datasource = $1 ORDER BY started DESC, finished DESC LIMIT ${MOST_RUNS}`,
      [name],
    )
    const runs = rows.map(([id, started, outcome, fetched, deleted, bytes, took, message]) => ({
      runId: String(id),
      startedMs: Number(started),
      outcome: String(outcome),
      rowsFetched: Number(fetched),
      rowsDeleted: Number(deleted),
      bytes: Number(bytes),
      durationMs: took === null ? undefined : Number(took),
      message: textOf(message),
    }))
    found.set(name, { inAll: counts.get(name) ?? 0, runs })
  }
  return found
}

async function readMissing(engine: Engine): Promise<Map<string, MissingFact[]>> {
  const rows = await engine.rows(
    "SELECT datasource, start_ms, end_ms, reason, epoch_ms(noted_at) FROM file._sync_missing ORDER BY datasource, start_ms",
  )
  return grouped(rows, ([start, end, reason, noted]) => ({
    interval: { start: start as bigint, end: end as bigint },
    reason: String(reason),
    notedMs: Number(noted),
  }))
}

/**
 * All of them, few as they are kept: DuckDB 1.5.5 ends with an internal error on a window that numbers rows by `rowid`
 * and drops all but the first.
 */
async function readChanges(engine: Engine): Promise<Map<string, ChangeFact[]>> {
  const rows = await engine.rows(
    'SELECT datasource, epoch_ms(committed_at), change, "column", before, after FROM file._sync_changes ORDER BY rowid DESC',
  )
  return grouped(rows, ([at, change, column, before, after]) => ({
    atMs: Number(at),
    change: String(change) as ChangeKind,
    column: textOf(column),
    before: textOf(before),
    after: textOf(after),
  }))
}

async function readVerifies(engine: Engine): Promise<Map<string, VerifyFact[]>> {
  const rows = await engine.rows(
    "SELECT datasource, epoch_ms(started), mode, scope, outcome, compared, different, repaired, skipped, rows, message FROM file._sync_verifies ORDER BY rowid DESC",
  )
  return grouped(
    rows,
    ([started, mode, scope, outcome, compared, different, repaired, skipped, count, message]) => ({
      startedMs: Number(started),
      mode: String(mode),
      scope: textOf(scope),
      outcome: String(outcome),
      compared: Number(compared),
      different: Number(different),
      repaired: Number(repaired),
      skipped: Number(skipped),
      rows: Number(count),
      message: textOf(message),
    }),
  )
}

/** By the first value of each row. */
function grouped<T>(
  rows: readonly (readonly unknown[])[],
  read: (rest: readonly unknown[]) => T,
): Map<string, T[]> {
  const result = new Map<string, T[]>()
  for (const [name, ...rest] of rows) {
    const list = result.get(String(name)) ?? []
    result.set(String(name), list)
    list.push(read(rest))
  }
  return result
}
