/**
 * Cuts and bundles work into slices of about the target number of rows: big chunks are cut along a histogram of
 * counts, small neighbours share one query. Pure. Together the slices cover the work exactly once (invariant I5);
 * rows of one millisecond always stay together, since all bounds are whole milliseconds.
 */

import { bucketEnd, bucketStart, type Every } from "../base/buckets.ts"
import type { Bucket, Chunk, Interval, Slice, Work } from "../base/domain.ts"
import { byStart } from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"
import { rowsOf } from "./added.ts"

/** At most this many chunks share a query, so that counting each after the load stays cheap (`store/interval-counts.ts`). */
const MAX_WORKS_PER_SLICE = 1_000

/** If the row count of a work is known and at most this multiple of the target, the work is fetched in one piece. */
const WHOLE_UP_TO = 1.5

/** True where the work must be measured (`boundsSql`, `histogramSql`) before it can be fetched in proven slices. */
export function needsMeasuring(work: Work, targetRows: number, filtered: boolean): boolean {
  if (work.added !== undefined) return false
  // If Druid knows no count, we cannot guess one: a segment of 0 rows may hold millions.
  if (work.expectedRows === undefined)
    return work.state === "complete" || isUncounted(work.chunk) || estimated(work.chunk) > targetRows
  if (filtered && work.reason.kind !== "added") return work.expectedRows > 0
  return work.expectedRows > targetRows * WHOLE_UP_TO
}

function isUncounted(chunk: Chunk): boolean {
  return chunk.segments.some((segment) => segment.rows <= 0 && !segment.isTombstone)
}

function estimated(chunk: Chunk): number {
  return sumOf(chunk.segments, (segment) => segment.rows)
}

/** Rows of a work that are to be fetched, as far as they are known. */
export function sizeOf(work: Work): number {
  if (work.added !== undefined) return rowsOf(work.added.segments)
  return work.expectedRows ?? work.measuredRows ?? estimated(work.chunk)
}

/** A slice should not be much larger than this, in bytes of its response: it may be fetched again, and DuckDB holds it in memory. */
const SLICE_BYTES = 64_000_000
/** At least this many slices fit into the spool at the same time. */
const SLICES_ON_SPOOL = 4

/**
 * Rows that a slice should have.
 * @param most the config's number
 * @param rowBytes bytes of a row in a response, if known
 * @param spoolBytes what the spool may hold
 */
export function rowsOfSlice(most: number, rowBytes: number | undefined, spoolBytes: number): number {
  if (rowBytes === undefined) return most
  const bytes = Math.min(SLICE_BYTES, spoolBytes / SLICES_ON_SPOOL)
  return Math.max(1, Math.min(most, Math.floor(bytes / rowBytes)))
}

/**
 * Bucket width that gives about eight buckets per slice: fine enough to balance, coarse enough to be cheap.
 * @param stepMs the width is a multiple of it
 */
export function bucketWidthMs(interval: Interval, rows: number, targetRows: number, stepMs = 1n): bigint {
  const buckets = BigInt(Math.max(1, Math.min(4096, Math.ceil(rows / targetRows) * 8)))
  const width = (interval.end - interval.start + buckets - 1n) / buckets
  const steps = (width + stepMs - 1n) / stepMs
  return steps < 1n ? stepMs : steps * stepMs
}

/** A bucket that has more rows than a slice should have, and can still be cut: it is measured again, finer. */
export function isTooBig(bucket: Bucket, targetRows: number, stepMs = 1n): boolean {
  return bucket.matching > targetRows * WHOLE_UP_TO && bucket.interval.end - bucket.interval.start > stepMs
}

/**
 * Cuts one work along its buckets.
 * @param buckets ascending, disjoint, within the work; where none lies, there are no rows
 * @param every of an aggregate: each of its own buckets stays whole, and none of these begins before one and ends after its start
 * @returns works that cover the same interval exactly, each with its expected rows where the work is immutable
 */
export function cut(work: Work, buckets: readonly Bucket[], targetRows: number, every?: Every): Work[] {
  const pieces: Work[] = []
  let start = work.interval.start
  let rows = 0
  const close = (end: bigint) => {
    pieces.push({
      ...work,
      interval: { start, end },
      expectedRows: work.state === "complete" ? rows : undefined,
      measuredRows: rows,
    })
    start = end
    rows = 0
  }
  const mayClose = (at: bigint) => every === undefined || bucketStart(every, at) === at
  for (const bucket of buckets) {
    const at = bucket.interval.start
    if (rows > 0 && rows + bucket.matching > targetRows && mayClose(at)) close(at)
    rows += bucket.matching
  }
  close(work.interval.end)
  return pieces
}

/**
 * Bundles works into slices, ascending by time. Works share a slice only when they are neighbours among the chunks:
 * nothing that is not part of the slice may lie between them, since one query spans them all. Added segments are named one
 * by one.
 * @param chunks all chunks of the datasource, ascending: what lies between two works
 */
export function slicesOf(works: readonly Work[], chunks: readonly Chunk[], targetRows: number): Slice[] {
  const position = new Map(chunks.map((chunk, n) => [chunk, n]))
  const slices: Slice[] = []
  let open: { works: Work[]; rows: number } | undefined
  const close = () => {
    if (open === undefined) return
    const first = open.works[0]!.interval
    const last = open.works.at(-1)!.interval
    slices.push({ interval: { start: first.start, end: last.end }, works: open.works, rows: open.rows })
    open = undefined
  }
  for (const work of [...works].sort((a, b) => byStart(a.interval, b.interval))) {
    const rows = sizeOf(work)
    const last = open?.works.at(-1)
    const joins =
      open !== undefined &&
      last !== undefined &&
      open.rows + rows <= targetRows &&
      open.works.length < MAX_WORKS_PER_SLICE &&
      last.state === work.state &&
      (last.added === undefined) === (work.added === undefined) &&
      // Segments are asked for by their names, whatever lies between them.
      (work.added !== undefined || areNeighbours(last, work, position))
    if (!joins) close()
    if (open === undefined) open = { works: [], rows: 0 }
    open.works.push(work)
    open.rows += rows
  }
  close()
  return slices
}

function areNeighbours(a: Work, b: Work, position: ReadonlyMap<Chunk, number>): boolean {
  if (a.interval.end === b.interval.start) return true
  const from = position.get(a.chunk)
  const to = position.get(b.chunk)
  return (
    from !== undefined &&
    to === from + 1 &&
    a.interval.end === a.chunk.interval.end &&
    b.interval.start === b.chunk.interval.start
  )
}

/** Of the slice's chunks only segments that were added are fetched: all of its works are such, or none is. */
export function isAddition({ works }: Slice): boolean {
  return works[0]!.added !== undefined
}

/**
 * Halves a slice that Druid refuses as too big; undefined where it is one millisecond, one bucket, or segments that were
 * added, and cannot be cut.
 * @param every of an aggregate
 */
export function halves(slice: Slice, every?: Every): [Slice, Slice] | undefined {
  if (slice.works.length > 1) {
    const middle = Math.ceil(slice.works.length / 2)
    return [ofWorks(slice.works.slice(0, middle)), ofWorks(slice.works.slice(middle))]
  }
  const work = slice.works[0]!
  if (work.added !== undefined) return undefined
  const { start, end } = work.interval
  const middle = middleOf(work.interval, every)
  if (middle === undefined) return undefined
  // The halves' own counts are not known: they are asked before and after (docs/architecture.md, "What proves a slice complete").
  const measuredRows = Math.ceil(sizeOf(work) / 2)
  const half = (interval: Interval): Work => ({ ...work, interval, expectedRows: undefined, measuredRows })
  return [ofWorks([half({ start, end: middle })]), ofWorks([half({ start: middle, end })])]
}

function middleOf({ start, end }: Interval, every: Every | undefined): bigint | undefined {
  const middle = start + (end - start) / 2n
  if (every === undefined) return middle === start ? undefined : middle
  const between = [bucketStart(every, middle), bucketEnd(every, middle)]
  return between.find((bound) => bound > start && bound < end)
}

/**
 * Splits a slice so that works whose counts do not agree stand alone, and their neighbours need not wait for them.
 * @param suspects indices of those works, ascending
 */
export function apart(slice: Slice, suspects: readonly number[]): Slice[] {
  const alone = new Set(suspects)
  const groups: Work[][] = []
  for (const [n, work] of slice.works.entries()) {
    const last = groups.at(-1)
    if (last === undefined || alone.has(n) || alone.has(n - 1)) groups.push([work])
    else last.push(work)
  }
  return groups.map(ofWorks)
}

function ofWorks(works: readonly Work[]): Slice {
  return {
    interval: { start: works[0]!.interval.start, end: works.at(-1)!.interval.end },
    works,
    rows: sumOf(works, (work) => sizeOf(work)),
  }
}
