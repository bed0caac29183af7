/** The partitions of a table as they are now. Called while the file is attached. */

import { overlapping } from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"
import type { Engine } from "../store/engine.ts"
import { type HeldChunk, type HeldTable, readHeldChunks } from "../store/notes/holdings.ts"
import { fileName, type LakePartition, partitionPath } from "./layout.ts"
import type { Manifest } from "./manifest.ts"
import { readPartitions } from "./partitions.ts"
import { fingerprintOf, type PartitionNow, partitionState } from "./plan.ts"

type Named = Pick<HeldTable, "datasource" | "table">

/** Where the files of a share's partitions lie. */
export interface Layout extends Pick<Manifest, "partitionBy" | "keys"> {
  /** of the file in each partition's folder */
  readonly name: string
}

/** The layout of a share, from its manifest or for it. */
export function layoutOf(
  share: string,
  { partitionBy, keys, fileFormat }: Pick<Manifest, "partitionBy" | "keys" | "fileFormat">,
): Layout {
  return { partitionBy, keys, name: fileName(share, fileFormat) }
}

/** What a table has now. */
export interface TableNow {
  readonly partitions: readonly PartitionNow[]
  readonly chunks: readonly HeldChunk[]
  readonly rows: number
  /** rows without a place in time, which druidsync never stores */
  readonly timeless: number
}

/** All partitions that have rows. */
export async function partitionsNow(engine: Engine, table: Named, layout: Layout): Promise<TableNow> {
  const chunks = await readHeldChunks(engine, table.table)
  const { partitions, timeless } = await readPartitions(engine, table.table, layout.partitionBy)
  const over = overlapping(partitions, chunks)
  const rows = sumOf(partitions, (one) => one.rows)
  return {
    partitions: partitions.map((partition, n) => partitionNow(partition, over[n]!, layout)),
    chunks,
    rows,
    timeless,
  }
}

function partitionNow(
  partition: LakePartition,
  chunks: readonly HeldChunk[],
  { keys, name }: Layout,
): PartitionNow {
  return {
    path: `${partitionPath(keys, partition)}/${name}`,
    partition,
    fingerprint: fingerprintOf(partition, chunks),
    ...partitionState(partition, chunks),
  }
}

/** One partition as it is at this moment; undefined if it has no row. */
export async function partitionAgain(
  engine: Engine,
  table: Named,
  { partition }: PartitionNow,
  layout: Layout,
): Promise<PartitionNow | undefined> {
  const chunks = await readHeldChunks(engine, table.table, partition.interval)
  const { partitions } = await readPartitions(engine, table.table, layout.partitionBy, partition.interval)
  return partitions[0] === undefined ? undefined : partitionNow(partitions[0], chunks, layout)
}
