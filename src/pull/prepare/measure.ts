/**
 * Measures works before they are fetched: how many of their rows are wanted, and how they lie in time where that is more
 * than a slice. Many chunks are one question. What Druid counts of a whole chunk must be what its metadata promises:
 * otherwise some server is not serving all of it, and the counts would prove a hole.
 */

import { bucketStepMs, bucketsAround, type Every } from "../../base/buckets.ts"
import type { Bucket, Chunk, Interval, Work } from "../../base/domain.ts"
import { byStart, commonStepMs, overlapping, subtract } from "../../base/intervals.ts"
import { groupBy, sumOf } from "../../base/lists.ts"
import { MAX_TIME, MIN_TIME } from "../../base/time.ts"
import type { Source } from "../../druid/sql.ts"
import { conditionOf, knownRows } from "../../plan/chunks.ts"
import { bucketWidthMs, cut, isTooBig, sizeOf } from "../../plan/slices.ts"
import type { Ports } from "../ports.ts"

/** A chunk of which Druid counts other rows than it should. */
export interface Doubt {
  readonly chunk: Chunk
  readonly counted: number
  /** by its metadata; undefined if Druid's own counts contradict one another, or its segments changed meanwhile */
  readonly promised: number | undefined
}

export interface Measured {
  /** pieces of the works, each of about a slice */
  readonly works: readonly Work[]
  /** chunks whose works are left out */
  readonly doubtful: readonly Doubt[]
}

/** Buckets of a histogram of many stretches. */
const BUCKETS = 4_096n
/** A stretch that is longer is narrowed to where its rows are: Druid's longest is all of time. */
const LONG_MS = 400n * 86_400_000n

/** A stretch whose rows are to be found in time. */
interface Span {
  readonly interval: Interval
  /** rows that it has, about */
  readonly rows: number
}

/**
 * @param works ascending, disjoint
 * @param target rows of a slice
 * @throws DruidsyncError
 */
export async function measured(
  ports: Pick<Ports, "catalog" | "signal">,
  source: Source,
  works: readonly Work[],
  target: number,
): Promise<Measured> {
  const groups = groupBy(works, (work) => work.chunk)
  const counted = new Map<bigint, Bucket>()
  const toCount = [...groups].flatMap(([chunk, own]) => [
    ...own.filter((work) => !isBig(work, target, source)).map((work) => work.interval),
    ...restOf(chunk, own),
  ])
  for (const bucket of await count(ports, source, toCount)) counted.set(bucket.interval.start, bucket)
  // Where only the count has told that it is too much for a slice, it is looked at more closely as well.
  const spans = works.flatMap((work): Span[] => {
    const { interval } = work
    const bucket = counted.get(interval.start)
    if (bucket === undefined) return [{ interval, rows: sizeOf(work) }]
    return isTooBig(bucket, target, stepOf(source)) ? [{ interval, rows: bucket.all }] : []
  })
  const found = await histogram(ports, source, spans, target)
  const bucketsIn = overlapping(spans, found)
  const buckets = new Map(spans.map((span, n) => [span.interval.start, bucketsIn[n]!]))
  const bucketsOf = ({ interval }: Work) => buckets.get(interval.start) ?? [counted.get(interval.start)!]
  const pieces: Work[] = []
  const doubtful: Doubt[] = []
  for (const [chunk, own] of groups) {
    const promised = promiseOf(chunk)
    const rest = restOf(chunk, own).map(({ start }) => counted.get(start)!)
    const total = rowsIn([...own.flatMap(bucketsOf), ...rest])
    const isSame = own.every((work) => agrees(work, counted.get(work.interval.start), bucketsOf(work)))
    if (!isSame || (promised !== undefined && total !== promised))
      doubtful.push({ chunk, counted: total, promised })
    else for (const work of own) pieces.push(...cut(work, bucketsOf(work), target, source.aggregate?.every))
  }
  return { works: pieces, doubtful }
}

/** Rows of a work that no more can come to are as many each time. */
function agrees({ chunk }: Work, counted: Bucket | undefined, buckets: readonly Bucket[]): boolean {
  return counted === undefined || conditionOf(chunk) !== "settled" || rowsIn(buckets) === counted.all
}

function rowsIn(buckets: readonly Bucket[]): number {
  return sumOf(buckets, (bucket) => bucket.all)
}

/** Rows of a whole chunk that no more can come to; undefined if only a count can tell. */
export function promiseOf(chunk: Chunk): number | undefined {
  return conditionOf(chunk) === "settled" ? knownRows(chunk) : undefined
}

/** Known to be more than a slice, before it is counted. */
function isBig({ chunk, interval }: Work, target: number, source: Source): boolean {
  const rows = promiseOf(chunk)
  return rows !== undefined && isTooBig({ interval, all: rows, matching: rows }, target, stepOf(source))
}

/** What is not cut any more: a millisecond, or what buckets of an aggregate are made of. */
function stepOf({ aggregate }: Source): bigint {
  return aggregate === undefined ? 1n : (bucketStepMs(aggregate.every) ?? MAX_TIME - MIN_TIME)
}

/** What of a chunk none of these works is, where that has to be counted for its promise. */
function restOf(chunk: Chunk, own: readonly Work[]): Interval[] {
  if (promiseOf(chunk) === undefined) return []
  return subtract(
    chunk.interval,
    own.map((work) => work.interval),
  )
}

/** @param intervals disjoint, in any order */
export async function count(
  { catalog, signal }: Pick<Ports, "catalog" | "signal">,
  source: Source,
  intervals: readonly Interval[],
): Promise<Bucket[]> {
  if (intervals.length === 0) return []
  const ascending = [...intervals].sort(byStart)
  const counts = await catalog.counts(source, ascending, signal)
  return ascending.map((interval, n) => ({ interval, ...counts[n]! }))
}

/** Buckets of which none is more than a slice, if it can be helped. @returns ascending; empty ones are left out */
async function histogram(
  ports: Pick<Ports, "catalog" | "signal">,
  source: Source,
  spans: readonly Span[],
  target: number,
): Promise<Bucket[]> {
  const result: Bucket[] = []
  for (const { intervals, widthMs } of together(await narrowed(ports, source, spans), target, source)) {
    const buckets = await ports.catalog.histogram(source, intervals, widthMs, ports.signal)
    const isFull = (bucket: Bucket) => isTooBig(bucket, target, stepOf(source))
    const full = buckets.filter(isFull)
    const finer = full.map(({ interval, all }) => ({ interval, rows: all }))
    result.push(...buckets.filter((bucket) => !isFull(bucket)))
    result.push(...(await histogram(ports, source, finer, target)))
  }
  return result.sort((a, b) => byStart(a.interval, b.interval))
}

/** Where the rows of very long spans are. */
async function narrowed(
  { catalog, signal }: Pick<Ports, "catalog" | "signal">,
  source: Source,
  spans: readonly Span[],
): Promise<Span[]> {
  const result: Span[] = []
  for (const span of spans) {
    const { start, end } = span.interval
    if (end - start <= LONG_MS) {
      result.push(span)
      continue
    }
    const { min, max, rows } = await catalog.bounds(source, span.interval, signal)
    if (rows === 0) continue
    const found = { start: min, end: max + 1n }
    const { aggregate } = source
    result.push({ interval: aggregate === undefined ? found : bucketsAround(aggregate.every, found), rows })
  }
  return result
}

/** Spans that one question can be about, with the width of its buckets. */
function together(
  spans: readonly Span[],
  target: number,
  source: Source,
): { intervals: readonly Interval[]; widthMs: bigint }[] {
  if (source.aggregate !== undefined) {
    return spans.map(({ interval, rows }) => ({
      intervals: [interval],
      widthMs: aggregateWidthMs(source.aggregate!.every, interval, rows, target),
    }))
  }
  const groups: Span[][] = []
  for (const span of spans) {
    const group = groups.at(-1)
    if (group !== undefined && widthOf([...group, span], target) !== undefined) group.push(span)
    else groups.push([span])
  }
  return groups.map((group) => {
    const [{ interval, rows }] = group as [Span]
    const widthMs = widthOf(group, target) ?? bucketWidthMs(interval, rows, target)
    return { intervals: group.map((span) => span.interval), widthMs }
  })
}

/** A bucket of the histogram ends where one of the aggregate does: months and years are made of days. */
function aggregateWidthMs(every: Every, interval: Interval, rows: number, target: number): bigint {
  const stepMs = bucketStepMs(every) ?? interval.end - interval.start
  const isCalendar = every === "month" || every === "year"
  return isCalendar ? stepMs : bucketWidthMs(interval, rows, target, stepMs)
}

/** A width that is fine enough for each of several spans, and ends a bucket where one of them ends; undefined: none is. */
function widthOf(spans: readonly Span[], target: number): bigint | undefined {
  if (spans.length === 1) return undefined
  const stepMs = commonStepMs(spans.map((span) => span.interval))
  const widths = spans.map(({ interval, rows }) => bucketWidthMs(interval, rows, target))
  const finest = widths.reduce((a, b) => (a < b ? a : b))
  const least = stepMs > finest ? (stepMs + finest - 1n) / finest : 1n
  let parts = least
  while (stepMs % parts !== 0n && parts < 2n * least) parts++
  if (stepMs % parts !== 0n) return undefined
  const widthMs = stepMs / parts
  const buckets = spans.reduce((sum, { interval }) => sum + (interval.end - interval.start) / widthMs, 0n)
  return buckets <= BUCKETS ? widthMs : undefined
}
