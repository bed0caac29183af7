/** Exports one table, from looking to the report. */
import { join } from "node:path"
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { intervalText } from "../base/intervals.ts"
import { type HeldTable, readHeldColumns, readHoldings } from "../store/notes/holdings.ts"
import type { TableExport } from "./document.ts"
import { lakeError } from "./errors.ts"
import { sweep } from "./files.ts"
import { MANIFESTS, temporaryName } from "./layout.ts"
import { type ManifestPartition, type PartitionState, schemaDigest } from "./manifest.ts"
import { ManifestFile } from "./manifest-file.ts"
import { type Layout, layoutOf, partitionAgain, partitionsNow } from "./now.ts"
import { type ExportOptions, type OpenFile, whileHeld } from "./open.ts"
import { exportedTable, leftTable, tableState } from "./outcome.ts"
import { exportPlan, type PartitionNow } from "./plan.ts"
import type { Target } from "./target.ts"
import { writeLakeFile } from "./write.ts"

/** How often the manifest is written, ms. The next run need not repeat what it lists. */
const SAVE_MS = 10_000
/** A pull may bring new columns while a table is exported. After this many rounds we give up. */
const MOST_ROUNDS = 5

export class TableExporter {
  readonly #target: Target
  readonly #options: ExportOptions
  readonly #open: OpenFile
  readonly #layout: Layout
  /** the manifest's lines that still hold */
  readonly #lines: Map<string, ManifestPartition>
  readonly #written = new Map<string, ManifestPartition>()
  #columns: HeldTable["columns"]
  #runs: readonly string[]
  readonly #manifest: ManifestFile

  constructor(target: Target, options: ExportOptions, open: OpenFile) {
    this.#target = target
    this.#options = options
    this.#open = open
    this.#layout = layoutOf(open.share, target)
    this.#manifest = new ManifestFile(target, options, open)
    this.#columns = target.table.columns
    this.#runs = open.runs
    const old = target.isMoved ? [] : (target.manifest?.partitions ?? [])
    this.#lines = new Map(old.map((line) => [line.path, line]))
  }

  async run(): Promise<TableExport> {
    const { manifest, isMoved, folder } = this.#target
    const { disk, share } = this.#open
    await disk.makeFolder(folder)
    await disk.makeFolder(join(folder, MANIFESTS))
    if (manifest === undefined || isMoved) {
      await this.#save(false, "incomplete")
      // The old files have other names. Delete them first: readers may miss rows for a while, but see none twice.
      if (isMoved) await sweep(disk, folder, share, this.#lines)
    }
    try {
      for (let round = 1; round <= MOST_ROUNDS; round++) {
        const report = await this.#round()
        if (report !== undefined) return report
      }
    } catch (error) {
      // What is written already need not be written again. Report the original error; ignore errors from saving.
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

  /** @returns undefined if the columns changed meanwhile: look again */
  async #round(): Promise<TableExport | undefined> {
    const target = this.#target
    const { engine, file, disk, share } = this.#open
    const { out, signal, rewrite } = this.#options
    const seen = await file.read(async () => {
      const { tables, runs } = await readHoldings(engine, out)
      const { datasource } = target.table
      const table = tables.find((one) => one.datasource === datasource && one.table === target.table.table)
      if (table === undefined || table.unreadable !== undefined) return leftTable(table ?? target.table)
      return { table, runs, now: await partitionsNow(engine, table, this.#layout) }
    }, signal)
    if ("outcome" in seen) return seen
    const { table, now } = seen
    this.#columns = table.columns
    this.#runs = seen.runs
    const sizes = new Map<string, number>()
    for (const path of this.#lines.keys()) {
      const found = await disk.look(join(target.folder, path))
      if (found?.kind === "file") sizes.set(path, found.bytes)
    }
    const plan = exportPlan(
      now.partitions,
      { partitions: [...this.#lines.values()] },
      (path) => sizes.get(path),
      schemaDigest(this.#columns),
      // What this run has written need not be written again.
      rewrite && this.#written.size === 0,
    )
    if (!(await this.#writeAll([...plan.write]))) return undefined
    for (const path of plan.gone) this.#lines.delete(path)
    const state = tableState(table, [...this.#lines.values()], now)
    await this.#save(true, state.outcome)
    const swept = await sweep(disk, target.folder, share, this.#lines)
    return exportedTable({
      ...state,
      target,
      columns: this.#columns,
      before: target.manifest,
      partitions: now.partitions.length,
      lines: [...this.#lines.values()],
      written: [...this.#written.values()],
      removed: [...plan.gone, ...swept],
      rewrite,
    })
  }

  /** @returns false if the columns changed meanwhile */
  #writeAll(queue: PartitionNow[]): Promise<boolean> {
    const { engine, file } = this.#open
    const { clock } = this.#options
    return whileHeld(file, this.#options, queue, {
      begin: async () => {
        const columns = await readHeldColumns(engine, this.#target.table.table)
        return columns !== undefined && schemaDigest(columns) === schemaDigest(this.#columns)
      },
      each: (one) => this.#writeOne(one),
      between: async () => {
        if (clock.nowMs() - this.#manifest.savedMs >= SAVE_MS) await this.#save(false, "incomplete")
      },
    })
  }

  async #writeOne(planned: PartitionNow): Promise<void> {
    const { engine, disk, share } = this.#open
    const { newId } = this.#options
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
        throw new DruidsyncError("foreign", `${final} exists and is not a file`, {
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
      await this.#open.disk.makeFolder(join(this.#target.folder, ...steps.slice(0, n)))
  }

  /** Writes the manifest as things are now. */
  #save(isFinished: boolean, state: PartitionState): Promise<void> {
    const lines = [...this.#lines.values()]
    return this.#manifest.save({ isFinished, state, lines, columns: this.#columns, runs: this.#runs })
  }
}
