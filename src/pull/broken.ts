/**
 * Chunks of which Druid answers no row and waiting does not mend it: a partition of the core set is not among the used
 * segments, and a broker reads a core set whole or not at all. Pure.
 */
import type { Chunk, Interval, Part } from "../base/domain.ts"
import { intersection, overlaps, sameInterval } from "../base/intervals.ts"

export interface Broken {
  readonly interval: Interval
  /** numbers of the partitions that are missing, ascending; at least one */
  readonly missing: readonly number[]
  /** partitions of the core set */
  readonly partitions: number
}

/** From here on Druid numbers segments that replace some partitions of a chunk: then the core set says nothing. */
const REPLACING = 32_768

/** @returns undefined where the core set is whole, or nothing is known of it */
export function brokenOf({ interval, segments }: Chunk): Broken | undefined {
  const [first] = segments
  const partitions = Math.max(0, ...segments.map(({ corePartitions }) => corePartitions ?? 0))
  const isOneSet = segments.every(
    (one) => one.partition < REPLACING && sameInterval(one.interval, first!.interval),
  )
  if (!isOneSet) return undefined
  const there = new Set(segments.map(({ partition }) => partition))
  const missing = Array.from({ length: partitions }, (_, n) => n).filter((n) => !there.has(n))
  return missing.length === 0 ? undefined : { interval, missing, partitions }
}

/** What is held of broken chunks, and not marked as ours alone yet. */
export function heldOfBroken(broken: readonly Broken[], parts: readonly Part[]): Interval[] {
  return parts
    .filter((part) => part.state !== "kept" && broken.some((one) => overlaps(one.interval, part.interval)))
    .flatMap((part) => broken.flatMap((one) => intersection(one.interval, part.interval) ?? []))
}
