/**
 * Is the lake what the DuckDB file holds? Files against the manifest (there, size, SHA-256, no strangers), the manifest
 * against the checkpoints (nothing changed since the export), and the rows of each file against the table's. Looks only
 * at one share; writes nothing, asks nothing of Druid.
 */

import { join } from "node:path"
import { type DruidsyncError, ExitCode, usage } from "../base/errors.ts"
import { sumOf } from "../base/lists.ts"
import { firstLine, says } from "../store/duckdb-errors.ts"
import { literal } from "../store/engine.ts"
import { withOverflow } from "../store/file/overflow.ts"
import { type HeldTable, readHeldColumns } from "../store/notes/holdings.ts"
import { compareLakeFile, compareLakeFileDeep } from "./compare-file.ts"
import type { LakeReport, PartitionFault, TableVerification } from "./document.ts"
import { damageOf, fault, strangers } from "./faults.ts"
import { otherManifests, readManifest } from "./files.ts"
import { tableFolder } from "./layout.ts"
import { type Manifest, type ManifestPartition, schemaChange, schemaDigest } from "./manifest.ts"
import { layoutOf, partitionAgain, partitionsNow } from "./now.ts"
import { type LakeOptions, type OpenFile, whileHeld, withLakeFile } from "./open.ts"
import type { PartitionNow } from "./plan.ts"

export interface VerifyLakeOptions extends LakeOptions {
  /** compare rows as multisets, not by their hashes */
  readonly deep: boolean
}

/**
 * @returns the report; its `exitCode`: 0 all is equal, 1 something is not
 * @throws DruidsyncError `usage` if there is no lake of this share; `file`, `foreign`, `locked`
 */
export function verifyLake(options: VerifyLakeOptions): Promise<LakeReport> {
  const { out, to, only, clock, deep } = options
  const startedMs = clock.nowMs()
  return withLakeFile(options, (open) =>
    withOverflow(async (overflow) => {
      const { engine, disk, tables, share } = open
      // What an exact comparison cannot hold in memory.
      await engine.run(`SET temp_directory = ${literal(overflow)}`)
      const datasources: TableVerification[] = []
      for (const table of tables) {
        const folder = join(to, tableFolder(table.table))
        const manifest = await readManifest(disk, folder, share)
        // A lake need not have every table of the file; one that is asked for by name must be there.
        if (manifest === undefined && only === undefined) continue
        if (manifest === undefined) throw noLake(to, share, `of "${table.datasource}"`)
        datasources.push(await verifyTable({ ...open, folder, table, manifest }, options))
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
    }),
  )
}

function noLake(to: string, share: string, what: string): DruidsyncError {
  return usage(`${to} has no share "${share}" ${what}`, "export it first, or check --lake and --part")
}

/** A table of the file, and what the lake has of it. */
interface LakeTable extends OpenFile {
  readonly folder: string
  readonly table: HeldTable
  readonly manifest: Manifest
}

/** A partition of the manifest whose file is as it was written, and whose rows have not changed since. */
interface Settled {
  readonly line: ManifestPartition
  readonly now: PartitionNow
}

async function verifyTable(lake: LakeTable, options: VerifyLakeOptions): Promise<TableVerification> {
  const { engine, file, disk, folder, table, manifest, share } = lake
  const layout = layoutOf(share, manifest)
  const now =
    table.unreadable === undefined
      ? (await file.read(() => partitionsNow(engine, table, layout), options.signal)).partitions
      : []
  const byPath = new Map(now.map((one) => [one.path, one]))
  const faults: PartitionFault[] = []
  const settled: Settled[] = []
  for (const line of manifest.partitions) {
    options.signal.throwIfAborted()
    const one = byPath.get(line.path)
    const found = await faultOf(lake, line, one)
    if (found === undefined) settled.push({ line, now: one! })
    else faults.push(found)
  }
  const known = new Set(manifest.partitions.map(({ path }) => path))
  for (const { path, partition } of now) {
    if (known.has(path)) continue
    const rows = { duckdbRows: partition.rows, lakeRows: 0 }
    faults.push(fault("not-exported", path, "+", "an export is due", rows))
  }
  const others = await otherManifests(disk, folder, share)
  faults.push(...(await strangers(disk, folder, [manifest, ...others], new Set(byPath.keys()))))
  const { equal, different } = await compareAll(lake, settled, options)
  faults.push(...different)
  faults.sort((a, b) => (a.path < b.path ? -1 : 1))
  return {
    datasource: table.datasource,
    table: table.table,
    folder: tableFolder(table.table),
    outcome: faults.length === 0 ? "equal" : "different",
    compared: settled.length,
    equal: equal.length,
    rows: sumOf(equal, (line) => line.rows),
    faults,
    otherShares: others.map((one) => one.share),
  }
}

/** What is wrong with a partition before any row is looked at. @param now undefined: the table has no rows of it */
async function faultOf(
  { disk, folder, table, manifest }: LakeTable,
  line: ManifestPartition,
  now: PartitionNow | undefined,
): Promise<PartitionFault | undefined> {
  if (now === undefined) {
    const rows = { duckdbRows: 0, lakeRows: line.rows }
    return fault(
      "stale",
      line.path,
      "-",
      "the DuckDB file has no rows of it any more; an export is due",
      rows,
    )
  }
  const damage = await damageOf(disk, folder, line)
  const isSame = now.fingerprint === line.fingerprint && line.schema === schemaDigest(table.columns)
  const duckdbRows = now.partition.rows
  if (isSame || damage?.kind === "missing") return damage && { ...damage, duckdbRows }
  const why = schemaChange(manifest.columns, table.columns) ?? "the DuckDB file changed since the export"
  return fault("stale", line.path, "*", `${why}; an export is due`, { duckdbRows, lakeRows: line.rows })
}

/** The rows of files that are as they were written, against rows that did not change since. */
async function compareAll(
  lake: LakeTable,
  settled: readonly Settled[],
  options: VerifyLakeOptions,
): Promise<{ equal: ManifestPartition[]; different: PartitionFault[] }> {
  const { engine, file, table, share, manifest } = lake
  const equal: ManifestPartition[] = []
  const different: PartitionFault[] = []
  let schema: string | undefined
  await whileHeld(file, options, [...settled], {
    begin: async () => {
      const columns = await readHeldColumns(engine, table.table)
      schema = columns && schemaDigest(columns)
      return true
    },
    each: async ({ line, now }) => {
      const again = await partitionAgain(engine, table, now, layoutOf(share, manifest))
      const isSame = again?.fingerprint === line.fingerprint && schema === line.schema
      const found = isSame
        ? await compareOne(lake, line, now, options.deep)
        : fault("stale", line.path, "*", "the DuckDB file changed while it was compared", {
            lakeRows: line.rows,
          })
      if (found === undefined) equal.push(line)
      else different.push(found)
    },
  })
  return { equal, different }
}

async function compareOne(
  { engine, folder, table, manifest }: LakeTable,
  line: ManifestPartition,
  { partition }: PartitionNow,
  deep: boolean,
): Promise<PartitionFault | undefined> {
  const path = join(folder, line.path)
  const rows = { table: table.table, columns: table.columns, interval: partition.interval }
  const differs = (detail: string, more: Partial<PartitionFault>) =>
    fault("different", line.path, "*", `${detail}; export --rewrite writes it again`, more)
  try {
    const found = await compareLakeFile(engine, rows, manifest.fileFormat, path)
    if (found !== undefined) {
      const { tableRows, lakeRows, columns } = found
      const more = { duckdbRows: tableRows, lakeRows, columns }
      return differs("its rows are not those of the DuckDB file", more)
    }
    if (!deep) return undefined
    const odd = await compareLakeFileDeep(engine, rows, manifest.fileFormat, path, line.rows)
    if (odd.onlyTable + odd.onlyLake === 0) return undefined
    return differs(`${odd.onlyTable} rows only in DuckDB, ${odd.onlyLake} only in the lake`, {
      duckdbRows: line.rows,
      lakeRows: line.rows,
    })
  } catch (error) {
    if (!says(error, "unreadable")) throw error
    return fault("damaged", line.path, "*", `it cannot be read: ${firstLine(error)}`)
  }
}
