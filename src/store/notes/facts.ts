/** All that the file says about itself, for `report`: the summary of `status`, and the notes and history of each table. */
import type { Interval, Part } from "../../base/domain.ts"
import { groupBy } from "../../base/lists.ts"
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { type FileSummary, type Owned, ownerKey, readSummary } from "./summary.ts"
import { asStored, type RowOf, readNotes, readRows } from "./sync-table.ts"
import { CHANGES, CHUNKS, MISSING, RUNS, tableNames, VERIFIES } from "./tables.ts"

/** One line of history. */
export type RunFact = Omit<RowOf<typeof RUNS>, "datasource" | "table" | "finishedMs" | "slices">

export interface MissingFact extends Pick<RowOf<typeof MISSING>, "reason" | "notedMs"> {
  readonly interval: Interval
}

export type ChangeFact = Omit<RowOf<typeof CHANGES>, "datasource" | "table" | "runId">

export type VerifyFact = Omit<RowOf<typeof VERIFIES>, "datasource" | "table" | "runId" | "finishedMs">

/** Notes of one table; newest first, but for what is missing: that is in time order. */
export interface TableFacts {
  readonly runs: readonly RunFact[]
  /** how many lines of history there are in all */
  readonly runsInAll: number
  readonly missing: readonly MissingFact[]
  readonly changes: readonly ChangeFact[]
  readonly verifies: readonly VerifyFact[]
}

/** A checkpoint, as far as a time line shows it. */
export type HeldStretch = Pick<Part, "interval" | "state" | "rows">

export interface FileFacts {
  readonly summary: FileSummary
  /** checkpoints by table, ascending */
  readonly checkpoints: ReadonlyMap<string, readonly HeldStretch[]>
  /** by `ownerKey`; one without any note is missing */
  readonly tables: ReadonlyMap<string, TableFacts>
}

/** More lines of history than these are not read, of each table. */
const MOST_RUNS = 30
const MOST_CHANGES = 100
const MOST_VERIFIES = 5

const NEWEST_RUNS = `QUALIFY row_number() OVER (PARTITION BY datasource, "table" ORDER BY started DESC, finished DESC) <= ${MOST_RUNS}
  ORDER BY datasource, "table", started DESC, finished DESC`

/** @throws DruidsyncError as `readSummary` */
export async function readFacts(
  engine: Engine,
  file: DatabaseFile,
  runHolder: () => Promise<string | undefined>,
  nowMs: number,
  signal?: AbortSignal,
): Promise<FileFacts> {
  const summary = await readSummary(engine, file, runHolder, nowMs, signal)
  return file.read(async () => {
    // A file of an earlier version has no notes yet.
    const names = await tableNames(engine)
    const history = await asStored(engine, RUNS)
    const inAll = await engine.rows(`SELECT datasource, "table", count(*) FROM ${history.from} GROUP BY ALL`)
    const counts = new Map(
      inAll.map(([datasource, table, count]) => [
        ownerKey({ datasource: String(datasource), table: String(table) }),
        Number(count),
      ]),
    )
    const runs = grouped(await readRows(engine, history, "*", NEWEST_RUNS))
    // All of them, few as they are kept: DuckDB ends with an internal error on some windows that number rows by `rowid`.
    const newest = "ORDER BY rowid DESC"
    const missing = await readNotes(engine, names, MISSING, "*", "ORDER BY start_ms")
    const missingOf = grouped(
      missing.map((one) => ({ ...one, interval: { start: one.start, end: one.end } })),
    )
    const changes = grouped(await readNotes(engine, names, CHANGES, "*", newest))
    const verifies = grouped(await readNotes(engine, names, VERIFIES, "*", newest))
    const checkpoints = await readStretches(engine)
    const tables = new Map(
      summary.datasources.map(ownerKey).map((key): [string, TableFacts] => [
        key,
        {
          runs: runs.get(key) ?? [],
          runsInAll: counts.get(key) ?? 0,
          missing: missingOf.get(key) ?? [],
          changes: (changes.get(key) ?? []).slice(0, MOST_CHANGES),
          verifies: (verifies.get(key) ?? []).slice(0, MOST_VERIFIES),
        },
      ]),
    )
    return { summary, checkpoints, tables }
  }, signal)
}

async function readStretches(engine: Engine): Promise<Map<string, HeldStretch[]>> {
  const keys = ["table", "start", "end", "state", "rows"] as const
  const chunks = await asStored(engine, CHUNKS)
  const rows = await readRows(engine, chunks, keys, "ORDER BY start_ms")
  const stretches = rows.map(({ start, end, ...row }) => ({ ...row, interval: { start, end } }))
  return groupBy(stretches, ({ table }) => table)
}

/** By `ownerKey`, in the order in which they come. */
function grouped<T extends Owned>(rows: readonly T[]): Map<string, T[]> {
  return groupBy(rows, ownerKey)
}
