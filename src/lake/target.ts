/**
 * Before anything is written: may this export write into this table's folder, and how? It may not if files are in the way
 * that druidsync did not write, or that an export with other settings wrote.
 */
import { join } from "node:path"
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import type { HeldTable } from "../store/notes/holdings.ts"
import type { Disk } from "./disk.ts"
import { filesIn, otherManifests, readManifest } from "./files.ts"
import {
  clashes,
  DEFAULT_SHARE,
  isFileOf,
  keyNames,
  type LakePartitioning,
  MANIFESTS,
  shardsOf,
  tableFolder,
} from "./layout.ts"
import { type Manifest, schemaDigest } from "./manifest.ts"
import type { ExportOptions, OpenFile } from "./open.ts"

/** What is asked for, of a share of a DuckDB file with these runs. */
export type TargetWish = Pick<ExportOptions, "to" | "partitionBy" | "fileFormat" | "rewrite"> &
  Pick<OpenFile, "share" | "runs">

/** Where and how a table is exported. */
export interface Target extends Pick<Manifest, "partitionBy" | "fileFormat" | "keys"> {
  readonly table: HeldTable
  /** absolute */
  readonly folder: string
  /** from the lake's folder */
  readonly folderName: string
  readonly manifest: Manifest | undefined
  /** the files of the last export are in other places, and are deleted first */
  readonly isMoved: boolean
  /** why the keys are others than before */
  readonly moved: string | undefined
  readonly notes: readonly string[]
}

function refusal(code: "foreign" | "usage", message: string, hint: string): DruidsyncError {
  return new DruidsyncError(code, message, { exitCode: ExitCode.usage, hint })
}

/** @throws DruidsyncError `foreign`, `usage` (exit 2): nothing has been written */
export async function targetOf(disk: Disk, table: HeldTable, wish: TargetWish): Promise<Target> {
  const { to, share, rewrite } = wish
  const folderName = tableFolder(table.table)
  const folder = join(to, folderName)
  await refuseForeign(disk, folder, share)
  const manifest = await readManifest(disk, folder, share)
  const others = await otherManifests(disk, folder, share)
  if (manifest === undefined) await refuseOrphans(disk, folder, share)
  else refuseStranger(manifest, table, wish, folder)
  refuseDoubled(folder, share, others)
  const before = manifest ?? others[0]
  const partitionBy = wish.partitionBy ?? before?.partitionBy ?? "month"
  const fileFormat = wish.fileFormat ?? before?.fileFormat ?? "parquet"
  for (const one of [manifest, ...others]) {
    if (one === undefined || (one.partitionBy === partitionBy && one.fileFormat === fileFormat)) continue
    if (rewrite) continue
    const whose = one === manifest ? "the lake" : `share "${one.share}" of the lake`
    throw refusal(
      "usage",
      `${whose} in ${folder} has --partition ${one.partitionBy} --format ${one.fileFormat}, not ${partitionBy} ${fileFormat}`,
      "export into another folder (--to), or add --rewrite to write all of this share again",
    )
  }
  const notes: string[] = []
  const same = others.filter((one) => one.partitionBy === partitionBy && one.fileFormat === fileFormat)
  for (const one of others)
    if (!same.includes(one))
      notes.push(
        `share "${one.share}" still has --partition ${one.partitionBy} --format ${one.fileFormat}: rewrite it too before the lake is read`,
      )
  const keys = keysOf(table, manifest, same, partitionBy, wish, folder)
  const taken = clashes(keyNames(partitionBy, []), table.columns)
  if (taken.length > 0)
    notes.push(`a column is named ${taken.join(", ")} already, so the partition keys are ${keys.join(", ")}`)
  for (const one of same)
    if (schemaDigest(one.columns) !== schemaDigest(table.columns))
      notes.push(`share "${one.share}" was exported with other columns: export it again after a pull`)
  const isMoved =
    manifest !== undefined &&
    (manifest.partitionBy !== partitionBy ||
      manifest.fileFormat !== fileFormat ||
      manifest.keys.join() !== keys.join())
  const moved =
    isMoved && manifest.partitionBy === partitionBy && manifest.fileFormat === fileFormat
      ? `a column has the name of a partition key now; the keys are ${keys.join(", ")}`
      : undefined
  return { table, folder, folderName, manifest, partitionBy, fileFormat, keys, isMoved, moved, notes }
}

/** @throws DruidsyncError `foreign` if the folder is not a lake's */
async function refuseForeign(disk: Disk, folder: string, share: string): Promise<void> {
  const found = await disk.look(folder)
  if (found === undefined) return
  const elsewhere = "export into another folder (--to), or move it away; nothing was written"
  if (found.kind !== "folder") throw refusal("foreign", `${folder} exists and is not a folder`, elsewhere)
  const manifests = await disk.look(join(folder, MANIFESTS))
  if (manifests !== undefined && manifests.kind !== "folder")
    throw refusal("foreign", `${join(folder, MANIFESTS)} exists and is not a folder`, elsewhere)
  if (manifests === undefined && (await disk.list(folder)).length > 0) {
    throw refusal(
      "foreign",
      `${folder} exists and has files that druidsync did not write (share "${share}")`,
      elsewhere,
    )
  }
}

/** An export writes its manifest before its first file. So without a manifest, a file with our name is not ours. */
async function refuseOrphans(disk: Disk, folder: string, share: string): Promise<void> {
  const orphan = (await filesIn(disk, folder)).find(({ name }) => isFileOf(share, name))
  if (orphan === undefined) return
  throw refusal(
    "foreign",
    `${join(folder, orphan.path)} exists, and no manifest says that druidsync wrote it`,
    "move it away, or choose another --part or --to; nothing was written",
  )
}

/** The manifest is of other rows: another datasource, or another DuckDB file. */
function refuseStranger(manifest: Manifest, table: HeldTable, wish: TargetWish, folder: string): void {
  if (manifest.datasource !== table.datasource) {
    throw refusal(
      "foreign",
      `${folder} has share "${wish.share}" of datasource "${manifest.datasource}", not of "${table.datasource}"`,
      "export into another folder (--to)",
    )
  }
  const isKnown = manifest.runs.length === 0 || manifest.runs.some((run) => wish.runs.includes(run))
  if (!isKnown && !wish.rewrite) {
    throw refusal(
      "foreign",
      `share "${wish.share}" in ${folder} was exported from another DuckDB file`,
      "name each file's share with --part; if this file takes the other's place, add --rewrite",
    )
  }
}

/** Shares that divide the same rows in different ways would put rows into the lake twice. */
function refuseDoubled(folder: string, share: string, others: readonly Manifest[]): void {
  const mine = shardsOf(share)
  const clash = others.find((one) => {
    const theirs = shardsOf(one.share)
    if (mine !== undefined) return theirs === undefined ? one.share === DEFAULT_SHARE : theirs !== mine
    return share === DEFAULT_SHARE && theirs !== undefined
  })
  if (clash === undefined) return
  throw refusal(
    "usage",
    `${folder} has share "${clash.share}" already: with "${share}" beside it, rows would be there twice`,
    `export into another folder (--to), or remove the files and the manifest of "${clash.share}" first`,
  )
}

function keysOf(
  table: HeldTable,
  manifest: Manifest | undefined,
  others: readonly Manifest[],
  by: LakePartitioning,
  wish: TargetWish,
  folder: string,
): readonly string[] {
  const usable = (one: Manifest | undefined) =>
    one !== undefined && one.partitionBy === by && clashes(one.keys, table.columns).length === 0
  if (others.length > 0) {
    const keys = others[0]!.keys
    if (usable(others[0])) return keys
    if (!wish.rewrite) {
      throw refusal(
        "usage",
        `share "${others[0]!.share}" in ${folder} has the partition keys ${keys.join(", ")}, and the table has a column of such a name`,
        "export all shares into another folder (--to), or all of them again with --rewrite",
      )
    }
  }
  return usable(manifest) ? manifest!.keys : keyNames(by, table.columns)
}
