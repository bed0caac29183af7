/**
 * The DuckDB file's tables as a partitioned lake. Only partitions whose checkpoints changed are written, each under
 * another name first and then by rename: who reads sees it as before or as after. The manifest is there before the first
 * file, and a partition that has no more rows is deleted after the manifest that lacks it, so a run that dies anywhere
 * leaves files that its next run knows for its own. Asks nothing of Druid; the DuckDB file is let go of every two seconds
 * or so, so that a pull can commit in between.
 */
import { mkdir, stat } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { intervalText, overlapping } from "../base/intervals.ts"
import { type Engine, literal } from "../store/engine.ts"
import type { DatabaseFile } from "../store/file/file.ts"
import { withFile } from "../store/file/reading.ts"
import { acquireRunLock } from "../store/file/run-lock.ts"
import {
  type LakeChunk,
  type LakeFormat,
  type LakePartition,
  type LakePartitioning,
  type LakeTable,
  lakeError,
  readLakeChunks,
  readLakeColumns,
  readLakePartitions,
  readLakeTables,
  writeLakeFile,
} from "../store/lake.ts"
import { fileBytes } from "../store/notes/summary.ts"
import { type Disk, realDisk } from "./disk.ts"
import type { ExportReport, TableExport, UnsettledPartition } from "./document.ts"
import { filesIn, manifestPath } from "./files.ts"
import {
  fileName,
  isFileOf,
  isTemporaryOf,
  MANIFESTS,
  partitionPath,
  shareOf,
  temporaryName,
} from "./layout.ts"
import {
  type Manifest,
  type ManifestPartition,
  manifestText,
  type PartitionState,
  schemaChange,
  schemaDigest,
} from "./manifest.ts"
import { exportPlan, fingerprintOf, type PartitionNow, stateOf } from "./plan.ts"
import { type Target, targetOf } from "./target.ts"

/** What `export` and `verify --lake` both need. */
export interface LakeOptions {
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
  readonly clock: Clock
  readonly newId: () => string
  /** told once who is waited for, in words */
  readonly onWait: (holder: string) => void
  readonly signal: AbortSignal
  readonly disk?: Disk
}

export interface ExportOptions extends LakeOptions {
  /** undefined: as the lake has it, else by month */
  readonly partitionBy: LakePartitioning | undefined
  /** undefined: as the lake has it, else Parquet */
  readonly fileFormat: LakeFormat | undefined
  /** write all partitions, also in another form than before */
  readonly rewrite: boolean
  readonly version: string
}

/** The DuckDB file is let go of after so long, ms. */
const HOLD_MS = 2_000
/** A manifest is written so often, ms: what a run that dies need not write again. */
const SAVE_MS = 10_000
/** A pull may bring new columns while a table is exported; more often than this is no accident. */
const MOST_ROUNDS = 5
/** Runs that a manifest names. */
const RUNS_KEPT = 20
const MEMORY_LIMIT = "1GB"

/** Runs `work` with an engine of its own and the user's file. */
export async function withLakeFile<T>(
  options: LakeOptions,
  work: (engine: Engine, file: DatabaseFile) => Promise<T>,
): Promise<T> {
  await fileBytes(options.out)
  const threads = Math.max(1, Math.min(4, availableParallelism()))
  return withFile({ ...options, path: options.out, memoryLimit: MEMORY_LIMIT, threads }, work)
}

/** The tables that are asked for. @throws DruidsyncError `usage` for a name that the file does not have */
export function selectTables(
  tables: readonly LakeTable[],
  only: readonly string[] | undefined,
  out: string,
): LakeTable[] {
  if (only === undefined) return [...tables]
  return only.map((name) => {
    const found = tables.find(({ datasource }) => datasource === name)
    if (found !== undefined) return found
    throw new DruidsyncError("usage", `--only ${name}: ${out} has no such datasource`, {
      exitCode: ExitCode.usage,
      hint: `it has: ${tables.map(({ datasource }) => datasource).join(", ")}`,
    })
  })
}

/**
 * @returns the report; its `exitCode`: 0 all of it complete (or provisional), 3 something in it is incomplete
 * @throws DruidsyncError `usage`, `foreign` (nothing was written), `locked`, `file`, `disk-full`
 */
export function exportLake(options: ExportOptions): Promise<ExportReport> {
  const { out, to, clock, signal } = options
  const disk = options.disk ?? realDisk
  const startedMs = clock.nowMs()
  return withLakeFile(options, async (engine, file) => {
    const held = await file.read(() => readLakeTables(engine, out), signal)
    const tables = selectTables(held.tables, options.only, out)
    const share = shareOf(options.share, tables)
    await makeLake(to)
    const lock = await acquireRunLock(engine, {
      path: join(to, `_export-${share}`),
      waitMs: options.lockWaitMs,
      clock,
      onWait: options.onWait,
      signal,
    })
    try {
      // What does not fit into memory goes where there is to be room anyway, and away with the lock.
      await engine.run(`SET temp_directory = ${literal(join(lock.spoolDir, "duckdb"))}`)
      const wish = { ...options, share, runs: held.runs }
      const targets: (Target | LakeTable)[] = []
      // All of them are looked at before the first is written to.
      for (const table of tables) targets.push(table.isDropped ? table : await targetOf(disk, table, wish))
      const datasources: TableExport[] = []
      for (const target of targets) {
        datasources.push(
          "folder" in target
            ? await new TableExporter(target, {
                ...options,
                disk,
                share,
                runs: held.runs,
                engine,
                file,
              }).run()
            : droppedTable(target),
        )
      }
      const outcome = worst(datasources.map((one) => one.outcome))
      return {
        format: 1,
        out,
        to,
        share,
        outcome,
        exitCode: outcome === "incomplete" ? ExitCode.incomplete : ExitCode.ok,
        started: new Date(startedMs).toISOString(),
        durationMs: Math.round(clock.nowMs() - startedMs),
        datasources,
      }
    } catch (error) {
      throw lakeError(to, error)
    } finally {
      await lock.release()
    }
  })
}

/** @throws DruidsyncError `usage` where something else is there, `file`, `disk-full` */
async function makeLake(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && !found.isDirectory()) {
    throw new DruidsyncError("usage", `--to ${path} is not a folder`, {
      exitCode: ExitCode.usage,
      hint: "give the path of a folder for the lake",
    })
  }
  await mkdir(path, { recursive: true }).catch((error) => {
    throw lakeError(path, error)
  })
}

function droppedTable(table: LakeTable): TableExport {
  return {
    datasource: table.datasource,
    table: table.table,
    folder: "",
    outcome: "incomplete",
    reason: "its table was dropped; the lake was left as it is, the next pull fetches all of it again",
    rewritten: undefined,
    partitionBy: "month",
    keys: [],
    fileFormat: "parquet",
    written: [],
    unchanged: 0,
    removed: [],
    rowsWritten: 0,
    bytesWritten: 0,
    rows: 0,
    bytes: 0,
    unsettled: [],
    notes: [],
  }
}

function worst(states: readonly PartitionState[]): PartitionState {
  if (states.includes("incomplete")) return "incomplete"
  return states.includes("provisional") ? "provisional" : "complete"
}

/** The partitions of a table as they are now. Call while the file is attached. */
export async function partitionsNow(
  engine: Engine,
  table: Pick<LakeTable, "datasource" | "table">,
  { partitionBy, keys, name }: { partitionBy: LakePartitioning; keys: readonly string[]; name: string },
): Promise<{ now: PartitionNow[]; chunks: LakeChunk[]; rows: number; timeless: number }> {
  const chunks = await readLakeChunks(engine, table.datasource)
  const { partitions, timeless } = await readLakePartitions(engine, table.table, partitionBy)
  const over = overlapping(partitions, chunks)
  const now = partitions.map((partition, n) => partitionNow(partition, over[n]!, keys, name))
  return { now, chunks, rows: partitions.reduce((sum, one) => sum + one.rows, 0), timeless }
}

function partitionNow(
  partition: LakePartition,
  chunks: readonly LakeChunk[],
  keys: readonly string[],
  name: string,
): PartitionNow {
  return {
    path: `${partitionPath(keys, partition)}/${name}`,
    partition,
    fingerprint: fingerprintOf(partition, chunks),
    ...stateOf(partition, chunks),
  }
}

/** One partition as it is at this moment; undefined where it has no row. Call while the file is attached. */
export async function partitionAgain(
  engine: Engine,
  table: Pick<LakeTable, "datasource" | "table">,
  { partition }: PartitionNow,
  { partitionBy, keys, name }: { partitionBy: LakePartitioning; keys: readonly string[]; name: string },
): Promise<PartitionNow | undefined> {
  const chunks = await readLakeChunks(engine, table.datasource, partition.interval)
  const { partitions } = await readLakePartitions(engine, table.table, partitionBy, partition.interval)
  return partitions[0] === undefined ? undefined : partitionNow(partitions[0], chunks, keys, name)
}

interface Means extends Omit<ExportOptions, "share" | "disk"> {
  readonly disk: Disk
  readonly share: string
  readonly runs: readonly string[]
  readonly engine: Engine
  readonly file: DatabaseFile
}

/** One table, from looking to the report. */
class TableExporter {
  readonly #target: Target
  readonly #means: Means
  /** the manifest's lines, as far as they are true now */
  readonly #lines: Map<string, ManifestPartition>
  #columns: LakeTable["columns"]
  #runs: readonly string[]
  #savedMs = 0
  #saved = ""
  readonly #written = new Map<string, ManifestPartition>()

  constructor(target: Target, means: Means) {
    this.#target = target
    this.#means = means
    this.#columns = target.table.columns
    this.#runs = means.runs
    const old = target.isMoved ? [] : (target.manifest?.partitions ?? [])
    this.#lines = new Map(old.map((line) => [line.path, line]))
  }

  async run(): Promise<TableExport> {
    const { manifest, isMoved, folder } = this.#target
    const { disk } = this.#means
    await disk.makeFolder(folder)
    await disk.makeFolder(join(folder, MANIFESTS))
    if (manifest === undefined || isMoved) {
      await this.#save(false, "incomplete")
      // The old files lie under other names: rows may be missing to readers for a while, but none is there twice.
      if (isMoved) await this.#sweep()
    }
    try {
      for (let round = 1; round <= MOST_ROUNDS; round++) {
        const report = await this.#round(manifest)
        if (report !== undefined) return report
      }
    } catch (error) {
      // What is written already need not be written again; where even this fails, the error is the news.
      if (this.#written.size > 0) await this.#save(false, "incomplete").catch(() => undefined)
      throw error
    }
    throw new DruidsyncError(
      "file",
      `the columns of "${this.#target.table.table}" changed while it was exported`,
      {
        exitCode: ExitCode.incomplete,
        hint: "export again when no pull is under way",
      },
    )
  }

  get #layout() {
    const { partitionBy, keys, fileFormat } = this.#target
    return { partitionBy, keys, name: fileName(this.#means.share, fileFormat) }
  }

  /** @returns undefined where the columns changed meanwhile: look again */
  async #round(manifest: Manifest | undefined): Promise<TableExport | undefined> {
    const { target, means } = { target: this.#target, means: this.#means }
    const { engine, file, disk, signal } = means
    const seen = await file.read(async () => {
      const { tables, runs } = await readLakeTables(engine, means.out)
      const table = tables.find(({ datasource }) => datasource === target.table.datasource)
      if (table === undefined || table.isDropped || table.table !== target.table.table) return undefined
      return { table, runs, ...(await partitionsNow(engine, table, this.#layout)) }
    }, signal)
    if (seen === undefined) return droppedTable(target.table)
    this.#columns = seen.table.columns
    this.#runs = seen.runs
    const sizes = new Map<string, number>()
    for (const path of this.#lines.keys()) {
      const found = await disk.look(join(target.folder, path))
      if (found?.kind === "file") sizes.set(path, found.bytes)
    }
    const schema = schemaDigest(this.#columns)
    // What this run has written already is as good as new.
    const rewrite = means.rewrite && this.#written.size === 0
    const plan = exportPlan(
      seen.now,
      { partitions: [...this.#lines.values()] },
      (path) => sizes.get(path),
      schema,
      rewrite,
    )
    if (!(await this.#writeAll([...plan.write]))) return undefined
    for (const path of plan.gone) this.#lines.delete(path)
    const state = this.#stateOf(seen)
    await this.#save(true, state.outcome)
    const swept = await this.#sweep()
    return this.#report(plan.gone, swept, state, manifest, seen.now.length)
  }

  /** @returns false where the columns changed meanwhile */
  async #writeAll(queue: PartitionNow[]): Promise<boolean> {
    const { engine, file, clock, signal } = this.#means
    while (queue.length > 0) {
      const isSame = await file.read(async () => {
        const began = clock.nowMs()
        const columns = await readLakeColumns(engine, this.#target.table.datasource)
        if (columns === undefined || schemaDigest(columns) !== schemaDigest(this.#columns)) return false
        do {
          signal.throwIfAborted()
          await this.#writeOne(queue.shift()!)
        } while (queue.length > 0 && clock.nowMs() - began < HOLD_MS)
        return true
      }, signal)
      if (!isSame) return false
      if (clock.nowMs() - this.#savedMs >= SAVE_MS && queue.length > 0) await this.#save(false, "incomplete")
    }
    return true
  }

  async #writeOne(planned: PartitionNow): Promise<void> {
    const { engine, disk, share, newId } = this.#means
    const { table, folder, fileFormat } = this.#target
    // Rows and checkpoints of one moment: a pull may have committed since they were planned.
    const now = await partitionAgain(engine, table, planned, this.#layout)
    if (now === undefined) {
      this.#lines.delete(planned.path)
      return
    }
    const steps = now.path.split("/").slice(0, -1)
    const final = join(folder, now.path)
    const temporary = join(folder, ...steps, temporaryName(share, newId()))
    try {
      await this.#makeFolders(steps)
      const there = await disk.look(final)
      if (there !== undefined && there.kind !== "file") {
        throw new DruidsyncError("foreign", `${final} is there already and is no file`, {
          exitCode: ExitCode.usage,
          hint: "move it away, then export again",
        })
      }
      const { interval } = now.partition
      const rows = await writeLakeFile(
        engine,
        { table: table.table, columns: this.#columns, interval },
        fileFormat,
        temporary,
      )
      if (rows !== now.partition.rows)
        throw new Error(`${final}: ${rows} rows written of ${now.partition.rows}`)
      await disk.sync(temporary)
      const line: ManifestPartition = {
        path: now.path,
        interval: intervalText(interval),
        rows,
        bytes: (await disk.look(temporary))!.bytes,
        sha256: await disk.sha256(temporary),
        fingerprint: now.fingerprint,
        schema: schemaDigest(this.#columns),
        state: now.state,
        ...(now.reason === undefined ? {} : { reason: now.reason }),
      }
      await disk.rename(temporary, final)
      this.#lines.set(now.path, line)
      this.#written.set(now.path, line)
    } catch (error) {
      await disk.remove(temporary).catch(() => undefined)
      throw lakeError(final, error)
    }
  }

  async #makeFolders(steps: readonly string[]): Promise<void> {
    for (let n = 1; n <= steps.length; n++)
      await this.#means.disk.makeFolder(join(this.#target.folder, ...steps.slice(0, n)))
  }

  #stateOf(seen: { table: LakeTable; chunks: readonly LakeChunk[]; rows: number; timeless: number }): {
    outcome: PartitionState
    reason: string | undefined
  } {
    const { table, chunks, rows, timeless } = seen
    const states = [...this.#lines.values()].map((line) => line.state)
    const pulled = chunks.reduce((sum, chunk) => sum + chunk.rows, 0)
    const because = (reason: string) => ({ outcome: "incomplete" as const, reason })
    if (timeless > 0)
      return because(`${timeless} rows without a time were left out: changed by another program`)
    if (pulled !== rows) return because("its rows are not those that were pulled: changed by another program")
    if (table.status !== "complete") {
      return because(
        table.status === "running"
          ? "a pull is under way, or was killed"
          : `its last pull was ${table.status}${table.message === undefined ? "" : `: ${table.message}`}`,
      )
    }
    // Checkpoints may stand out of the partitions that have rows.
    if (chunks.some(({ state }) => state === "stale" || state === "unproven"))
      return { outcome: "incomplete", reason: undefined }
    return { outcome: worst(states), reason: undefined }
  }

  /** Writes the manifest, unless the one that is there says the same. */
  async #save(isFinished: boolean, state: PartitionState): Promise<void> {
    const { disk, share, version, clock, newId } = this.#means
    const { table, folder, partitionBy, fileFormat, keys, manifest } = this.#target
    const partitions = [...this.#lines.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
    this.#savedMs = clock.nowMs()
    const next: Manifest = {
      format: 1,
      druidsync: version,
      datasource: table.datasource,
      table: table.table,
      share,
      runs: this.#runs.slice(0, RUNS_KEPT),
      partitionBy,
      keys,
      fileFormat,
      columns: this.#columns,
      isFinished,
      exportedAt: new Date(clock.nowMs()).toISOString(),
      state,
      rows: partitions.reduce((sum, line) => sum + line.rows, 0),
      bytes: partitions.reduce((sum, line) => sum + line.bytes, 0),
      partitions,
    }
    const before = this.#saved === "" && manifest !== undefined ? manifestText(manifest) : this.#saved
    const timeless = (text: string) => text.replace(/^ {2}"(exportedAt|druidsync)": .*$/gm, "")
    const text = manifestText(next)
    if (timeless(text) === timeless(before)) return
    const path = manifestPath(folder, share)
    const temporary = join(folder, MANIFESTS, temporaryName(share, newId()))
    try {
      await disk.write(temporary, text)
      await disk.rename(temporary, path)
    } catch (error) {
      await disk.remove(temporary).catch(() => undefined)
      throw lakeError(path, error)
    }
    this.#saved = text
  }

  /**
   * Deletes this share's files that the manifest does not have: partitions without rows, and what runs left behind that
   * died. The manifest on the disk already lacks them.
   * @returns their paths, temporary files apart
   */
  async #sweep(): Promise<string[]> {
    const { disk, share } = this.#means
    const { folder } = this.#target
    const swept: string[] = []
    for (const { path, name } of await filesIn(disk, folder)) {
      const isTemporary = isTemporaryOf(share, name)
      if (!isTemporary && (!isFileOf(share, name) || this.#lines.has(path))) continue
      await disk.remove(join(folder, path))
      if (!isTemporary) swept.push(path)
      // Folders that are empty now; not others, which another share may have made a moment ago.
      const steps = path.split("/").slice(0, -1)
      while (steps.length > 0 && (await disk.removeFolder(join(folder, ...steps)))) steps.pop()
    }
    for (const { name } of await disk.list(join(folder, MANIFESTS)))
      if (isTemporaryOf(share, name)) await disk.remove(join(folder, MANIFESTS, name))
    return swept
  }

  #report(
    gone: readonly string[],
    swept: readonly string[],
    { outcome, reason }: { outcome: PartitionState; reason: string | undefined },
    manifest: Manifest | undefined,
    partitions: number,
  ): TableExport {
    const { table, folderName, partitionBy, keys, fileFormat, notes, moved } = this.#target
    const folderOf = (path: string) => path.split("/").slice(0, -1).join("/")
    const lines = [...this.#lines.values()]
    const written = [...this.#written.values()]
    const sum = (some: readonly ManifestPartition[], of: "rows" | "bytes") =>
      some.reduce((total, line) => total + line[of], 0)
    const unsettled = lines
      .filter((line) => line.state !== "complete")
      .map(
        (line): UnsettledPartition => ({
          partition: folderOf(line.path),
          state: line.state,
          reason: line.reason ?? "",
        }),
      )
    const change = manifest === undefined ? undefined : schemaChange(manifest.columns, this.#columns)
    const asked = this.#means.rewrite && manifest !== undefined ? "--rewrite" : undefined
    return {
      datasource: table.datasource,
      table: table.table,
      folder: folderName,
      outcome,
      reason,
      rewritten: written.length === 0 ? undefined : (asked ?? moved ?? change),
      partitionBy,
      keys,
      fileFormat,
      written: written.map((line) => folderOf(line.path)),
      unchanged: partitions - written.length,
      removed: [...new Set([...gone, ...swept].map(folderOf))],
      rowsWritten: sum(written, "rows"),
      bytesWritten: sum(written, "bytes"),
      rows: sum(lines, "rows"),
      bytes: sum(lines, "bytes"),
      unsettled: unsettled.sort((a, b) => (a.partition < b.partition ? -1 : 1)),
      notes,
    }
  }
}
