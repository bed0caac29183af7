/** From the settings of a table to what is asked of Druid for it. Pure. */
import { bucketEnd } from "../base/buckets.ts"
import type { Chunk, Part, Segment } from "../base/domain.ts"
import type { DatasourceSettings } from "../config/settings.ts"
import type { Source } from "../druid/sql.ts"
import { bereft, unitsOf } from "../plan/buckets.ts"
import { chunksOf } from "../plan/chunks.ts"

export function sourceOf({ name, filter, shard, aggregate }: DatasourceSettings): Source {
  return { datasource: name, filter, shard, aggregate }
}

/** The chunks of a datasource as its table needs them: an aggregate's begin and end with buckets. */
export function chunksFor(
  { rows, aggregate }: Pick<DatasourceSettings, "rows" | "aggregate">,
  segments: readonly Segment[],
): readonly Chunk[] {
  return unitsOf(chunksOf(segments, rows), aggregate?.every)
}

/**
 * The same without buckets that are kept as they are, since Druid has dropped a chunk that they were made of.
 * @param parts checkpoints, ascending
 */
export function makeableChunks(
  settings: Pick<DatasourceSettings, "rows" | "aggregate" | "deletions">,
  segments: readonly Segment[],
  parts: readonly Part[],
): readonly Chunk[] {
  const chunks = chunksFor(settings, segments)
  if (settings.aggregate === undefined || settings.deletions === "mirror") return chunks
  const kept = bereft(chunks, parts)
  return kept.size === 0 ? chunks : chunks.filter((chunk) => !kept.has(chunk))
}

/** Until when a run looks: whole buckets, where the command line says less. */
export function copiedUntil(
  { aggregate }: Pick<DatasourceSettings, "aggregate">,
  untilMs: bigint | undefined,
): bigint | undefined {
  return untilMs === undefined || aggregate === undefined ? untilMs : bucketEnd(aggregate.every, untilMs - 1n)
}
