/**
 * Chunks of which Druid answers no row, and waiting does not help: a partition of the core set is not among the used
 * segments, and a broker reads a core set whole or not at all. Pure.
 */
import { REPLACING, TELLING } from "../base/core-set.ts"
import type { Chunk, Interval, Part, Segment } from "../base/domain.ts"
import { intersection, sameInterval } from "../base/intervals.ts"

export interface Broken {
  readonly interval: Interval
  /** numbers of the partitions that are missing, ascending; at least one */
  readonly missing: readonly number[]
  /** partitions of the core set */
  readonly partitions: number
}

/**
 * @param told partitions of the core set, by a segment that belongs to it, where its own list does not say it (`tellerOf`)
 * @returns undefined if the core set is whole, or nothing is known of it
 */
export function brokenOf(chunk: Chunk, told?: ReadonlyMap<Segment, number>): Broken | undefined {
  const { interval, segments } = chunk
  if (!isOneSet(chunk)) return undefined
  const partitions = Math.max(0, ...segments.map((one) => one.corePartitions ?? told?.get(one) ?? 0))
  const there = new Set(segments.map(({ partition }) => partition))
  const missing = Array.from({ length: partitions }, (_, n) => n).filter((n) => !there.has(n))
  return missing.length === 0 ? undefined : { interval, missing, partitions }
}

/** The segment to ask how large the core set is, where the list has no partition that tells (`segmentsSql`). */
export function tellerOf(chunk: Chunk): Segment | undefined {
  const isUntold = chunk.segments.every(({ partition }) => partition >= TELLING)
  return isUntold && isOneSet(chunk) ? chunk.segments[0] : undefined
}

function isOneSet({ segments }: Chunk): boolean {
  const [first] = segments
  return segments.every((one) => one.partition < REPLACING && sameInterval(one.interval, first!.interval))
}

/** What is held of broken chunks. */
export function heldOfBroken(broken: readonly Broken[], parts: readonly Part[]): Interval[] {
  return parts.flatMap((part) => broken.flatMap((one) => intersection(one.interval, part.interval) ?? []))
}
