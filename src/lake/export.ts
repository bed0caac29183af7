/**
 * The DuckDB file's tables as a partitioned lake. Only partitions whose checkpoints changed are written, each under
 * another name first and then by rename: a reader sees it as before or as after. The manifest is there before the first
 * file, and a partition without rows is deleted only after the manifest has dropped it. So wherever a run dies, the next one
 * recognises the files as ours. Asks nothing of Druid; the DuckDB file is closed every two seconds
 * or so, so that a pull can commit in between.
 */
import { mkdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { ExitCode, usage } from "../base/errors.ts"
import { literal } from "../store/engine.ts"
import { acquireRunLock } from "../store/file/run-lock.ts"
import type { HeldTable } from "../store/notes/holdings.ts"
import type { ExportReport, TableExport } from "./document.ts"
import { lakeError } from "./errors.ts"
import { TableExporter } from "./exporter.ts"
import { type ExportOptions, withLakeFile } from "./open.ts"
import { leastSure, leftTable } from "./outcome.ts"
import { type Target, targetOf } from "./target.ts"

/**
 * @returns the report; its `exitCode`: 0 all of it complete (or provisional), 3 something in it is incomplete
 * @throws DruidsyncError `usage`, `foreign` (nothing was written), `locked`, `file`, `disk-full`
 */
export function exportLake(options: ExportOptions): Promise<ExportReport> {
  const { out, to, clock, signal } = options
  const startedMs = clock.nowMs()
  return withLakeFile(options, async (open) => {
    const { engine, disk, share, tables, lookups, runs } = open
    await makeLake(to)
    const lock = await acquireRunLock(engine, {
      path: join(to, `_export-${share}`),
      waitMs: options.lockWaitMs,
      clock,
      onWait: options.onWait,
      signal,
    })
    try {
      // What does not fit into memory goes to the lake's own disk, and is removed with the lock.
      await engine.run(`SET temp_directory = ${literal(join(lock.spoolDir, "duckdb"))}`)
      const wish = { ...options, share, runs }
      const targets: (Target | HeldTable)[] = []
      // Check every table before writing the first one.
      for (const table of tables)
        targets.push(table.unreadable === undefined ? await targetOf(disk, table, wish) : table)
      const datasources: TableExport[] = []
      for (const target of targets) {
        const isThere = "folder" in target
        datasources.push(isThere ? await new TableExporter(target, options, open).run() : leftTable(target))
      }
      const outcome = leastSure(datasources.map((one) => one.outcome))
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
        ...(lookups.length === 0 ? {} : { lookups }),
      }
    } catch (error) {
      throw lakeError(to, error)
    } finally {
      await lock.release()
    }
  })
}

/** @throws DruidsyncError `usage` if something else is there, `file`, `disk-full` */
async function makeLake(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && !found.isDirectory()) {
    throw usage(`--to ${path} is not a folder`, "give the path of a folder for the lake")
  }
  await mkdir(path, { recursive: true }).catch((error) => {
    throw lakeError(path, error)
  })
}
