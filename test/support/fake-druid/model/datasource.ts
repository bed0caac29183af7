/** One datasource: its segments and the views of them that the coordinator and the broker have. */
import { reader } from "./rows.ts"
import { type MergePolicy, mergedSchema } from "./schema.ts"
import { isListed, type SegmentRow, type StoredSegment, segmentRow } from "./segment.ts"
import type { Interval } from "./time.ts"
import { unhidden, type Visible, visibleParts } from "./timeline.ts"
import type { SegmentColumn } from "./values.ts"

export class Datasource {
  readonly name: string
  /** column types that ingestion is told; others are inferred */
  declared: Readonly<Record<string, string>> = {}
  /** the broker's schema where it is held back */
  staleSchema: readonly SegmentColumn[] | undefined
  readonly #segments = new Set<StoredSegment>()
  readonly #nextPartitions = new Map<string, number>()
  #broker: Visible[] | undefined
  #used: Visible[] | undefined
  #overshadowed: ReadonlySet<StoredSegment> | undefined
  #schema: SegmentColumn[] | undefined

  constructor(name: string) {
    this.name = name
  }

  get segments(): ReadonlySet<StoredSegment> {
    return this.#segments
  }

  add(segment: StoredSegment): void {
    this.#segments.add(segment)
    this.#nextPartitions.set(chunkKey(segment.interval, segment.version), segment.partition + 1)
    this.changed()
  }

  /** Next free partition number of a chunk's version. */
  nextPartition(interval: Interval, version: string): number {
    return this.#nextPartitions.get(chunkKey(interval, version)) ?? 0
  }

  /** Takes a segment away; scans that have not reached it yet will miss it. */
  remove(segment: StoredSegment): void {
    this.#segments.delete(segment)
    segment.served = false
    segment.published = false
    this.changed()
  }

  /** To be called after any change of a segment. */
  changed(): void {
    this.#broker = this.#used = this.#overshadowed = this.#schema = undefined
  }

  /** What queries see: the timeline of all that is served. */
  brokerParts(): readonly Visible[] {
    this.#broker ??= visibleParts([...this.#segments].filter((s) => s.served))
    return this.#broker
  }

  /** What ingestion sees: the timeline of all that is published or being written, served or not. */
  usedParts(): readonly Visible[] {
    this.#used ??= visibleParts([...this.#segments].filter((s) => s.published || s.realtime))
    return this.#used
  }

  /** Published segments of which newer published ones hide everything. */
  overshadowed(): ReadonlySet<StoredSegment> {
    if (!this.#overshadowed) {
      const published = [...this.#segments].filter((s) => s.published)
      const there = unhidden(published)
      this.#overshadowed = new Set(published.filter((s) => !there.has(s)))
    }
    return this.#overshadowed
  }

  /** The broker knows a table while anything of it is served. */
  get exists(): boolean {
    return this.schema().length > 0
  }

  #policy: MergePolicy = "leastRestrictive"

  set mergePolicy(policy: MergePolicy) {
    this.#policy = policy
    this.changed()
  }

  /** Columns of the table, `__time` first; empty while nothing with columns is served. */
  schema(): readonly SegmentColumn[] {
    if (!this.#schema) {
      const served = [...this.#segments].filter((s) => s.served)
      served.sort((a, b) =>
        a.interval.start > b.interval.start ? -1 : a.interval.start < b.interval.start ? 1 : 0,
      )
      this.#schema = mergedSchema(
        served.map((s) => s.columns),
        this.#policy,
      )
    }
    return this.#schema.length > 0 && this.staleSchema ? this.staleSchema : this.#schema
  }

  /** Rows of `sys.segments`, in no order that clients could rely on. */
  listed(): SegmentRow[] {
    const overshadowed = this.overshadowed()
    return [...this.#segments].filter(isListed).map((s) => segmentRow(s, overshadowed.has(s)))
  }

  /** Turns a segment's rows into rows of the wanted columns. */
  readerFor(segment: StoredSegment, wanted: readonly SegmentColumn[]) {
    return reader(wanted, segment.columns)
  }
}

function chunkKey({ start, end }: Interval, version: string): string {
  return `${start}/${end}/${version}`
}
