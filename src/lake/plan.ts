/** Which partitions have to be written: partitions and checkpoints of now against a manifest. Pure. */

import { contains } from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"
import type { HeldChunk } from "../store/notes/holdings.ts"
import type { LakePartition } from "./layout.ts"
import { digest, type Manifest, type PartitionState } from "./manifest.ts"

/** A partition as it is in the DuckDB file now. */
export interface PartitionNow {
  /** of its file, from the table's folder */
  readonly path: string
  readonly partition: LakePartition
  readonly fingerprint: string
  readonly state: PartitionState
  readonly reason: string | undefined
}

/** Names the checkpoints that a partition's rows stand under, and its rows. @param chunks those that overlap it */
export function fingerprintOf(partition: LakePartition, chunks: readonly HeldChunk[]): string {
  const lines = chunks.map(({ interval: { start, end }, rows, print }) => `${start}/${end} ${rows} ${print}`)
  return digest([partition.rows, ...lines].join("\n"))
}

/** @param chunks checkpoints that overlap the partition */
export function partitionState(
  partition: LakePartition,
  chunks: readonly HeldChunk[],
): { state: PartitionState; reason: string | undefined } {
  const rowsIn = (state: HeldChunk["state"]) =>
    sumOf(chunks, (chunk) => (chunk.state === state ? chunk.rows : 0))
  const has = (state: HeldChunk["state"]) => chunks.some((chunk) => chunk.state === state)
  if (has("stale")) return { state: "incomplete", reason: "rows that the next pull replaces" }
  if (has("unproven")) return { state: "incomplete", reason: "rows that Druid had not counted yet" }
  const isInside = chunks.every((chunk) => contains(partition.interval, chunk.interval))
  const covered = sumOf(chunks, (chunk) => chunk.rows)
  if (isInside ? covered !== partition.rows : covered === 0) {
    return {
      state: "incomplete",
      reason: "its rows are not those that were pulled: another program changed them",
    }
  }
  if (has("provisional")) return { state: "provisional", reason: `${rowsIn("provisional")} realtime rows` }
  return { state: "complete", reason: undefined }
}

export interface ExportPlan {
  /** the others stay as they are */
  readonly write: readonly PartitionNow[]
  /** paths of the manifest that have no rows any more */
  readonly gone: readonly string[]
}

/**
 * @param now every partition that has rows
 * @param bytesOf size of the file at a path; undefined if there is no file
 * @param schema of the columns of now
 * @param rewrite write all of them, whatever is there
 */
export function exportPlan(
  now: readonly PartitionNow[],
  manifest: Pick<Manifest, "partitions"> | undefined,
  bytesOf: (path: string) => number | undefined,
  schema: string,
  rewrite: boolean,
): ExportPlan {
  const before = new Map((manifest?.partitions ?? []).map((one) => [one.path, one]))
  const isThere = ({ path, fingerprint }: PartitionNow) => {
    const old = before.get(path)
    return old?.fingerprint === fingerprint && old.schema === schema && old.bytes === bytesOf(path)
  }
  const paths = new Set(now.map(({ path }) => path))
  return {
    write: now.filter((one) => rewrite || !isThere(one)),
    gone: [...before.keys()].filter((path) => !paths.has(path)),
  }
}
