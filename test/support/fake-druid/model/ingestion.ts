/** Batch ingestion: which segments appending, overwriting and compacting make. */
import { byTarget, split } from "./allocate.ts"
import type { Datasource } from "./datasource.ts"
import {
  allRows,
  type Batch,
  ingested,
  NO_ROWS,
  type RowSource,
  range,
  readAs,
  rolledUp,
  rowSource,
} from "./rows.ts"
import { type MergePolicy, mergedSchema } from "./schema.ts"
import { type StoredSegment, segmentId } from "./segment.ts"
import {
  chunksOf,
  type Granularity,
  type Interval,
  intersection,
  interval,
  iso,
  isoInterval,
  overlaps,
  type Span,
} from "./time.ts"
import type { InputRow, Value } from "./values.ts"

/** What ingestion has to know of the cluster. */
export interface Ledger {
  readonly mergePolicy: MergePolicy
  /** row counts of new segments are not known yet */
  readonly lagging: boolean
  /** greater than all before */
  nextVersion(): string
}

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

export type OverwriteOptions = IngestOptions & { dropExisting?: boolean }

export interface CompactOptions {
  dropExisting?: boolean
  partitions?: number
  loaded?: boolean
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

/** Appends rows: the next partitions of existing chunks, or new chunks. */
export function append(
  ds: Datasource,
  ledger: Ledger,
  rows: readonly InputRow[],
  options: IngestOptions,
): StoredSegment[] {
  const batch = ingested(rows, { ...ds.declared, ...options.columns })
  const added: StoredSegment[] = []
  let newVersion: string | undefined
  for (const { target, rows: group } of byTarget(ds, batch.rows, options.granularity ?? "DAY")) {
    newVersion ??= ledger.nextVersion()
    const version = target.version ?? newVersion
    const parts = split(group, Math.min(options.partitions ?? 1, group.length))
    for (const [i, part] of parts.entries()) {
      const partition = target.version ? ds.nextPartition(target.interval, version) : i
      added.push(
        add(ds, {
          ...place(target.interval, version, partition, target.corePartitions ?? parts.length),
          ...content({ columns: batch.columns, rows: part }),
          ...loading(ledger, options),
        }),
      )
    }
  }
  return added
}

/** Replaces an interval by a newer version. */
export function overwrite(
  ds: Datasource,
  ledger: Ledger,
  span: Span,
  rows: readonly InputRow[],
  options: OverwriteOptions,
): StoredSegment[] {
  const whole = interval(span)
  const batch = ingested(rows, { ...ds.declared, ...options.columns })
  const outside = batch.rows.find((row) => !inside(whole, row[0] as bigint))
  if (outside) throw new Error(`${iso(outside[0] as bigint)} lies outside of ${isoInterval(whole)}`)
  const chunks = options.granularity ? chunksOf(whole, options.granularity) : [whole]
  const tombstones = options.dropExisting === true || rows.length === 0
  return replace(ds, ledger, chunks, batch, tombstones, options, null)
}

/** Writes an interval's rows anew in chunks of a granularity. */
export function compact(
  ds: Datasource,
  ledger: Ledger,
  span: Span,
  granularity: Granularity,
  options: CompactOptions,
): StoredSegment[] {
  const chunks = chunksOf(interval(span), granularity)
  if (chunks.length === 0) return []
  const whole = { start: chunks[0]!.start, end: chunks.at(-1)!.end }
  const parts = ds.usedParts().flatMap(({ segment, interval: visible }) => {
    const seen = intersection(visible, whole)
    return seen ? [{ segment, rows: rowsWithin(finalRows(segment), seen) }] : []
  })
  const columns = mergedSchema(parts.map(({ segment }) => segment.columns).reverse(), ledger.mergePolicy)
  const batches = parts.map(({ segment, rows }) => ({ columns: segment.columns, rows }))
  const spec = JSON.stringify({
    partitionsSpec: { type: "dynamic" },
    granularitySpec: { segmentGranularity: granularity },
  })
  return replace(ds, ledger, chunks, readAs(columns, batches), options.dropExisting === true, options, spec)
}

function replace(
  ds: Datasource,
  ledger: Ledger,
  chunks: readonly Interval[],
  batch: Batch,
  tombstones: boolean,
  options: IngestOptions,
  compaction: string | null,
): StoredSegment[] {
  const used = ds.usedParts()
  const version = ledger.nextVersion()
  const added: NewSegment[] = []
  for (const chunk of chunks) {
    const rows = batch.rows.filter((row) => inside(chunk, row[0] as bigint))
    const covers = used.some((part) => overlaps(part.interval, chunk))
    if (rows.length > 0 || (tombstones && covers)) refuseOpenStreams(ds, chunk)
    if (rows.length > 0) {
      const partitions = Math.min(options.partitions ?? 1, rows.length)
      split(rows, partitions).forEach((part, i) => {
        const where = place(chunk, version, i, partitions)
        added.push({
          ...where,
          ...content({ columns: batch.columns, rows: part }),
          ...loading(ledger, options),
          compaction,
        })
      })
    } else if (tombstones && covers)
      added.push({
        ...place(chunk, version, 0, 1),
        ...content({ columns: [], rows: [] }),
        ...loading(ledger, options),
        tombstone: true,
      })
  }
  return added.map((segment) => add(ds, segment))
}

/** Adds a published segment whose rows are made on demand: a new partition of the chunk, or a new chunk. */
export function virtual(ds: Datasource, ledger: Ledger, segment: VirtualSegment): StoredSegment {
  const chunk = interval(segment.interval)
  const part = ds
    .usedParts()
    .find((p) => p.segment.interval.start === chunk.start && p.segment.interval.end === chunk.end)
  const version = part?.segment.version ?? ledger.nextVersion()
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
  return add(ds, { ...where, columns, rows, ...loading(ledger, {}) })
}

/** Rows as they are once nothing is left to merge. */
export function finalRows(s: StoredSegment): RowSource {
  if (!s.rollup) return s.rows
  return rowSource(rolledUp({ columns: s.columns, rows: allRows(s.rows) }, s.rollup))
}

function rowsWithin(source: RowSource, span: Interval): (readonly Value[])[] {
  return allRows(source, ...range(source, span))
}

/** Druid's locks make batch tasks wait for the tasks that stream. */
function refuseOpenStreams(ds: Datasource, chunk: Interval): void {
  for (const s of ds.segments)
    if (s.realtime && overlaps(s.interval, chunk))
      throw new Error(
        `A task still streams into ${segmentId(s)}: Druid's locks make others wait; hand it off first`,
      )
}

/** Flags of a segment that a task has just published. */
export function loading(
  ledger: Ledger,
  options: IngestOptions,
): Pick<StoredSegment, "served" | "fresh" | "reportedRows"> {
  const loaded = options.loaded ?? true
  return { served: loaded, fresh: !loaded, reportedRows: ledger.lagging ? 0 : undefined }
}

/** What a new segment must be told; the rest has defaults of a published segment. */
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

/** Where a segment stands. */
export function place(chunk: Interval, version: string, partition: number, corePartitions: number) {
  return { interval: chunk, version, partition, corePartitions }
}

/** Columns and rows of a segment. */
export function content(batch: Batch): Pick<StoredSegment, "columns" | "rows"> {
  return { columns: batch.columns, rows: batch.rows.length === 0 ? NO_ROWS : rowSource(batch) }
}

/** Adds a segment to its datasource. */
export function add(ds: Datasource, segment: NewSegment): StoredSegment {
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

/** true where the instant lies in the span. */
function inside(span: Interval, instant: bigint): boolean {
  return span.start <= instant && instant < span.end
}
