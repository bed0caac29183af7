/**
 * The heart: compares what Druid has with what we hold, and decides what to do. Pure: no clock, no network, no file.
 * It implements the table of docs/late-data.md: what happened in Druid, and what a pull does about it.
 */

import type { Chunk, ChunkCondition, Interval, Part, Reason, Work } from "../base/domain.ts"
import {
  byStart,
  contains,
  intersection,
  overlapping,
  sameInterval,
  subtract,
  union,
} from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"
import type { Share } from "../base/shard.ts"
import { MAX_TIME, MIN_TIME } from "../base/time.ts"
import { addedTo } from "./added.ts"
import { conditionOf, knownRows } from "./chunks.ts"
import { isPureAddition, segmentSetText } from "./segment-set.ts"

/** What one datasource needs, decided from metadata alone. */
export interface Diff {
  /** stretches to fetch, ascending, disjoint */
  readonly works: readonly Work[]
  /** chunks whose held parts may still be right: a count per part decides (see `recounted`) */
  readonly recounts: readonly Recount[]
  /** chunks that Druid cannot serve now and that we do not have completely: a pull waits for them, then reports them */
  readonly unavailable: readonly Chunk[]
  /** chunks that the load rules keep on no server: rows that we hold of them stay */
  readonly cold: readonly Chunk[]
  /** chunks left out on purpose by `realtime: "exclude"` */
  readonly excluded: readonly Chunk[]
  /** stretches of checkpoints that no active segment answers for any more, ascending, disjoint; those kept already included */
  readonly gone: readonly Interval[]
  /**
   * held stretches of active chunks that have no day of our shard, ascending, disjoint: rows of another shard, or a
   * meaningless piece of a longer chunk's checkpoint. They are removed
   */
  readonly foreign: readonly Interval[]
  /** number of chunks for which nothing is to be done */
  readonly unchanged: number
  /** Druid lists no active segment: deleted, forbidden, mistyped or nothing loaded, all alike (never a deletion) */
  readonly nothingActive: boolean
}

/** A chunk of which held parts have to be compared by their counts. */
export interface Recount {
  readonly chunk: Chunk
  /** the parts in question, ascending; each lies within the chunk */
  readonly parts: readonly Part[]
  readonly reason: Reason
}

export interface DiffOptions {
  /** digest of the settings that change rows or columns */
  readonly settings: string
  /** we ignore rows before this */
  readonly since?: bigint | undefined
  readonly until?: bigint | undefined
  readonly realtime: "include" | "exclude"
  /** a filter leaves some of Druid's rows out, so our rows cannot be compared with the row counts of its segments */
  readonly filtered?: boolean
  /**
   * how much of a stretch belongs to our shard; left out: all. Works and parts may span days of other shards, but they
   * have only the rows of our days
   */
  readonly share?: Share
  /** so many rows of segments that were added to a chunk can be fetched alone; left out: none */
  readonly addedAlone?: number
  /** checkpoints whose rows another program changed: nothing of them is held, but what is left of them has to go as well */
  readonly lost?: readonly Part[]
  /** Druid lists active segments, though none of their chunks may be given here; left out: whether a chunk is given */
  readonly isListed?: boolean
}

const ALL_OURS: Share = () => "all"

/**
 * @param chunks as `chunksOf` gives them: ascending, disjoint
 * @param parts checkpoints of the datasource, disjoint
 */
export function diff(chunks: readonly Chunk[], parts: readonly Part[], options: DiffOptions): Diff {
  const window = { start: options.since ?? MIN_TIME, end: options.until ?? MAX_TIME }
  const held = [...parts].sort((a, b) => byStart(a.interval, b.interval))
  const share = options.share ?? ALL_OURS
  const spans: { chunk: Chunk; interval: Interval }[] = []
  const others: { interval: Interval }[] = []
  for (const chunk of chunks) {
    const interval = intersection(chunk.interval, window)
    if (interval === undefined) continue
    if (share(interval) === "none") others.push({ interval })
    else spans.push({ chunk, interval })
  }
  const heldOf = overlapping(spans, held)

  const works: Work[] = []
  const recounts: Recount[] = []
  const unavailable: Chunk[] = []
  const cold: Chunk[] = []
  const excluded: Chunk[] = []
  const known = [...parts, ...(options.lost ?? [])].sort((a, b) => byStart(a.interval, b.interval))
  const foreign: Interval[] = heldBeside(others, known)
  let unchanged = 0
  for (const [n, { chunk, interval }] of spans.entries()) {
    const verdict = judge(chunk, interval, heldOf[n]!, options)
    foreign.push(...verdict.foreign)
    const idle = verdict.works.length === 0 && verdict.recounts.length === 0
    const condition = conditionOf(chunk)
    if (idle) unchanged++
    else if (condition === "unavailable") unavailable.push(chunk)
    else if (condition === "cold") cold.push(chunk)
    else if (condition === "realtime" && options.realtime === "exclude") excluded.push(chunk)
    else {
      works.push(...verdict.works)
      if (verdict.recounts.length > 0) recounts.push(...verdict.recounts)
    }
  }
  const active = union(chunks.map((chunk) => chunk.interval))
  const nothingActive = !(options.isListed ?? chunks.length > 0)
  const gone = nothingActive
    ? []
    : union(
        known.flatMap((part) => {
          const inside = intersection(part.interval, window)
          return inside === undefined ? [] : subtract(inside, active)
        }),
      )
  return {
    works,
    recounts,
    unavailable,
    cold,
    excluded,
    gone,
    foreign: union(foreign),
    unchanged,
    nothingActive,
  }
}

/** What we hold in chunks of other shards. What Druid once dropped exists only here, so it stays. */
function heldBeside(others: readonly { interval: Interval }[], held: readonly Part[]): Interval[] {
  const parts = held.filter((part) => part.state !== "kept")
  return overlapping(others, parts).flatMap((found, n) =>
    found.map((part) => intersection(part.interval, others[n]!.interval)!),
  )
}

function judge(chunk: Chunk, span: Interval, held: readonly Part[], options: DiffOptions) {
  const condition = conditionOf(chunk)
  const set = segmentSetText(chunk.segments)
  const found: { interval: Interval; reason: Reason }[] = []
  const questions: Part[] = []
  const covered: Interval[] = []
  const foreign: Interval[] = []
  const share = options.share ?? ALL_OURS
  let anyCurrent = false
  for (const part of held) {
    const interval = intersection(part.interval, span)!
    const verdict = judgePart(part, span, chunk, set, condition, options)
    if (verdict === "current") {
      anyCurrent = true
      covered.push(interval)
    } else if (verdict === "count") {
      covered.push(interval)
      questions.push(part)
    } else if (verdict !== "settings" && share(interval) === "none") {
      // It holds no row of ours, so only the other days of the chunk matter.
      foreign.push(interval)
    } else {
      covered.push(interval)
      found.push({ interval, reason: reasonOf(verdict, chunk) })
    }
  }
  for (const interval of subtract(span, covered)) {
    if (share(interval) === "none") continue
    const kind = anyCurrent || questions.length > 0 ? "resume" : "new"
    found.push({ interval, reason: { kind } })
  }
  const isPartial = options.filtered || share(span) !== "all"
  if (questions.length === 0 && found.length === 0 && !isPartial && hasMerged(chunk, span, held))
    found.push({ interval: span, reason: { kind: "settled" } })
  const isWhole = sameInterval(span, chunk.interval) && share(span) === "all"
  const added =
    isWhole && questions.length === held.length
      ? addedTo(chunk, questions, options.addedAlone ?? 0, options.filtered === true)
      : undefined
  if (added !== undefined) {
    const reason: Reason = { kind: "added", segments: added.segments.length }
    const expectedRows = options.filtered === true ? undefined : knownRows(chunk)
    const work: Work = { interval: span, chunk, reason, state: "complete", expectedRows, added }
    return { works: [work], recounts: [], foreign }
  }
  const works = joined(
    found.sort((a, b) => byStart(a.interval, b.interval)),
    share,
  ).map(
    ({ interval, reason }): Work => ({
      interval,
      chunk,
      reason,
      state: stateAfter(condition),
      expectedRows: condition === "settled" ? wholeRows(chunk, interval) : undefined,
    }),
  )
  const recounts: Recount[] =
    questions.length === 0 ? [] : [{ chunk, parts: questions, reason: questionReason(questions, chunk) }]
  return { works, recounts, foreign }
}

/**
 * True where all rows of a settled chunk are held and Druid has come to count others under the same segment ids. A
 * replica may be wanted, and the segment look handed off, while its task still answers; with rollup its rows merge
 * only when a historical takes over.
 */
function hasMerged(chunk: Chunk, span: Interval, held: readonly Part[]): boolean {
  const rows = conditionOf(chunk) === "settled" ? wholeRows(chunk, span) : undefined
  const isOurs = held.every((part) => contains(span, part.interval))
  return rows !== undefined && isOurs && sumOf(held, (part) => sourceRowsOf(part)) !== rows
}

/** Rows of Druid's that a checkpoint's rows stand for. */
export function sourceRowsOf({ rows, sourceRows }: Pick<Part, "rows" | "sourceRows">): number {
  return sourceRows ?? rows
}

/** The state that rows fetched from a chunk in this condition deserve. */
export function stateAfter(condition: ChunkCondition): Work["state"] {
  if (condition === "realtime") return "provisional"
  return condition === "uncounted" ? "unproven" : "complete"
}

function wholeRows(chunk: Chunk, interval: Interval): number | undefined {
  return sameInterval(chunk.interval, interval) ? knownRows(chunk) : undefined
}

type PartVerdict = "current" | "count" | "settings" | "replaced" | "realtime" | "settled"

function judgePart(
  part: Part,
  span: Interval,
  chunk: Chunk,
  set: string,
  condition: ChunkCondition,
  options: DiffOptions,
): PartVerdict {
  if (part.settings !== options.settings) return "settings"
  const same = part.segments === set
  if (part.state === "complete" && same) return "current"
  if (part.state === "provisional")
    return condition === "realtime" ? "realtime" : same ? "settled" : "replaced"
  if (part.state === "stale" || part.state === "kept") return "replaced"
  // Counts can only be compared where the part's own count is that of its interval here.
  if (!contains(span, part.interval)) return "replaced"
  if (same) return condition === "uncounted" ? "current" : "count" // unproven, waiting for Druid's own count
  return isPureAddition(part.segments, segmentSetText(chunk.segments)) ? "count" : "replaced"
}

function reasonOf(verdict: Exclude<PartVerdict, "current" | "count">, chunk: Chunk): Reason {
  if (verdict === "replaced") return { kind: "replaced", version: chunk.segments[0]?.version ?? "" }
  return { kind: verdict }
}

function questionReason(parts: readonly Part[], chunk: Chunk): Reason {
  if (parts.every((part) => part.segments === segmentSetText(chunk.segments))) return { kind: "unproven" }
  return { kind: "added", segments: chunk.segments.length }
}

/**
 * Neighbours with the same reason become one stretch, so that slicing starts afresh. Days of other shards in between do not
 * separate them, since none of their rows is fetched.
 */
function joined(found: readonly { interval: Interval; reason: Reason }[], share: Share) {
  const result: { interval: Interval; reason: Reason }[] = []
  for (const next of found) {
    const last = result.at(-1)
    if (
      last !== undefined &&
      last.reason.kind === next.reason.kind &&
      (last.interval.end === next.interval.start ||
        share({ start: last.interval.end, end: next.interval.start }) === "none")
    ) {
      result[result.length - 1] = {
        interval: { start: last.interval.start, end: next.interval.end },
        reason: last.reason,
      }
    } else result.push(next)
  }
  return result
}

/** What Druid counted within one part: all rows, and those that meet the filter. */
export interface PartCount {
  readonly all: number
  readonly matching: number
}

/** What counting a chunk's parts has decided. */
export interface Recounted {
  /** parts whose count differs: fetched again */
  readonly works: readonly Work[]
  /** parts proven equal: their checkpoints get the new segment set without a fetch */
  readonly refreshed: readonly Part[]
  /**
   * Druid's count of the whole chunk is not what its metadata promises: some server is not serving all of it,
   * or the metadata lags. Nothing can be concluded now.
   */
  readonly doubtful: boolean
}

/**
 * The answer to a `Recount`. If segments were only added, an equal count proves that the part got no rows, so a fetch
 * would bring the same rows again.
 * @param counts one per part, in the order of `recount.parts`
 * @param total all rows of the whole chunk as Druid counted them in the same query
 */
export function recounted(recount: Recount, counts: readonly PartCount[], total: number): Recounted {
  const condition = conditionOf(recount.chunk)
  const promised = condition === "settled" ? knownRows(recount.chunk) : undefined
  if (promised !== undefined && promised !== total) return { works: [], refreshed: [], doubtful: true }
  const set = segmentSetText(recount.chunk.segments)
  const works: Work[] = []
  const refreshed: Part[] = []
  for (const [n, part] of recount.parts.entries()) {
    if (counts[n]!.matching !== sourceRowsOf(part)) {
      works.push({
        interval: part.interval,
        chunk: recount.chunk,
        reason: recount.reason,
        state: stateAfter(condition),
        expectedRows: condition === "settled" ? counts[n]!.matching : undefined,
      })
    } else if (condition === "settled") {
      refreshed.push({ ...part, segments: set, state: "complete" })
    }
    // While rows still come or are uncounted, an equal part keeps its old checkpoint and is counted again next time.
  }
  return { works, refreshed, doubtful: false }
}
