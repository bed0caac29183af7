/**
 * The moving window of `keep`: which days a table keeps, by the clock that is handed in, and whether that clock can be
 * believed. Whole days, UTC: the window begins with the day that holds the moment `keep` before now. Pure.
 */
import { bucketStart, type Every } from "../base/buckets.ts"
import type { Chunk, Interval, Part } from "../base/domain.ts"
import { contains, intersection, overlaps, union } from "../base/intervals.ts"
import { laterOf, MIN_TIME, startOfDay } from "../base/time.ts"
import { knownRows } from "./chunks.ts"

/** How long rows are kept, ms; or all of them. */
export type Keep = number | "all"

/** Bounds that the configuration sets. */
export interface WindowWish {
  readonly sinceMs: bigint | undefined
  readonly keepMs: Keep
  /** of an aggregate: its buckets are not split, so the bucket that a bound lies in is wanted whole */
  readonly aggregate?: { readonly every: Every } | undefined
}

/** Where the window of `keep` begins, ms since 1970; undefined where everything is kept. @param every of an aggregate */
export function windowStart(keepMs: Keep, nowMs: number, every?: Every): bigint | undefined {
  // The one bucket of all time never passes out.
  if (keepMs === "all" || every === "all") return undefined
  const start = startOfDay(BigInt(Math.floor(nowMs - keepMs)))
  return every === undefined ? start : bucketStart(every, start)
}

/** The window of `keep`: from its first day to now; undefined where everything is kept. */
export function windowOfKeep(keepMs: Keep, nowMs: number, every?: Every): Interval | undefined {
  const start = windowStart(keepMs, nowMs, every)
  return start === undefined ? undefined : { start, end: BigInt(Math.floor(nowMs)) + 1n }
}

/** From when on rows are copied: the latest of all bounds. @param sinceMs of this run alone */
export function copiedFrom(wish: WindowWish, sinceMs: bigint | undefined, nowMs: number): bigint | undefined {
  const every = wish.aggregate?.every
  const from = laterOf(laterOf(wish.sinceMs, sinceMs), windowStart(wish.keepMs, nowMs, every))
  return from === undefined || every === undefined ? from : bucketStart(every, from)
}

/** The window of one datasource, and what of it is known. */
export interface MovingWindow {
  /** from its first day to now */
  readonly interval: Interval
  /** held stretches that lie before it, ascending, disjoint */
  readonly passed: readonly Interval[]
  /**
   * Whether Druid has rows in it: `some`, `none`, or `unknown` where only longer chunks reach into it. If it has none, the
   * clock may be wrong, and nothing is deleted.
   */
  readonly rows: "some" | "none" | "unknown"
}

/**
 * @param chunks what Druid has
 * @param parts all checkpoints of the table, also those whose rows another program changed
 * @param every of an aggregate
 * @returns undefined where everything is kept
 */
export function movingWindow(
  keepMs: Keep,
  nowMs: number,
  chunks: readonly Chunk[],
  parts: readonly Part[],
  every?: Every,
): MovingWindow | undefined {
  const interval = windowOfKeep(keepMs, nowMs, every)
  if (interval === undefined) return undefined
  const before = { start: MIN_TIME, end: interval.start }
  const passed = union(parts.flatMap((part) => intersection(part.interval, before) ?? []))
  return { interval, passed, rows: rowsIn(interval, chunks) }
}

function rowsIn(window: Interval, chunks: readonly Chunk[]): MovingWindow["rows"] {
  const within = chunks.filter(
    ({ interval, segments }) => overlaps(interval, window) && segments.some((one) => !one.isTombstone),
  )
  if (within.length === 0) return "none"
  const hasRows = (chunk: Chunk) => contains(window, chunk.interval) && (knownRows(chunk) ?? 0) > 0
  return within.some(hasRows) ? "some" : "unknown"
}
