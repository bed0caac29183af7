/**
 * Segments that came to a chunk of which all else is held: a data node can be asked for them alone, so that late rows cost
 * what they are, not what their chunk is. Pure.
 */

import type { Added, Chunk, Part } from "../base/domain.ts"
import { contains, subtract } from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"
import { conditionOf, knownRows } from "./chunks.ts"
import { without } from "./segment-set.ts"

/**
 * @param held checkpoints that overlap the chunk; each is of some of its segments, and of nothing else
 * @param most rows that may be added: more than that is fetched in slices, as the whole chunk
 * @param isFiltered what is held cannot be compared with the rows of segments
 * @returns undefined where the chunk has to be looked at as a whole
 */
export function addedTo(
  chunk: Chunk,
  held: readonly Part[],
  most: number,
  isFiltered: boolean,
): Added | undefined {
  const [first] = held
  if (first === undefined || conditionOf(chunk) !== "settled" || knownRows(chunk) === undefined)
    return undefined
  const isAlike = held.every(
    ({ interval, segments, state }) =>
      state === "complete" && segments === first.segments && contains(chunk.interval, interval),
  )
  const intervals = held.map(({ interval }) => interval)
  if (!isAlike || subtract(chunk.interval, intervals).length > 0) return undefined
  const segments = without(chunk.segments, first.segments)
  const rows = rowsOf(segments)
  const heldRows = sumOf(held, (part) => part.rows)
  // Rows of a stream merge when they are handed off, and keep the names of their segments.
  const isAsPromised = isFiltered || heldRows + rows === knownRows(chunk)
  return rows > 0 && rows <= most && isAsPromised ? { segments, heldRows } : undefined
}

/** Rows of added segments, by their metadata. */
export function rowsOf(segments: Added["segments"]): number {
  return sumOf(segments, (segment) => segment.rows)
}
