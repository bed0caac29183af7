/**
 * An Apache Druid 33 in memory: datasources, segments, and every operation that changes them, as they
 * were measured on a real one. No HTTP here, no clock, no randomness: versions come from a counter.
 */
import { Datasource } from "./datasource.ts"
import {
  append,
  type CompactOptions,
  compact,
  type IngestOptions,
  type Ledger,
  type OverwriteOptions,
  overwrite,
  type VirtualSegment,
  virtual,
} from "./ingestion.ts"
import { range } from "./rows.ts"
import type { MergePolicy } from "./schema.ts"
import { type SegmentPatch, type SegmentRow, type StoredSegment, segmentId } from "./segment.ts"
import { handOff, publish, type StreamOptions, stream } from "./streaming.ts"
import { contains, type Granularity, interval, iso, ms, overlaps, type Span } from "./time.ts"
import type { InputRow, Row, SegmentColumn } from "./values.ts"

export type { IngestOptions, VirtualSegment }

/** Which segments an operation is about: all, those that overlap a span, those whose row or id meets a condition. */
export type Selector = undefined | Span | ((segment: StoredSegment, id: string) => boolean)

export class World {
  /** how the broker merges types of segments that disagree; the default is Druid's own */
  readonly mergePolicy: MergePolicy
  /** lookups that the broker lists, by name: their entries; undefined where its kind cannot list them */
  readonly lookups = new Map<string, Readonly<Record<string, string | null>> | undefined>()
  /** names of lookups that it lists and has not filled yet */
  readonly fillingLookups = new Set<string>()
  readonly #datasources = new Map<string, Datasource>()
  readonly #ledger: Ledger & { lagging: boolean }

  constructor(options: { mergePolicy?: MergePolicy } = {}) {
    this.mergePolicy = options.mergePolicy ?? "leastRestrictive"
    let tick = ms("2026-01-01")
    this.#ledger = {
      mergePolicy: this.mergePolicy,
      lagging: false,
      // A second each, whatever the datasource: a re-created one gets newer versions.
      nextVersion() {
        tick += 1000n
        return iso(tick)
      },
    }
  }

  // ---- declarations ----

  /** Declares column types for all later ingestion of a datasource; the order is kept. */
  define(name: string, columns: Readonly<Record<string, string>>): void {
    this.#open(name).declared = columns
  }

  // ---- batch ingestion ----

  /**
   * Appends: into existing chunks the next partition of the same version; where there is no chunk, a new one with
   * one core partition, as a first load makes it.
   */
  append(name: string, rows: readonly InputRow[], options: IngestOptions = {}): SegmentRow[] {
    const ds = this.#open(name)
    return this.#views(ds, append(ds, this.#ledger, rows, options))
  }

  /**
   * Overwrites an interval with a newer version: as one chunk, or in chunks of `granularity`, where only chunks
   * that get rows are replaced unless `dropExisting` turns the others into tombstones. Without any rows the
   * interval becomes a tombstone.
   */
  overwrite(
    name: string,
    span: Span,
    rows: readonly InputRow[],
    options: OverwriteOptions = {},
  ): SegmentRow[] {
    const ds = this.#open(name)
    return this.#views(ds, overwrite(ds, this.#ledger, span, rows, options))
  }

  /**
   * Compacts an interval into chunks of a granularity; the interval grows to whole chunks. Chunks without rows keep
   * what is there (so a MONTH may stay active under its DAYs) unless `dropExisting`.
   */
  compact(name: string, span: Span, granularity: Granularity, options: CompactOptions = {}): SegmentRow[] {
    const ds = this.#open(name)
    return this.#views(ds, compact(ds, this.#ledger, span, granularity, options))
  }

  /** Adds a published segment whose rows are made on demand: a new partition of the chunk, or a new chunk. */
  virtual(name: string, segment: VirtualSegment): SegmentRow[] {
    const ds = this.#open(name)
    return this.#views(ds, [virtual(ds, this.#ledger, segment)])
  }

  // ---- dropping ----

  /** Marks unused what lies wholly within the span (all without one): it is gone, its history too. */
  markUnused(name: string, span?: Span, options: { stillServed?: boolean } = {}): void {
    const ds = this.#existing(name)
    const whole = span === undefined ? undefined : interval(span)
    for (const s of [...ds.segments]) {
      if (!s.published || (whole && !contains(whole, s.interval))) continue
      if (options.stillServed) s.published = false
      else ds.remove(s)
    }
    ds.changed()
  }

  /** Marks one partition of a chunk unused, by its id. */
  dropPartition(name: string, span: Span, partition: number): void {
    const ds = this.#existing(name)
    const whole = interval(span)
    for (const s of [...ds.segments]) {
      if (s.published && contains(whole, s.interval) && s.partition === partition) ds.remove(s)
    }
    ds.changed()
  }

  /** Ends the state that `markUnused(…, {stillServed: true})` began: servers let go of what is not published. */
  unloadUnused(name: string): void {
    const ds = this.#existing(name)
    for (const s of [...ds.segments]) if (!s.published && !s.realtime) ds.remove(s)
  }

  /** Deletes a datasource with everything, realtime included. What `define` said of the name stays. */
  deleteDatasource(name: string): void {
    const ds = this.#existing(name)
    for (const s of [...ds.segments]) ds.remove(s)
  }

  /** Lets the coordinator clear away what is overshadowed and no longer answers for anything. */
  purgeOvershadowed(name: string): void {
    const ds = this.#existing(name)
    const visible = new Set(ds.brokerParts().map((part) => part.segment))
    for (const s of [...ds.overshadowed()]) if (!visible.has(s)) ds.remove(s)
  }

  // ---- servers ----

  /**
   * Servers go (false) or come back (true): rows vanish from queries while `sys.segments` still lists the segments.
   * Cold segments stay unavailable. While row counts lag (`reportRows(false)`), what comes back reports 0.
   */
  setAvailable(name: string, selector: Selector, available: boolean): void {
    this.#each(name, selector, (s) => {
      if (s.cold || s.served === available) return
      s.served = available
      s.home++
      if (available) {
        s.fresh = false
        if (this.#ledger.lagging) s.reportedRows = 0
      }
    })
  }

  /** Load rules ask for no replica (true) or for one again (false). Published segments alone. */
  setCold(name: string, selector: Selector, cold: boolean): void {
    this.#each(name, selector, (s) => {
      if (!s.published || s.cold === cold) return
      s.cold = cold
      s.served = !cold
      s.fresh = false
      s.home++
      if (!cold && this.#ledger.lagging) s.reportedRows = 0
    })
  }

  /** Segments move to another server: nothing is to be seen of it, but scans that wait to read them miss them. */
  move(name: string, selector?: Selector): void {
    this.#each(name, selector, (s) => void s.home++)
  }

  /**
   * false: from now on new segments report 0 rows and growing ones their old number, until `reportRows(true)`.
   */
  reportRows(fresh: boolean): void {
    this.#ledger.lagging = !fresh
    if (fresh)
      for (const ds of this.#datasources.values()) for (const s of ds.segments) s.reportedRows = undefined
  }

  /** Makes segments report a number of rows, stale or not; undefined: the real one. */
  setReportedRows(name: string, selector: Selector, rows: number | undefined): void {
    this.#each(name, selector, (s) => {
      s.reportedRows = rows
    })
  }

  /** true: the broker keeps the schema of now (or the one given) while segments change; false: it looks again. */
  holdSchema(name: string, hold: boolean | readonly SegmentColumn[]): void {
    const ds = this.#existing(name)
    ds.staleSchema = hold === true ? [...ds.schema()] : hold === false ? undefined : hold
  }

  /** Sets flags by hand, for states that the operations do not make. */
  patch(name: string, selector: Selector, patch: SegmentPatch): void {
    this.#each(name, selector, (s) => void Object.assign(s, patch))
  }

  // ---- streaming ----

  /**
   * Streaming ingestion: grows the open realtime segment of each chunk, or opens the next partition. With `rollup`
   * each call is one persist: rolled up in itself, not with the rows before.
   */
  stream(name: string, rows: readonly InputRow[], options: StreamOptions = {}): SegmentRow[] {
    const ds = this.#open(name)
    return this.#views(ds, stream(ds, this.#ledger, rows, options))
  }

  /** The task publishes its segments; it still serves them, row for row as before. */
  publish(name: string, selector?: Selector): void {
    this.#each(name, selector, publish)
  }

  /** Historicals take over (publishing first where needed): with rollup, rows merge now, under the same id. */
  handOff(name: string, selector?: Selector): void {
    this.publish(name, selector)
    this.#each(name, selector, (s) => handOff(s, this.#ledger))
  }

  /** true where a task is still writing within the span: batch operations there have to wait. */
  hasOpenStream(name: string, span?: Span): boolean {
    const whole = span === undefined ? undefined : interval(span)
    return [...(this.#datasources.get(name)?.segments ?? [])].some(
      (s) => s.realtime && (!whole || overlaps(s.interval, whole)),
    )
  }

  /** Everything done: handed off, loaded, counted, nothing cold, no stale schema, leftovers cleared away. */
  settle(name?: string): void {
    for (const ds of this.#datasources.values()) {
      if (name !== undefined && ds.name !== name) continue
      this.handOff(ds.name)
      this.setCold(ds.name, undefined, false)
      this.setAvailable(ds.name, undefined, true)
      this.setReportedRows(ds.name, undefined, undefined)
      ds.staleSchema = undefined
      this.unloadUnused(ds.name)
      this.purgeOvershadowed(ds.name)
    }
    if (name === undefined) this.#ledger.lagging = false
  }

  // ---- reading ----

  get datasources(): Datasource[] {
    return [...this.#datasources.values()]
  }

  datasource(name: string): Datasource | undefined {
    return this.#datasources.get(name)
  }

  /** Rows of `sys.segments` for a datasource. */
  segments(name: string): SegmentRow[] {
    return this.#datasources.get(name)?.listed() ?? []
  }

  /** Columns of the table with native types, `__time` first; empty where Druid says "not found". */
  schema(name: string): readonly SegmentColumn[] {
    return this.#datasources.get(name)?.schema() ?? []
  }

  /** What Druid would answer to `SELECT *` now, typed: the truth that a copy must equal. */
  rows(name: string): Row[] {
    return [...this.eachRow(name)]
  }

  /** As `rows`, one by one. */
  *eachRow(name: string): Generator<Row> {
    const ds = this.#datasources.get(name)
    if (!ds) return
    const schema = ds.schema()
    for (const { segment, interval: visible } of ds.brokerParts()) {
      const read = ds.readerFor(segment, schema)
      const [from, to] = range(segment.rows, visible)
      for (let i = from; i < to; i++) {
        const values = read(segment.rows.row(i))
        yield Object.fromEntries(schema.map((column, at) => [column.name, values[at]!]))
      }
    }
  }

  /** Number of rows that Druid would answer now. */
  count(name: string): number {
    let count = 0
    for (const { segment, interval: visible } of this.#datasources.get(name)?.brokerParts() ?? []) {
      const [from, to] = range(segment.rows, visible)
      count += to - from
    }
    return count
  }

  // ---- inside ----

  #open(name: string): Datasource {
    let ds = this.#datasources.get(name)
    if (!ds) {
      ds = new Datasource(name)
      ds.mergePolicy = this.mergePolicy
      this.#datasources.set(name, ds)
    }
    return ds
  }

  #existing(name: string): Datasource {
    const ds = this.#datasources.get(name)
    if (!ds) throw new Error(`The fake has no datasource "${name}"`)
    return ds
  }

  #each(name: string, selector: Selector, change: (segment: StoredSegment) => void): void {
    const ds = this.#existing(name)
    for (const s of matching(ds, selector)) change(s)
    ds.changed()
  }

  #views(ds: Datasource, segments: readonly StoredSegment[]): SegmentRow[] {
    const ids = new Set(segments.map(segmentId))
    return ds.listed().filter((row) => ids.has(row.segment_id))
  }
}

function matching(ds: Datasource, selector: Selector): StoredSegment[] {
  if (selector === undefined) return [...ds.segments]
  if (typeof selector === "function") return [...ds.segments].filter((s) => selector(s, segmentId(s)))
  const span = interval(selector)
  return [...ds.segments].filter((s) => overlaps(s.interval, span))
}
