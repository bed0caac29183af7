/**
 * Is the lake what the DuckDB file holds? Files against the manifest (there, size, SHA-256, no strangers), the manifest
 * against the checkpoints (nothing changed since the export), and the rows of each file against the table's. Looks only
 * at one share; writes nothing, asks nothing of Druid.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { firstLine, says } from "../store/duckdb-errors.ts"
import { type Engine, literal } from "../store/engine.ts"
import type { DatabaseFile } from "../store/file/file.ts"
import {
  compareLakeFile,
  compareLakeFileDeep,
  type LakeTable,
  readLakeColumns,
  readLakeTables,
} from "../store/lake.ts"
import { type Disk, realDisk } from "./disk.ts"
import type { LakeFault, LakeMark, LakeReport, PartitionFault, TableVerification } from "./document.ts"
import { type LakeOptions, partitionAgain, partitionsNow, selectTables, withLakeFile } from "./export.ts"
import { filesIn, otherManifests, readManifest } from "./files.ts"
import { fileName, shareOf, tableFolder } from "./layout.ts"
import { type Manifest, type ManifestPartition, schemaChange, schemaDigest } from "./manifest.ts"
import type { PartitionNow } from "./plan.ts"

export interface VerifyLakeOptions extends LakeOptions {
  /** compare rows as multisets, not by their hashes */
  readonly deep: boolean
}

/** The DuckDB file is let go of after so long, ms. */
const HOLD_MS = 2_000

/**
 * @returns the report; its `exitCode`: 0 all is equal, 1 something is not
 * @throws DruidsyncError `usage` where there is no lake of this share; `file`, `foreign`, `locked`
 */
export function verifyLake(options: VerifyLakeOptions): Promise<LakeReport> {
  const { out, to, clock, signal, deep } = options
  const disk = options.disk ?? realDisk
  const startedMs = clock.nowMs()
  return withLakeFile(options, async (engine, file) => {
    const overflow = await mkdtemp(join(tmpdir(), "druidsync-verify-"))
    try {
      // What an exact comparison cannot hold in memory.
      await engine.run(`SET temp_directory = ${literal(overflow)}`)
      const held = await file.read(() => readLakeTables(engine, out), signal)
      const tables = selectTables(held.tables, options.only, out)
      const share = shareOf(options.share, tables)
      const datasources: TableVerification[] = []
      for (const table of tables) {
        const folder = join(to, tableFolder(table.table))
        const manifest = await readManifest(disk, folder, share)
        // A lake need not have every table of the file; one that is asked for by name must be there.
        if (manifest === undefined && options.only === undefined) continue
        if (manifest === undefined) throw noLake(to, share, `of "${table.datasource}"`)
        datasources.push(await verifyTable({ engine, file, disk, folder, table, manifest, share }, options))
      }
      if (datasources.length === 0) throw noLake(to, share, `of any datasource of ${out}`)
      const isEqual = datasources.every((one) => one.outcome === "equal")
      return {
        format: 1,
        out,
        lake: to,
        share,
        mode: deep ? "rows" : "fingerprints",
        outcome: isEqual ? "equal" : "different",
        exitCode: isEqual ? ExitCode.ok : ExitCode.failed,
        started: new Date(startedMs).toISOString(),
        durationMs: Math.round(clock.nowMs() - startedMs),
        datasources,
      }
    } finally {
      await rm(overflow, { recursive: true, force: true })
    }
  })
}

function noLake(to: string, share: string, what: string): DruidsyncError {
  return new DruidsyncError("usage", `${to} has no share "${share}" ${what}`, {
    exitCode: ExitCode.usage,
    hint: "export it first, or check --lake and --part",
  })
}

interface Task {
  readonly engine: Engine
  readonly file: DatabaseFile
  readonly disk: Disk
  readonly folder: string
  readonly table: LakeTable
  readonly manifest: Manifest
  readonly share: string
}

function fault(
  kind: LakeFault,
  path: string,
  mark: LakeMark,
  detail: string,
  more: Partial<PartitionFault> = {},
): PartitionFault {
  return { path, mark, kind, duckdbRows: null, lakeRows: null, columns: [], detail, ...more }
}

async function verifyTable(task: Task, options: VerifyLakeOptions): Promise<TableVerification> {
  const { engine, file, disk, folder, table, manifest, share } = task
  const faults: PartitionFault[] = []
  const layout = layoutOf(task)
  const now = table.isDropped
    ? []
    : (await file.read(() => partitionsNow(engine, table, layout), options.signal)).now
  const byPath = new Map(now.map((one) => [one.path, one]))
  const suspects: { line: ManifestPartition; now: PartitionNow }[] = []
  const change = schemaChange(manifest.columns, table.columns)
  for (const line of manifest.partitions) {
    options.signal.throwIfAborted()
    const one = byPath.get(line.path)
    const found = await fileFault(disk, folder, line)
    const isSame = one?.fingerprint === line.fingerprint && line.schema === schemaDigest(table.columns)
    if (one !== undefined && isSame && found === undefined) suspects.push({ line, now: one })
    else if (one === undefined)
      faults.push(
        fault("stale", line.path, "-", "the DuckDB file has no rows of it any more; an export is due", {
          duckdbRows: 0,
          lakeRows: line.rows,
        }),
      )
    else if (!isSame && found?.kind !== "missing") {
      const why = change ?? "the DuckDB file changed since the export"
      faults.push(
        fault("stale", line.path, "*", `${why}; an export is due`, {
          duckdbRows: one.partition.rows,
          lakeRows: line.rows,
        }),
      )
    } else faults.push({ ...found!, duckdbRows: one.partition.rows })
  }
  const known = new Set(manifest.partitions.map(({ path }) => path))
  for (const one of now) {
    if (known.has(one.path)) continue
    faults.push(
      fault("not-exported", one.path, "+", "an export is due", {
        duckdbRows: one.partition.rows,
        lakeRows: 0,
      }),
    )
  }
  const others = await otherManifests(disk, folder, share)
  faults.push(...(await strangers(disk, folder, [manifest, ...others], new Set(byPath.keys()))))
  const { equal, rows, different } = await compareAll(task, suspects, options)
  faults.push(...different)
  faults.sort((a, b) => (a.path < b.path ? -1 : 1))
  return {
    datasource: table.datasource,
    table: table.table,
    folder: tableFolder(table.table),
    outcome: faults.length === 0 ? "equal" : "different",
    compared: suspects.length,
    equal,
    rows,
    faults,
    otherShares: others.map((one) => one.share),
  }
}

function layoutOf({ manifest, share }: Task) {
  const { partitionBy, keys, fileFormat } = manifest
  return { partitionBy, keys, name: fileName(share, fileFormat) }
}

/** Is the file the one that the manifest wrote down? */
async function fileFault(
  disk: Disk,
  folder: string,
  line: ManifestPartition,
): Promise<PartitionFault | undefined> {
  const path = join(folder, line.path)
  const found = await disk.look(path)
  const lakeRows = { lakeRows: line.rows }
  if (found === undefined)
    return fault("missing", line.path, "+", "the file is gone; an export writes it again", { lakeRows: 0 })
  if (found.kind !== "file") return fault("damaged", line.path, "*", "it is no file any more", lakeRows)
  if (found.bytes !== line.bytes) {
    return fault(
      "damaged",
      line.path,
      "*",
      `it has ${found.bytes} bytes, ${line.bytes} were written; an export writes it again`,
      lakeRows,
    )
  }
  if ((await disk.sha256(path)) === line.sha256) return undefined
  return fault(
    "damaged",
    line.path,
    "*",
    "its SHA-256 is not the one that was written down; export --rewrite mends it",
    lakeRows,
  )
}

/** Files that a reader of the lake would take for a part of it, and no manifest has. */
async function strangers(
  disk: Disk,
  folder: string,
  manifests: readonly Manifest[],
  now: ReadonlySet<string>,
): Promise<PartitionFault[]> {
  const known = new Set(manifests.flatMap((one) => one.partitions.map(({ path }) => path)))
  // The file of another share may be in place before its manifest says so.
  const unfinished = manifests.slice(1).filter((one) => !one.isFinished)
  return (await filesIn(disk, folder))
    .filter(({ path, name }) => {
      if (known.has(path) || now.has(path) || name.startsWith(".") || name.startsWith("_")) return false
      return !unfinished.some((one) => name === fileName(one.share, one.fileFormat))
    })
    .map(({ path }) => fault("foreign", path, "-", "no manifest has it"))
}

/** The rows of files that are as they were written, against rows that did not change since. */
async function compareAll(
  task: Task,
  suspects: readonly { line: ManifestPartition; now: PartitionNow }[],
  { clock, signal, deep }: VerifyLakeOptions,
): Promise<{ equal: number; rows: number; different: PartitionFault[] }> {
  const { engine, file, table } = task
  const queue = [...suspects]
  const different: PartitionFault[] = []
  let equal = 0
  let rows = 0
  while (queue.length > 0) {
    await file.read(async () => {
      const began = clock.nowMs()
      const columns = await readLakeColumns(engine, table.datasource)
      do {
        signal.throwIfAborted()
        const { line, now } = queue.shift()!
        const again = await partitionAgain(engine, table, now, layoutOf(task))
        const isSame =
          again?.fingerprint === line.fingerprint &&
          columns !== undefined &&
          schemaDigest(columns) === line.schema
        const found = isSame
          ? await compareOne(task, line, now, deep)
          : fault("stale", line.path, "*", "the DuckDB file changed while it was compared", {
              lakeRows: line.rows,
            })
        if (found === undefined) {
          equal++
          rows += line.rows
        } else different.push(found)
      } while (queue.length > 0 && clock.nowMs() - began < HOLD_MS)
    }, signal)
  }
  return { equal, rows, different }
}

async function compareOne(
  { engine, folder, table, manifest }: Task,
  line: ManifestPartition,
  { partition }: PartitionNow,
  deep: boolean,
): Promise<PartitionFault | undefined> {
  const path = join(folder, line.path)
  const rows = { table: table.table, columns: table.columns, interval: partition.interval }
  try {
    const found = await compareLakeFile(engine, rows, manifest.fileFormat, path)
    if (found !== undefined) {
      const { tableRows, lakeRows, columns } = found
      return fault(
        "different",
        line.path,
        "*",
        "its rows are not those of the DuckDB file; export --rewrite mends it",
        {
          duckdbRows: tableRows,
          lakeRows,
          columns,
        },
      )
    }
    if (!deep) return undefined
    const { onlyTable, onlyLake } = await compareLakeFileDeep(
      engine,
      rows,
      manifest.fileFormat,
      path,
      line.rows,
    )
    if (onlyTable + onlyLake === 0) return undefined
    return fault(
      "different",
      line.path,
      "*",
      `${onlyTable} rows only in DuckDB, ${onlyLake} only in the lake; export --rewrite mends it`,
      {
        duckdbRows: line.rows,
        lakeRows: line.rows,
      },
    )
  } catch (error) {
    if (!says(error, "unreadable")) throw error
    return fault("damaged", line.path, "*", `it cannot be read: ${firstLine(error)}`)
  }
}
