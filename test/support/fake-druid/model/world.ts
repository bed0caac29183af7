/**
 * An Apache Druid 33 in memory: datasources, segments, and every operation that changes them, as DRUID.md §1–§5
 * measured it. No HTTP here, no clock, no randomness: versions come from a counter.
 */
import { byTarget, split } from "./allocate.ts"
import { Datasource } from "./datasource.ts"
import {
  allRows,
  type Batch,
  ingested,
  NO_ROWS,
  type Rollup,
  type RowSource,
  range,
  readAs,
  rolledUp,
  rowSource,
} from "./rows.ts"
import { type MergePolicy, mergedSchema } from "./schema.ts"
import { type SegmentPatch, type SegmentRow, type StoredSegment, segmentId } from "./segment.ts"
import {
  chunksOf,
  contains,
  type Granularity,
  type Interval,
  intersection,
  interval,
  iso,
  isoInterval,
  ms,
  overlaps,
  type Span,
} from "./time.ts"
import type { InputRow, Row, SegmentColumn, Value } from "./values.ts"

/** Which segments an operation is about: all, those that overlap a span, those whose row or id meets a condition. */
export type Selector = undefined | Span | ((segment: StoredSegment, id: string) => boolean)

export interface IngestOptions {
  /** segmentGranularity of new chunks; default DAY (HOUR for streams) */
  granularity?: Granularity
  /** Druid types of columns, beside those declared with `define` */
  columns?: Readonly<Record<string, string>>
  /** false: published, but no server has loaded it yet */
  loaded?: boolean
  /** segments per chunk; default 1 */
  partitions?: number
}

/** A segment whose rows are made on demand. */
export interface VirtualSegment {
  readonly interval: Span
  readonly count: number
  /** columns after `__time` */
  readonly columns: Readonly<Record<string, string>>
  /** `__time` of a row; must not fall */
  time(index: number): bigint
  /** values of a row, `__time` first, then in the order of `columns` */
  row(index: number): readonly Value[]
  readonly multiValue?: readonly string[]
}

export class World {
  /** how the broker merges types of segments that disagree; the default is Druid's own */
  readonly mergePolicy: MergePolicy
  readonly #datasources = new Map<string, Datasource>()
  #tick = 0n
  #lagging = false

  constructor(options: { mergePolicy?: MergePolicy } = {}) {
    this.mergePolicy = options.mergePolicy ?? "leastRestrictive"
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
    const batch = this.#ingest(ds, rows, options)
    const added: StoredSegment[] = []
    let newVersion: string | undefined
    for (const { target, rows: group } of byTarget(ds, batch.rows, options.granularity ?? "DAY")) {
      newVersion ??= this.#nextVersion()
      const version = target.version ?? newVersion
      const parts = split(group, Math.min(options.partitions ?? 1, group.length))
      for (const [i, part] of parts.entries()) {
        const partition = target.version ? ds.nextPartition(target.interval, version) : i
        added.push(
          this.#add(ds, {
            ...place(target.interval, version, partition, target.corePartitions ?? parts.length),
            ...content({ columns: batch.columns, rows: part }),
            ...this.#loading(options),
          }),
        )
      }
    }
    return this.#views(ds, added)
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
    options: IngestOptions & { dropExisting?: boolean } = {},
  ): SegmentRow[] {
    const ds = this.#open(name)
    const whole = interval(span)
    const batch = this.#ingest(ds, rows, options)
    const outside = batch.rows.find((row) => !inside(whole, row[0] as bigint))
    if (outside) throw new Error(`${iso(outside[0] as bigint)} lies outside of ${isoInterval(whole)}`)
    const chunks = options.granularity ? chunksOf(whole, options.granularity) : [whole]
    const tombstones = options.dropExisting === true || rows.length === 0
    return this.#replace(ds, chunks, batch, tombstones, options, null)
  }

  /**
   * Compacts an interval into chunks of a granularity; the interval grows to whole chunks. Chunks without rows keep
   * what is there (so a MONTH may stay active under its DAYs) unless `dropExisting`.
   */
  compact(
    name: string,
    span: Span,
    granularity: Granularity,
    options: { dropExisting?: boolean; partitions?: number; loaded?: boolean } = {},
  ): SegmentRow[] {
    const ds = this.#open(name)
    const chunks = chunksOf(interval(span), granularity)
    if (chunks.length === 0) return []
    const whole = { start: chunks[0]!.start, end: chunks.at(-1)!.end }
    const parts = ds.usedParts().flatMap(({ segment, interval: visible }) => {
      const seen = intersection(visible, whole)
      return seen ? [{ segment, rows: rowsWithin(finalRows(segment), seen) }] : []
    })
    const columns = mergedSchema(parts.map(({ segment }) => segment.columns).reverse(), this.mergePolicy)
    const batches = parts.map(({ segment, rows }) => ({ columns: segment.columns, rows }))
    const spec = JSON.stringify({
      partitionsSpec: { type: "dynamic" },
      granularitySpec: { segmentGranularity: granularity },
    })
    return this.#replace(ds, chunks, readAs(columns, batches), options.dropExisting === true, options, spec)
  }

  #replace(
    ds: Datasource,
    chunks: readonly Interval[],
    batch: Batch,
    tombstones: boolean,
    options: IngestOptions,
    compaction: string | null,
  ): SegmentRow[] {
    const used = ds.usedParts()
    const version = this.#nextVersion()
    const added: NewSegment[] = []
    for (const chunk of chunks) {
      const rows = batch.rows.filter((row) => inside(chunk, row[0] as bigint))
      const covers = used.some((part) => overlaps(part.interval, chunk))
      if (rows.length > 0 || (tombstones && covers)) this.#refuseOpenStreams(ds, chunk)
      if (rows.length > 0) {
        const partitions = Math.min(options.partitions ?? 1, rows.length)
        split(rows, partitions).forEach((part, i) => {
          const where = place(chunk, version, i, partitions)
          added.push({
            ...where,
            ...content({ columns: batch.columns, rows: part }),
            ...this.#loading(options),
            compaction,
          })
        })
      } else if (tombstones && covers)
        added.push({
          ...place(chunk, version, 0, 1),
          ...content({ columns: [], rows: [] }),
          ...this.#loading(options),
          tombstone: true,
        })
    }
    return this.#views(
      ds,
      added.map((segment) => this.#add(ds, segment)),
    )
  }

  /** Adds a published segment whose rows are made on demand: a new partition of the chunk, or a new chunk. */
  virtual(name: string, segment: VirtualSegment): SegmentRow[] {
    const ds = this.#open(name)
    const chunk = interval(segment.interval)
    const part = ds
      .usedParts()
      .find((p) => p.segment.interval.start === chunk.start && p.segment.interval.end === chunk.end)
    const version = part?.segment.version ?? this.#nextVersion()
    const columns = [
      { name: "__time", type: "LONG" },
      ...Object.entries(segment.columns).map(([column, type]) => ({ name: column, type })),
    ]
    const rows: RowSource = {
      count: segment.count,
      time: (i) => segment.time(i),
      row: (i) => segment.row(i),
      multiValue: new Set(segment.multiValue),
    }
    const where = place(chunk, version, ds.nextPartition(chunk, version), part?.segment.corePartitions ?? 1)
    return this.#views(ds, [this.#add(ds, { ...where, columns, rows, ...this.#loading({}) })])
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
        if (this.#lagging) s.reportedRows = 0
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
      if (!cold && this.#lagging) s.reportedRows = 0
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
    this.#lagging = !fresh
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
  stream(
    name: string,
    rows: readonly InputRow[],
    options: IngestOptions & { rollup?: Rollup } = {},
  ): SegmentRow[] {
    const ds = this.#open(name)
    const read = this.#ingest(ds, rows, options)
    const batch = options.rollup ? rolledUp(read, options.rollup) : read
    const touched: StoredSegment[] = []
    for (const { target, rows: group } of byTarget(ds, batch.rows, options.granularity ?? "HOUR")) {
      const more = { columns: batch.columns, rows: group }
      const open = [...ds.segments].find(
        (s) => s.realtime && s.version === target.version && same(s.interval, target.interval),
      )
      if (open) {
        if (this.#lagging) open.reportedRows ??= open.rows.count
        const columns = mergedSchema([open.columns, more.columns], this.mergePolicy)
        const grown = readAs(columns, [{ columns: open.columns, rows: allRows(open.rows) }, more])
        Object.assign(open, content(grown))
        touched.push(open)
        continue
      }
      const version = target.version ?? this.#nextVersion()
      const partition = ds.nextPartition(target.interval, version)
      touched.push(
        this.#add(ds, {
          ...place(target.interval, version, partition, target.corePartitions ?? 0),
          ...content(more),
          ...this.#loading({}),
          rollup: options.rollup,
          published: false,
          realtime: true,
          handingOff: true,
        }),
      )
    }
    ds.changed()
    return this.#views(ds, touched)
  }

  /** The task publishes its segments; it still serves them, row for row as before. */
  publish(name: string, selector?: Selector): void {
    this.#each(name, selector, (s) => {
      if (!s.realtime) return
      s.realtime = false
      s.published = true
    })
  }

  /** Historicals take over (publishing first where needed): with rollup, rows merge now, under the same id. */
  handOff(name: string, selector?: Selector): void {
    this.publish(name, selector)
    this.#each(name, selector, (s) => {
      if (!s.handingOff) return
      s.handingOff = false
      if (!s.rollup) return
      if (this.#lagging) s.reportedRows ??= s.rows.count
      s.rows = finalRows(s)
      s.rollup = undefined
    })
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
    if (name === undefined) this.#lagging = false
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

  #ingest(ds: Datasource, rows: readonly InputRow[], options: IngestOptions): Batch {
    return ingested(rows, { ...ds.declared, ...options.columns })
  }

  #loading(options: IngestOptions): Pick<StoredSegment, "served" | "fresh" | "reportedRows"> {
    const loaded = options.loaded ?? true
    return { served: loaded, fresh: !loaded, reportedRows: this.#lagging ? 0 : undefined }
  }

  /** Versions grow by a second each, whatever the datasource: a re-created datasource gets newer ones. */
  #nextVersion(): string {
    this.#tick += 1000n
    return iso(ms("2026-01-01") + this.#tick)
  }

  #refuseOpenStreams(ds: Datasource, chunk: Interval): void {
    for (const s of ds.segments)
      if (s.realtime && overlaps(s.interval, chunk))
        throw new Error(
          `A task still streams into ${segmentId(s)}: Druid's locks make others wait; hand it off first`,
        )
  }

  #add(ds: Datasource, segment: NewSegment): StoredSegment {
    const added: StoredSegment = {
      datasource: ds.name,
      tombstone: false,
      rollup: undefined,
      published: true,
      realtime: false,
      handingOff: false,
      cold: false,
      unlisted: false,
      home: 0,
      compaction: null,
      ...segment,
    }
    ds.add(added)
    return added
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

type NewSegment = Partial<StoredSegment> &
  Pick<
    StoredSegment,
    | "interval"
    | "version"
    | "partition"
    | "corePartitions"
    | "columns"
    | "rows"
    | "served"
    | "fresh"
    | "reportedRows"
  >

function place(chunk: Interval, version: string, partition: number, corePartitions: number) {
  return { interval: chunk, version, partition, corePartitions }
}

function content(batch: Batch): Pick<StoredSegment, "columns" | "rows"> {
  return { columns: batch.columns, rows: batch.rows.length === 0 ? NO_ROWS : rowSource(batch) }
}

function finalRows(s: StoredSegment): RowSource {
  if (!s.rollup) return s.rows
  return rowSource(rolledUp({ columns: s.columns, rows: allRows(s.rows) }, s.rollup))
}

function rowsWithin(source: RowSource, span: Interval): (readonly Value[])[] {
  return allRows(source, ...range(source, span))
}

function matching(ds: Datasource, selector: Selector): StoredSegment[] {
  if (selector === undefined) return [...ds.segments]
  if (typeof selector === "function") return [...ds.segments].filter((s) => selector(s, segmentId(s)))
  const span = interval(selector)
  return [...ds.segments].filter((s) => overlaps(s.interval, span))
}

function inside(span: Interval, instant: bigint): boolean {
  return span.start <= instant && instant < span.end
}

function same(a: Interval, b: Interval): boolean {
  return a.start === b.start && a.end === b.end
}
