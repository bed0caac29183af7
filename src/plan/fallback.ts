/**
 * The rules for a Druid that refuses `sys.segments`, where days with their counts stand for segments
 * (`druid/fallback.ts`). Counts do not show a re-statement with as many rows as before, so the newest days are always
 * fetched again. Nor do they tell a server that is away from rows that were deleted, so we believe a lower count only for
 * the newest days. Pure.
 */

import { type Chunk, COUNTED, type Interval, type Part, type Work } from "../base/domain.ts"
import { anyOverlap, byStart, contains, countWhile, overlapping } from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"
import { estimatedRows } from "./chunks.ts"
import { sourceRowsOf } from "./diff.ts"
import { parseSegmentSet, segmentSetText } from "./segment-set.ts"

/** Marks a day that is fetched again although its count is the same. It stands in place of a version. */
export const LOOKBACK = "lookback"

const DAY_MS = 86_400_000

/**
 * The newest days that have rows, as many as the lookback is long. They are counted from the newest row, not from the clock,
 * so the lookback also works for data that ended years ago. Days after now are counted apart, so that rows in the far
 * future do not take the place of those that arrive today.
 * @param chunks ascending
 */
export function newestDays(chunks: readonly Chunk[], lookbackMs: number, nowMs: number): readonly Chunk[] {
  const days = Math.ceil(lookbackMs / DAY_MS)
  if (days === 0) return []
  const begun = countWhile(chunks, ({ interval }) => interval.start <= BigInt(Math.floor(nowMs)))
  return [...chunks.slice(0, begun).slice(-days), ...chunks.slice(begun).slice(-days)]
}

/** Checkpoints as if those of some days had been lost, but for what this run has committed. */
export function forgetting(
  parts: readonly Part[],
  days: readonly Chunk[],
  committed: readonly Interval[],
): Part[] {
  if (days.length === 0) return [...parts]
  const isNew = anyOverlap(committed)
  const isInDays = anyOverlap(days.map((day) => day.interval))
  return parts.map((part) => {
    const isForgotten = !isNew(part.interval) && isInDays(part.interval)
    return isForgotten ? { ...part, segments: "" } : part
  })
}

/** A day of which Druid counts fewer rows than we hold. */
export interface Fewer {
  readonly chunk: Chunk
  readonly held: number
  readonly now: number
}

export interface CountedWorks {
  readonly works: readonly Work[]
  /** outside of the lookback: our rows stay until the user decides */
  readonly refused: readonly Fewer[]
  /** within the lookback: we take Druid's word, and report it */
  readonly taken: readonly Fewer[]
}

/**
 * @param works as `diff` gives them
 * @param parts checkpoints as they are, ascending
 * @param isFiltered a part's rows are not all rows of its day
 */
export function judgeCounts(
  works: readonly Work[],
  parts: readonly Part[],
  newest: readonly Chunk[],
  isFiltered: boolean,
): CountedWorks {
  const kept: Work[] = []
  const refused = new Map<Chunk, Fewer>()
  const taken = new Map<Chunk, Fewer>()
  const chunks = [...new Set(works.map((work) => work.chunk))].sort((a, b) => byStart(a.interval, b.interval))
  const inside = new Map(overlapping(chunks, parts).map((found, n) => [chunks[n], found]))
  const isNew = new Set(newest)
  for (const work of works) {
    const { chunk } = work
    const held = heldCount(chunk, inside.get(chunk)!, isFiltered)
    const now = estimatedRows(chunk)
    const isNewest = isNew.has(chunk)
    if (held !== undefined && now < held) (isNewest ? taken : refused).set(chunk, { chunk, held, now })
    if (refused.has(chunk)) continue
    const isSame = isNewest && held === now && work.reason.kind === "replaced"
    kept.push(isSame ? { ...work, reason: { kind: "replaced", version: LOOKBACK } } : work)
  }
  return { works: kept, refused: [...refused.values()], taken: [...taken.values()] }
}

/**
 * Rows that the day had when it was copied; undefined if that is not known, or if it is being copied.
 * @param inside checkpoints that overlap the day
 */
function heldCount(chunk: Chunk, inside: readonly Part[], isFiltered: boolean): number | undefined {
  if (inside.length === 0) return undefined
  const counts = inside.map((part) => countOf(part.segments))
  const known = counts.filter((count) => count !== undefined)
  const now = segmentSetText(chunk.segments)
  const current = inside.some((part) => part.segments === now)
  if (known.length === inside.length) return current ? estimatedRows(chunk) : Math.max(...known)
  const isWhole = !isFiltered && inside.every((part) => contains(chunk.interval, part.interval))
  return isWhole ? sumOf(inside, (part) => sourceRowsOf(part)) : undefined
}

/** True where a checkpoint was made by counts, not from segments. */
export function isCounted(set: string): boolean {
  return countOf(set) !== undefined
}

/** The rows of all days of a set; undefined where it is none of days. */
function countOf(set: string): number | undefined {
  const versions = [...parseSegmentSet(set).keys()].map((key) => key.slice(key.indexOf("@") + 1))
  if (versions.length === 0 || !versions.every((version) => version.startsWith(COUNTED))) return undefined
  return sumOf(versions, (version) => Number(version.slice(COUNTED.length)))
}
