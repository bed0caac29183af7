/**
 * Chunks as an aggregate needs them: a bucket is made from all chunks that it overlaps, or from none, so what is fetched,
 * proven and committed are whole buckets. A bucket that several chunks overlap is a unit of its own, which changes when any
 * of them does. Pure.
 */
import { bucketEnd, bucketStart, bucketsAround, type Every } from "../base/buckets.ts"
import type { Chunk, Interval, Part, Segment, Work } from "../base/domain.ts"
import { anyOverlap, intersection, overlapping, sameInterval } from "../base/intervals.ts"
import { knownRows } from "./chunks.ts"
import { parseSegmentSet } from "./segment-set.ts"

/** Cached like the chunks that they are made of: each proof asks for them. */
const known = new WeakMap<readonly Chunk[], Map<Every, readonly Chunk[]>>()

/**
 * @param chunks ascending, disjoint
 * @param every undefined: rows are copied, the chunks stay what they are
 * @returns ascending, disjoint; each begins and ends with a bucket. A chunk that does so itself is returned as it is
 */
export function unitsOf(chunks: readonly Chunk[], every: Every | undefined): readonly Chunk[] {
  if (every === undefined) return chunks
  const before = known.get(chunks) ?? new Map<Every, readonly Chunk[]>()
  known.set(chunks, before)
  const units = before.get(every) ?? madeUnits(chunks, every)
  before.set(every, units)
  return units
}

function madeUnits(chunks: readonly Chunk[], every: Every): readonly Chunk[] {
  const units: { interval: Interval; of: Chunk[] }[] = []
  for (const chunk of chunks) {
    for (const interval of piecesOf(chunk.interval, every)) {
      const last = units.at(-1)
      if (last !== undefined && sameInterval(last.interval, interval)) last.of.push(chunk)
      else units.push({ interval, of: [chunk] })
    }
  }
  return units.map(({ interval, of }) => {
    const [first] = of as [Chunk]
    if (of.length === 1 && sameInterval(first.interval, interval)) return first
    const answeredBy = of.find((chunk) => chunk.answeredBy !== undefined)?.answeredBy
    return {
      interval,
      segments: of.flatMap((chunk): readonly Segment[] => chunk.segments),
      of,
      ...(of.some((chunk) => chunk.isPartlyHidden) ? { isPartlyHidden: true as const } : {}),
      ...(answeredBy === undefined ? {} : { answeredBy }),
    }
  })
}

/** The bucket that a chunk shares at its start, the buckets that are its own, the bucket that it shares at its end. */
function piecesOf({ start, end }: Interval, every: Every): Interval[] {
  const first = bucketStart(every, start)
  const last = bucketStart(every, end - 1n)
  const isFirstShared = first < start
  const isLastShared = bucketEnd(every, end - 1n) > end
  if (first === last && (isFirstShared || isLastShared)) return [bucketsAround(every, { start, end })]
  const from = isFirstShared ? bucketEnd(every, start) : start
  const to = isLastShared ? last : end
  return [
    ...(isFirstShared ? [{ start: first, end: from }] : []),
    ...(from < to ? [{ start: from, end: to }] : []),
    ...(isLastShared ? [{ start: last, end: bucketEnd(every, last) }] : []),
  ]
}

/**
 * Units that cannot be made again as they are held, since Druid has dropped a chunk that they were made of: what is held
 * tells more than Druid still can.
 * @param parts checkpoints, ascending
 */
export function bereft(units: readonly Chunk[], parts: readonly Part[]): ReadonlySet<Chunk> {
  const isWhole = madeOf(units)
  const inside = overlapping(
    units,
    parts.filter((part) => !isWhole(part)),
  )
  return new Set(units.filter((_, n) => inside[n]!.length > 0))
}

/** True of a checkpoint of whose chunks Druid dropped none; others may have taken their place. */
function madeOf(units: readonly Chunk[]): (part: Part) => boolean {
  const isThere = anyOverlap(units.flatMap((unit) => (unit.of ?? [unit]).map((chunk) => chunk.interval)))
  return (part) => intervalsOf(part.segments).every(isThere)
}

/**
 * Held stretches that hold groups of other settings, and no longer overlap a unit, though Druid has all that they were made
 * from: their groups are made again elsewhere, under the settings of today.
 * @param units also those that cannot be made again
 * @param gone held stretches that no unit answers for
 */
export function outgrown(
  units: readonly Chunk[],
  parts: readonly Part[],
  gone: readonly Interval[],
  settings: string,
): Interval[] {
  const old = parts.filter(
    (part) => part.sourceRows !== undefined && part.settings !== settings && part.state !== "kept",
  )
  if (old.length === 0) return []
  return old
    .filter(madeOf(units))
    .flatMap((part) => gone.flatMap((interval) => intersection(part.interval, interval) ?? []))
}

/**
 * Works that are whole buckets: where other settings or another run cut what is held elsewhere, the bucket around it is made
 * again.
 * @param works ascending, disjoint, each within a unit
 */
export function wholeBuckets(works: readonly Work[], every: Every | undefined): readonly Work[] {
  if (every === undefined) return works
  const whole: Work[] = []
  for (const work of works) {
    const interval = bucketsAround(every, work.interval)
    const last = whole.at(-1)
    if (last !== undefined && interval.start < last.interval.end)
      whole[whole.length - 1] = stretched(last, { start: last.interval.start, end: interval.end })
    else whole.push(stretched(work, interval))
  }
  return whole
}

function stretched(work: Work, interval: Interval): Work {
  if (sameInterval(interval, work.interval)) return work
  const isAll = work.state === "complete" && sameInterval(interval, work.chunk.interval)
  return { ...work, interval, expectedRows: isAll ? knownRows(work.chunk) : undefined }
}

/** Intervals of the segments of a set. */
function intervalsOf(segments: string): Interval[] {
  return [...parseSegmentSet(segments).keys()].map((key) => {
    const [start = "", end = ""] = key.slice(0, key.indexOf("@")).split("/")
    return { start: BigInt(start), end: BigInt(end) }
  })
}
