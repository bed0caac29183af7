/** What can be wrong with the files of a lake, told by the files alone. */
import { join } from "node:path"
import type { Disk } from "./disk.ts"
import type { LakeFault, LakeMark, PartitionFault } from "./document.ts"
import { filesIn } from "./files.ts"
import { fileName } from "./layout.ts"
import type { Manifest, ManifestPartition } from "./manifest.ts"

/** A fault in the report. */
export function fault(
  kind: LakeFault,
  path: string,
  mark: LakeMark,
  detail: string,
  more: Partial<PartitionFault> = {},
): PartitionFault {
  return { path, mark, kind, duckdbRows: null, lakeRows: null, columns: [], detail, ...more }
}

/** Is the file the one that the manifest wrote down? @returns undefined if it is */
export async function damageOf(
  disk: Disk,
  folder: string,
  line: ManifestPartition,
): Promise<PartitionFault | undefined> {
  const path = join(folder, line.path)
  const damaged = (detail: string) => fault("damaged", line.path, "*", detail, { lakeRows: line.rows })
  const found = await disk.look(path)
  if (found === undefined)
    return fault("missing", line.path, "+", "the file is gone; an export writes it again", { lakeRows: 0 })
  if (found.kind !== "file") return damaged("it is not a file any more")
  if (found.bytes !== line.bytes)
    return damaged(`it has ${found.bytes} bytes, ${line.bytes} were written; an export writes it again`)
  if ((await disk.sha256(path)) === line.sha256) return undefined
  return damaged("its SHA-256 is not the one that was written down; export --rewrite writes it again")
}

/**
 * Files that a reader would take for part of the lake, but that no manifest lists.
 * @param manifests our share's first. @param now paths of the partitions that the table has
 */
export async function strangers(
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
    .map(({ path }) => fault("foreign", path, "-", "no manifest lists it"))
}
