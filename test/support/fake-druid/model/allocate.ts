/** Where ingestion puts rows: Druid's segment allocation, from the timeline of used segments. */
import type { Datasource } from "./datasource.ts"
import { andFiner, chunkOf, type Granularity, type Interval, overlaps } from "./time.ts"
import type { Visible } from "./timeline.ts"
import type { Value } from "./values.ts"

/** The chunk that a row belongs to; version and core partitions undefined where the chunk is new. */
interface Target {
  readonly interval: Interval
  readonly version: string | undefined
  readonly corePartitions: number | undefined
}

/**
 * The existing chunk at an instant, whatever its granularity; else a new chunk of the granularity wanted, or of the
 * next finer one that overlaps nothing (as `SegmentAllocateAction` does).
 */
function targetAt(ds: Datasource, instant: bigint, granularity: Granularity): Target {
  const used = ds.usedParts()
  const segment = partAt(used, instant)?.segment
  if (segment) return segment
  for (const finer of andFiner(granularity)) {
    const chunk = chunkOf(instant, finer)
    if (!used.some((part) => overlaps(part.segment.interval, chunk)))
      return { interval: chunk, version: undefined, corePartitions: undefined }
  }
  throw new Error(`No chunk of ${granularity} or finer is free in "${ds.name}"`)
}

/** The visible part at an instant; parts are sorted, and disjoint but for partitions of one interval. */
function partAt(parts: readonly Visible[], instant: bigint): Visible | undefined {
  let [low, high] = [0, parts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (parts[middle]!.interval.start <= instant) low = middle + 1
    else high = middle
  }
  const part = parts[low - 1]
  return part && instant < part.interval.end ? part : undefined
}

/** Rows by the chunk they belong to, in order of time; a row's first value is `__time`. */
export function byTarget(
  ds: Datasource,
  rows: readonly (readonly Value[])[],
  granularity: Granularity,
): { target: Target; rows: (readonly Value[])[] }[] {
  const groups = new Map<string, { target: Target; rows: (readonly Value[])[] }>()
  const sorted = [...rows].sort((a, b) => ((a[0] as bigint) < (b[0] as bigint) ? -1 : a[0] === b[0] ? 0 : 1))
  for (const row of sorted) {
    const target = targetAt(ds, row[0] as bigint, granularity)
    const key = `${target.interval.start}/${target.interval.end}/${target.version}`
    const group = groups.get(key)
    if (group) group.rows.push(row)
    else groups.set(key, { target, rows: [row] })
  }
  return [...groups.values()]
}

/** Rows in `count` runs of nearly equal length. */
export function split<T>(items: readonly T[], count: number): T[][] {
  return Array.from({ length: count }, (_, i) =>
    items.slice(Math.floor((items.length * i) / count), Math.floor((items.length * (i + 1)) / count)),
  )
}
