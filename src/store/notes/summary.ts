/** What the file says about itself, for `status`: read in one go, with the file open read-only, and no network. */
import { stat } from "node:fs/promises"
import type { Interval, PartState } from "../../base/domain.ts"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import { quoteName } from "../../base/names.ts"
import { refusalOf, whyOf } from "../../base/system.ts"
import { says } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { type Ahead, readAhead } from "./ahead.ts"
import type { HeldLookup } from "./lookups.ts"
import { type FileState, type HeldState, readState } from "./state.ts"
import { asStored, type RowOf, readRows, rowsFrom } from "./sync-table.ts"
import { CHUNKS, notOurs, RUNS, STATE, tableNames } from "./tables.ts"

/** Checkpoints in one state. */
export interface PartGroup {
  readonly chunks: number
  readonly rows: number
  /** ascending, disjoint, neighbours joined; of what is complete none are looked up */
  readonly intervals: readonly Interval[]
}

const LAST_RUN = [
  "datasource",
  "table",
  "outcome",
  "startedMs",
  "durationMs",
  "rowsFetched",
  "message",
] as const

/** The last line of history of a table. */
export type LastRun = Pick<RowOf<typeof RUNS>, Exclude<(typeof LAST_RUN)[number], "datasource" | "table">>

/** Whose a note is. */
export interface Owned {
  readonly datasource: string
  readonly table: string
}

/** A key to tell owners apart: before a table's first commit, its name may be that of another datasource's. */
export function ownerKey({ datasource, table }: Owned): string {
  return JSON.stringify([datasource, table])
}

/** A table of a datasource. */
export interface DatasourceSummary extends Owned {
  /** undefined if no run has stored anything yet */
  readonly state: HeldState | undefined
  /** it had a table, which someone dropped: nothing is held of it any more */
  readonly isDropped: boolean
  /** checkpoints by state; states without any are missing */
  readonly parts: ReadonlyMap<PartState, PartGroup>
  /** rows that the table really has; undefined if there is none */
  readonly tableRows: number | undefined
  /** bytes of the blocks that the table uses, about: small tables share blocks with others */
  readonly tableBytes: number | undefined
  readonly lastRun: LastRun | undefined
  /** where it has rows after now */
  readonly ahead: Ahead | undefined
}

export interface FileSummary {
  readonly path: string
  readonly bytes: number
  /** program and PID of a run that works on the file now */
  readonly runner: string | undefined
  /** by name, tables of one datasource by theirs */
  readonly datasources: readonly DatasourceSummary[]
  /** by name */
  readonly lookups: readonly HeldLookup[]
}

/**
 * @param runHolder tells who holds the run lock, if anyone; asked only where the file says that a run is under way
 * @param nowMs what is after it does not count as the newest row
 * @throws DruidsyncError `file` if there is no file, `foreign` if it is not druidsync's, `locked`
 */
export async function readSummary(
  engine: Engine,
  file: DatabaseFile,
  runHolder: () => Promise<string | undefined>,
  nowMs: number,
  signal?: AbortSignal,
): Promise<FileSummary> {
  const bytes = await fileBytes(file.path)
  const state = await readState(engine, file, signal).catch((error) => {
    // Tables with our names but other columns are not ours.
    throw says(error, "otherColumns") ? notOurs(file.path) : error
  })
  if (!state.tables.includes(STATE.name)) throw notOurs(file.path)
  const datasources = await file.read(async () => {
    const blockBytes = await readBlockBytes(engine)
    const groups = await readGroups(engine, state)
    const ahead = await readAhead(engine, state.held.values(), nowMs)
    const known = await readRows(engine, STATE, ["datasource", "table"])
    const runs = await readLastRuns(engine)
    // Of what was never stored, only the newest run's is news: a name that was once mistyped is not asked for any more.
    const newestMs = Math.max(...[...runs.values()].map((run) => run.startedMs))
    const asked = [...runs.values()].filter((run) => run.startedMs === newestMs)
    const knownKeys = new Set(known.map(ownerKey))
    const all = new Map([...asked, ...known].map((one) => [ownerKey(one), one]))
    const result: DatasourceSummary[] = []
    for (const [key, { datasource, table }] of [...all].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const isKnown = knownKeys.has(key)
      const held = isKnown ? state.held.get(table) : undefined
      result.push({
        datasource,
        table,
        state: held,
        isDropped: isKnown && held === undefined,
        parts: (held && groups.get(table)) ?? new Map(),
        tableRows: held !== undefined ? await tableRows(engine, held.table) : undefined,
        tableBytes: held !== undefined ? await tableBytes(engine, held.table, blockBytes) : undefined,
        lastRun: runs.get(key),
        ahead: held === undefined ? undefined : ahead.get(table),
      })
    }
    return result
  }, signal)
  const isRunning = datasources.some((one) => one.state?.status === "running")
  return {
    path: file.path,
    bytes,
    runner: isRunning ? await runHolder() : undefined,
    datasources,
    lookups: state.lookups,
  }
}

/**
 * Size of the user's file.
 * @throws DruidsyncError `file` (exit 2) if there is none, or something else
 */
export async function fileBytes(path: string): Promise<number> {
  const found = await stat(path).catch((error: { code?: string }) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined
    throw new DruidsyncError("file", `${path} cannot be read: ${whyOf(error, "file")}`, {
      hint: refusalOf(error, "file", "--out")?.hint ?? "check --out",
      cause: error,
    })
  })
  if (found === undefined) {
    throw new DruidsyncError("file", `there is no file ${path}`, {
      exitCode: ExitCode.usage,
      hint: "druidsync pull makes it; or check --out",
    })
  }
  if (!found.isFile()) {
    throw new DruidsyncError("file", `${path} is not a file`, {
      exitCode: ExitCode.usage,
      hint: "check --out",
    })
  }
  return found.size
}

/** Checkpoints by table and state. Those that touch are joined in the file: there may be a million. */
async function readGroups(
  engine: Engine,
  { held }: FileState,
): Promise<Map<string, Map<PartState, PartGroup>>> {
  const { from } = await asStored(engine, CHUNKS)
  const joined = await engine.rows(
    `SELECT "table", state, min(start_ms), max(end_ms) FROM (
       SELECT *, count(*) FILTER (begins) OVER (PARTITION BY "table", state ORDER BY start_ms) AS nth FROM (
         SELECT *, lag(end_ms) OVER (PARTITION BY "table", state ORDER BY start_ms) IS DISTINCT FROM start_ms AS begins
         FROM ${from} WHERE state <> 'complete'))
     GROUP BY "table", state, nth ORDER BY min(start_ms)`,
  )
  const groups = new Map<string, Map<PartState, PartGroup & { intervals: Interval[] }>>()
  for (const [name, { sums }] of held) {
    const own = new Map<PartState, PartGroup & { intervals: Interval[] }>()
    for (const [state, { parts, rows }] of sums) own.set(state, { chunks: parts, rows, intervals: [] })
    groups.set(name, own)
  }
  for (const [name, state, start, end] of joined) {
    const group = groups.get(String(name))?.get(String(state) as PartState)
    group?.intervals.push({ start: start as bigint, end: end as bigint })
  }
  return groups
}

async function tableRows(engine: Engine, table: string): Promise<number> {
  const [row] = await engine.rows(`SELECT count(*) FROM file.${quoteName(table)}`)
  return Number(row![0])
}

async function readBlockBytes(engine: Engine): Promise<number> {
  const rows = await engine.rows("SELECT block_size FROM pragma_database_size() WHERE database_name = 'file'")
  return Number(rows[0]?.[0] ?? 0)
}

/**
 * Distinct blocks that the columns' segments lie in; those of long strings are listed apart.
 * @returns undefined if the user put a view in the table's place, or its name has quotes, which DuckDB does not find
 */
async function tableBytes(engine: Engine, table: string, blockBytes: number): Promise<number | undefined> {
  const query = `WITH info AS (FROM pragma_storage_info(${literal(`file.main.${quoteName(table)}`)})),
      blocks AS (SELECT block_id FROM info UNION SELECT unnest(additional_block_ids) FROM info)
    SELECT count(*) FROM blocks WHERE block_id >= 0`
  const [row] = await engine.rows(query).catch((error) => {
    if (says(error, "ofTable")) return []
    throw error
  })
  return row === undefined ? undefined : Number(row[0]) * blockBytes
}

/** By `ownerKey`. */
async function readLastRuns(engine: Engine): Promise<Map<string, LastRun & Owned>> {
  const last = `QUALIFY row_number() OVER (PARTITION BY datasource, "table" ORDER BY started DESC, finished DESC) = 1`
  const runs = await readRows(engine, await asStored(engine, RUNS), LAST_RUN, last)
  return new Map(runs.map((run) => [ownerKey(run), run]))
}

/** Bytes of response per row, by table, as far as earlier runs tell: what a plan estimates its download with. */
export async function readBytesPerRow(
  engine: Engine,
  file: DatabaseFile,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  if (!file.exists()) return new Map()
  return file.read(async () => {
    if (!(await tableNames(engine)).includes(RUNS.name)) return new Map()
    const { from } = await asStored(engine, RUNS)
    const rows = await rowsFrom(
      engine,
      RUNS.name,
      `SELECT "table", (sum(bytes) / sum(rows_fetched))::DOUBLE FROM ${from} WHERE rows_fetched > 0 GROUP BY "table"`,
    )
    return new Map(rows.map(([table, bytes]) => [String(table), Number(bytes)]))
  }, signal)
}
