/** Opens the DuckDB file for `export` and `verify --lake`, and says which of its tables are meant. */
import { usage } from "../base/errors.ts"
import { ofName } from "../base/names.ts"
import { shardText } from "../base/shard.ts"
import { shardOfText } from "../config/settings-digest.ts"
import { type Engine, threadsHere } from "../store/engine.ts"
import type { DatabaseFile, FileOptions } from "../store/file/file.ts"
import { withFile } from "../store/file/reading.ts"
import { type HeldTable, readHoldings } from "../store/notes/holdings.ts"
import { heldLookups } from "../store/notes/lookups.ts"
import { fileBytes } from "../store/notes/summary.ts"
import { type Disk, realDisk } from "./disk.ts"
import { type LakeFormat, type LakePartitioning, shareName } from "./layout.ts"

/** What `export` and `verify --lake` both need. */
export interface LakeOptions extends Pick<FileOptions, "clock" | "onWait"> {
  /** absolute path of the DuckDB file */
  readonly out: string
  /** absolute path of the lake's folder */
  readonly to: string
  /** datasources; undefined for all */
  readonly only: readonly string[] | undefined
  /** undefined: what the file says, else `data` */
  readonly share: string | undefined
  /** how long a lock of someone else is waited for, ms */
  readonly lockWaitMs: number
  readonly newId: () => string
  readonly signal: AbortSignal
  readonly disk?: Disk
}

/** What an export is asked to do. */
export interface ExportOptions extends LakeOptions {
  /** undefined: as the lake has it, else by month */
  readonly partitionBy: LakePartitioning | undefined
  /** undefined: as the lake has it, else Parquet */
  readonly fileFormat: LakeFormat | undefined
  /** write all partitions, also in another form than before */
  readonly rewrite: boolean
  readonly version: string
}

/** The DuckDB file, opened, and what of it is meant. */
export interface OpenFile {
  readonly engine: Engine
  readonly file: DatabaseFile
  readonly disk: Disk
  /** those that are asked for */
  readonly tables: readonly HeldTable[]
  /** names of the tables of lookups: they have neither time nor partitions, and are no part of a lake */
  readonly lookups: readonly string[]
  /** see `readHoldings` */
  readonly runs: readonly string[]
  /** name of the share that this file writes */
  readonly share: string
}

/** The DuckDB file is closed after this time, ms. */
const HOLD_MS = 2_000
const MEMORY_LIMIT = "1GB"

/**
 * Runs `work` with an engine of its own and the user's file.
 * @throws DruidsyncError `usage` for a datasource that the file does not have, or where the share has no name
 */
export async function withLakeFile<T>(
  options: LakeOptions,
  work: (open: OpenFile) => Promise<T>,
): Promise<T> {
  const { out, only, signal, disk = realDisk } = options
  await fileBytes(out)
  const threads = threadsHere()
  return withFile({ ...options, path: out, memoryLimit: MEMORY_LIMIT, threads }, async (engine, file) => {
    const held = await file.read(() => readHoldings(engine, out), signal)
    const lookups = only === undefined ? await heldLookups(engine, file, signal) : []
    const tables = selectTables(held.tables, only, out)
    const share = shareName(options.share, tables.map(shardOf))
    const names = lookups.map(({ table }) => table)
    return work({ engine, file, disk, tables, lookups: names, runs: held.runs, share })
  })
}

/** The share of the datasource that the file holds, such as `2/4`; undefined for all of it. */
function shardOf({ settings }: HeldTable): string | undefined {
  const shard = shardOfText(settings)
  return shard === undefined ? undefined : shardText(shard)
}

/** The tables that are asked for. @throws DruidsyncError `usage` for a name that the file does not have */
function selectTables(
  tables: readonly HeldTable[],
  only: readonly string[] | undefined,
  out: string,
): HeldTable[] {
  if (only === undefined) return [...tables]
  const chosen = only.flatMap((name) => {
    const found = ofName(tables, ({ datasource }) => datasource, name)
    if (found.length > 0) return found
    throw usage(
      `--only ${name}: ${out} has no such datasource`,
      `it has: ${[...new Set(tables.map(({ datasource }) => datasource))].join(", ")}`,
    )
  })
  return [...new Set(chosen)]
}

/** What is done to each of a queue while the file is attached. */
export interface HeldWork<T> {
  /** called each time the file is attached; false ends the work */
  begin(): Promise<boolean>
  each(one: T): Promise<void>
  /** called when the file was closed and there is more to do */
  between?(): Promise<void>
}

/**
 * Works through a queue, and closes the file every two seconds or so, so that a pull can commit in between.
 * @returns false if `begin` did
 */
export async function whileHeld<T>(
  file: DatabaseFile,
  { clock, signal }: Pick<LakeOptions, "clock" | "signal">,
  queue: T[],
  work: HeldWork<T>,
): Promise<boolean> {
  while (queue.length > 0) {
    const goesOn = await file.read(async () => {
      const began = clock.nowMs()
      if (!(await work.begin())) return false
      do {
        signal.throwIfAborted()
        await work.each(queue.shift()!)
      } while (queue.length > 0 && clock.nowMs() - began < HOLD_MS)
      return true
    }, signal)
    if (!goesOn) return false
    if (queue.length > 0) await work.between?.()
  }
  return true
}
