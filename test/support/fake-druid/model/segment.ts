/** One segment of the fake: what it holds and how the cluster treats it right now. */
import type { Rollup, RowSource } from "./rows.ts"
import { type Interval, iso } from "./time.ts"
import type { SegmentColumn } from "./values.ts"

/** Mutable on purpose, by the operations of `World` alone. */
export interface StoredSegment {
  readonly datasource: string
  readonly interval: Interval
  readonly version: string
  readonly partition: number
  /** `partitions` in its shard spec: partitions below this number belong to the core set */
  readonly corePartitions: number
  readonly tombstone: boolean
  columns: readonly SegmentColumn[]
  /** rows as the process that serves it answers them */
  rows: RowSource
  /** a realtime segment's roll-up, done over again at hand-off */
  rollup: Rollup | undefined
  published: boolean
  /** still being written by a task */
  realtime: boolean
  /** published by its task, not yet loaded by a historical */
  handingOff: boolean
  /** some process answers queries for it */
  served: boolean
  /** load rules want no replica of it */
  cold: boolean
  /** never loaded yet: the coordinator does not know its replication factor */
  fresh: boolean
  /** missing from `sys.segments`, whatever else is true of it */
  unlisted: boolean
  /** `num_rows` as reported, where it is not the real number */
  reportedRows: number | undefined
  /** goes up when the segment moves to another server: scans that have not reached it yet miss it */
  home: number
  /** `last_compaction_state` */
  compaction: string | null
}

/** Flags that tests may set by hand with `world.patch`. */
export type SegmentPatch = Partial<
  Pick<
    StoredSegment,
    "published" | "realtime" | "handingOff" | "served" | "cold" | "fresh" | "unlisted" | "reportedRows"
  >
>

interface Names {
  readonly id: string
  readonly start: string
  readonly end: string
}

// They never change, and listings of thousands of segments need them each time.
const namesOf = new WeakMap<StoredSegment, Names>()

function names(s: StoredSegment): Names {
  let found = namesOf.get(s)
  if (!found) {
    const [start, end] = [iso(s.interval.start), iso(s.interval.end)]
    const id = `${s.datasource}_${start}_${end}_${s.version}`
    found = { id: s.partition === 0 ? id : `${id}_${s.partition}`, start, end }
    namesOf.set(s, found)
  }
  return found
}

/** `datasource_start_end_version`, and `_partition` from partition 1 on. */
export function segmentId(s: StoredSegment): string {
  return names(s).id
}

/** A row of `sys.segments` (the columns of Druid 33), flags as 0 and 1. */
export interface SegmentRow {
  readonly segment_id: string
  readonly datasource: string
  readonly start: string
  readonly end: string
  readonly size: number
  readonly version: string
  readonly partition_num: number
  readonly num_replicas: number
  readonly num_rows: number
  readonly is_active: number
  readonly is_published: number
  readonly is_available: number
  readonly is_realtime: number
  readonly is_overshadowed: number
  readonly shard_spec: string
  readonly dimensions: string | null
  readonly metrics: string | null
  readonly last_compaction_state: string | null
  readonly replication_factor: number
}

/** How `sys.segments` shows a segment. */
export function segmentRow(s: StoredSegment, overshadowed: boolean): SegmentRow {
  const { id, start, end } = names(s)
  const flag = (is: boolean) => (is ? 1 : 0)
  return {
    segment_id: id,
    datasource: s.datasource,
    start,
    end,
    size: s.tombstone ? 1 : s.realtime ? 0 : 1200 + s.rows.count * 32,
    version: s.version,
    partition_num: s.partition,
    num_replicas: s.served ? 1 : 0,
    num_rows: s.served ? (s.reportedRows ?? s.rows.count) : 0,
    is_active: flag(s.realtime || (s.published && !overshadowed)),
    is_published: flag(s.published),
    is_available: flag(s.served),
    is_realtime: flag(s.realtime),
    is_overshadowed: flag(overshadowed),
    shard_spec: JSON.stringify({
      type: s.tombstone ? "tombstone" : "numbered",
      partitionNum: s.partition,
      partitions: s.corePartitions,
    }),
    dimensions: s.realtime ? null : JSON.stringify(s.columns.slice(1).map((column) => column.name)),
    metrics: s.realtime ? null : "[]",
    last_compaction_state: s.compaction,
    replication_factor: replicationFactor(s, overshadowed),
  }
}

function replicationFactor(s: StoredSegment, overshadowed: boolean): number {
  if (!s.published || s.fresh) return -1
  return s.cold || s.handingOff || overshadowed ? 0 : 1
}

/** Listed at all: what the coordinator has published, and what servers announce. */
export function isListed(s: StoredSegment): boolean {
  return !s.unlisted && (s.published || s.served)
}
