/**
 * From Druid's active segments to chunks: ascending, disjoint stretches of time, each with the segments that answer
 * for it. Where a newer DAY lies inside an older MONTH, Druid's timeline lets the newest version answer for its
 * interval and the older one for the rest. This file cuts in the same way.
 */

import type { Chunk, ChunkCondition, Interval, Segment } from "../base/domain.ts"
import { contains, countWhile, sameInterval } from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"

/** Cached by list: judging, looking for missing partitions and proving ask for the chunks of the same list. */
const known = {
  all: new WeakMap<readonly Segment[], readonly Chunk[]>(),
  visible: new WeakMap<readonly Segment[], readonly Chunk[]>(),
}

/**
 * @param segments active segments of one datasource, and those that are served but not used, in any order. The list must not
 * change afterwards
 * @param rows "visible": the user may be shown a part of the rows alone
 * @returns chunks ascending by time, disjoint; gaps between them hold no rows that are used in Druid
 */
export function chunksOf(segments: readonly Segment[], rows: "all" | "visible" = "all"): readonly Chunk[] {
  const cache = known[rows]
  const chunks = cache.get(segments) ?? (rows === "all" ? answeringChunks(segments) : partlyHidden(segments))
  cache.set(segments, chunks)
  return chunks
}

function partlyHidden(segments: readonly Segment[]): readonly Chunk[] {
  return chunksOf(segments).map((chunk) => ({ ...chunk, isPartlyHidden: true }))
}

function answeringChunks(segments: readonly Segment[]): readonly Chunk[] {
  const used = segments.filter((segment) => segment.isUsed)
  const chunks = activeChunks(used)
  if (used.length === segments.length) return chunks
  for (const { isUsed, interval, version } of segments) {
    if (isUsed) continue
    for (let n = countWhile(chunks, (one) => one.interval.end <= interval.start); n < chunks.length; n++) {
      const chunk = chunks[n]!
      if (chunk.interval.start >= interval.end) break
      // All segments of a chunk have one version, the newest used one that covers it; the broker prefers a newer one.
      const newest = chunk.answeredBy ?? chunk.segments[0]!.version
      if (version >= newest) chunks[n] = { ...chunk, answeredBy: version }
    }
  }
  return chunks
}

function activeChunks(segments: readonly Segment[]): Chunk[] {
  const byInterval = new Map<string, Segment[]>()
  for (const segment of segments) {
    const key = `${segment.interval.start}/${segment.interval.end}`
    const group = byInterval.get(key)
    if (group === undefined) byInterval.set(key, [segment])
    else group.push(segment)
  }
  const groups = [...byInterval.values()].sort((a, b) =>
    compareBig(a[0]!.interval.start, b[0]!.interval.start),
  )
  const chunks: Chunk[] = []
  for (let i = 0; i < groups.length; ) {
    // a cluster: groups that overlap one another, directly or through others
    let end = groups[i]![0]!.interval.end
    let j = i + 1
    while (j < groups.length && groups[j]![0]!.interval.start < end) {
      const next = groups[j]![0]!.interval.end
      if (next > end) end = next
      j++
    }
    chunks.push(...clusterChunks(groups.slice(i, j)))
    i = j
  }
  return chunks
}

/** @param groups ascending by start */
function clusterChunks(groups: readonly Segment[][]): Chunk[] {
  const bounds = [...new Set(groups.flatMap((g) => [g[0]!.interval.start, g[0]!.interval.end]))].sort(
    compareBig,
  )
  const chunks: { interval: Interval; segments: Segment[] }[] = []
  // Groups that cover the stretch at hand: few, however many there are in all.
  let open: (readonly Segment[])[] = []
  let next = 0
  for (let k = 0; k + 1 < bounds.length; k++) {
    const interval = { start: bounds[k]!, end: bounds[k + 1]! }
    open = open.filter((group) => group[0]!.interval.end > interval.start)
    while (next < groups.length && groups[next]![0]!.interval.start <= interval.start)
      open.push(groups[next++]!)
    const covering = open.flat()
    const newest = covering.reduce((max, s) => (s.version > max ? s.version : max), "")
    const visible = covering.filter((s) => s.version === newest)
    if (visible.length === 0) continue
    const last = chunks.at(-1)
    const continues =
      last !== undefined &&
      last.interval.end === interval.start &&
      last.segments.length === visible.length &&
      last.segments.every((s, n) => s === visible[n])
    if (continues) last.interval = { start: last.interval.start, end: interval.end }
    else chunks.push({ interval, segments: visible })
  }
  return chunks
}

function compareBig(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Rows that the metadata promises for the whole chunk, or undefined where they are not known. */
export function knownRows(chunk: Chunk): number | undefined {
  if (chunk.of !== undefined) return knownRowsOfUnit(chunk, chunk.of)
  if (chunk.isPartlyHidden) return undefined
  let rows = 0
  for (const segment of chunk.segments) {
    if (segment.isTombstone) continue
    // If another version hides a part of a segment, the segment has more rows than we can see here.
    if (segment.rows <= 0 || !sameInterval(segment.interval, chunk.interval)) return undefined
    rows += segment.rows
  }
  return rows
}

/** Of chunks that reach out of a unit only a count can tell what lies in it. */
function knownRowsOfUnit({ interval }: Chunk, of: readonly Chunk[]): number | undefined {
  let rows = 0
  for (const chunk of of) {
    const own = contains(interval, chunk.interval) ? knownRows(chunk) : undefined
    if (own === undefined) return undefined
    rows += own
  }
  return rows
}

/** Rows for progress and sizes: known, or the best guess from segments that reach beyond the chunk. */
export function estimatedRows(chunk: Chunk): number {
  let rows = 0
  for (const segment of chunk.segments) rows += segment.rows
  return rows
}

/** Bytes in Druid's deep storage, as the metadata gives them. */
export function chunkBytes(chunk: Chunk): number {
  return sumOf(chunk.segments, (segment) => segment.sizeBytes)
}

/**
 * What the chunk allows now; the least trustworthy segment decides. What a pull does about
 * each: docs/late-data.md.
 *
 * A broker reads by the segments that are served, we by those that are used. Both read alike where all segments of a chunk
 * are served: then every older version is hidden. A tombstone hides like any other segment, and only from when it is served
 * (Druid 33.0.0: 0.8 s after it was published); until then a broker answers, and counts, the older rows beneath it. So
 * nothing is fetched of a chunk, or of a unit of several chunks, with a segment that is not served. This holds for rows and
 * groups, for pieces of a chunk (windows, shards, slices) and for segments that are asked for past the broker alike; `proof`
 * asks for it again of the look after the response.
 */
export function conditionOf(chunk: Chunk): ChunkCondition {
  let condition: ChunkCondition = chunk.answeredBy === undefined ? "settled" : "unavailable"
  for (const segment of chunk.segments) {
    const found = segmentCondition(segment)
    if (RANK[found] > RANK[condition]) condition = found
  }
  return condition
}

const RANK: Record<ChunkCondition, number> = {
  settled: 0,
  uncounted: 1,
  realtime: 2,
  cold: 3,
  unavailable: 4,
}

function segmentCondition(segment: Segment): ChunkCondition {
  if (!segment.isAvailable) {
    return segment.isPublished && segment.replicationFactor === 0 ? "cold" : "unavailable"
  }
  if (segment.isTombstone) return "settled"
  if (segment.isRealtime || !segment.isPublished) return "realtime"
  // Published and served, but by no historical yet: a task still answers, rows may merge.
  if (segment.replicationFactor !== undefined && segment.replicationFactor < 1) return "realtime"
  return segment.rows > 0 ? "settled" : "uncounted"
}
