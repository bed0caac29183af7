/**
 * What can be compared now and what cannot, and why: a held stretch is comparable only where its checkpoint says that
 * its rows came from the very segments that answer for it now. Pure.
 */
import type { Chunk, Interval, Part, Work } from "../base/domain.ts"
import { byStart, contains, intersection, overlapping, sameInterval, subtract } from "../base/intervals.ts"
import type { Share } from "../base/shard.ts"
import { MAX_TIME, MIN_TIME } from "../base/time.ts"
import { conditionOf } from "../plan/chunks.ts"
import { type DiffOptions, sourceRowsOf } from "../plan/diff.ts"
import { segmentSetText } from "../plan/segment-set.ts"

/** A stretch to compare: (a piece of) one checkpoint. */
export interface Stretch {
  readonly interval: Interval
  readonly part: Part
  /** the chunk that answers for it in Druid */
  readonly chunk: Chunk
}

/** What is to be read to compare it with Druid. Nothing is counted beforehand: what is compared says what is there. */
export function workOf({ interval, chunk, part }: Stretch): Work {
  return { interval, chunk, reason: { kind: "full" }, state: "complete", expectedRows: sourceRowsOf(part) }
}

/** Why a stretch is not compared, in words. */
export const SKIPS = {
  kept: "dropped from Druid, kept here",
  realtime: "realtime: rows may still come or merge",
  cold: "on no Druid server (load rules)",
  stale: "being replaced; a pull is due",
  settings: "the settings of the datasource changed; a pull is due",
  changed: "changed in Druid since it was pulled; a pull is due",
  missing: "not pulled yet; a pull is due",
  dropped: "dropped from Druid since the last pull; a pull is due",
  unavailable: "not all of its segments are served by Druid now",
  doubtful:
    "Druid counts other rows than its segment metadata promises; some server may not serve all of it, or a row policy hides some from this user",
  moved: "changed while it was compared",
  failed: "Druid could not answer for it",
} as const

export type SkipKind = keyof typeof SKIPS

export interface Skipped {
  readonly interval: Interval
  /** rows that we hold of it; undefined if that was not looked up */
  readonly rows: number | undefined
  readonly kind: SkipKind
  /** in words, where there is more to say than the kind does */
  readonly detail?: string
}

/** Left out by intention, as a pull that exits 0 leaves it: no reason for an exit code. */
export const EXPECTED_SKIPS: ReadonlySet<SkipKind> = new Set(["kept", "realtime", "cold"])

export type StretchOptions = Pick<DiffOptions, "settings" | "since" | "until" | "realtime" | "share">

/**
 * @param chunks as `chunksOf` gives them: ascending, disjoint
 * @param parts checkpoints, disjoint
 * @returns both lists ascending
 */
export function stretchesOf(
  chunks: readonly Chunk[],
  parts: readonly Part[],
  options: StretchOptions,
): { stretches: Stretch[]; skipped: Skipped[] } {
  const window = windowOf(options)
  const held = parts
    .flatMap((part) => {
      const interval = intersection(part.interval, window)
      return interval === undefined ? [] : [{ interval, part }]
    })
    .sort((a, b) => byStart(a.interval, b.interval))
  const stretches: Stretch[] = []
  const skipped: Skipped[] = []
  const answering = overlapping(held, chunks)
  for (const [n, { interval, part }] of held.entries()) {
    const pieces =
      options.share === undefined
        ? [{ interval, extent: part.interval, chunks: answering[n]! }]
        : ownPieces(interval, answering[n]!, options.share)
    for (const piece of pieces) {
      const answer = chunkOrSkip(part, piece.extent, piece.chunks, options)
      if (typeof answer === "string") {
        const rows = sameInterval(part.interval, piece.interval) ? part.rows : undefined
        skipped.push({ interval: piece.interval, rows, kind: answer })
      } else stretches.push({ interval: piece.interval, part, chunk: answer })
    }
  }
  skipped.push(...missing(chunks, held, window, options))
  return { stretches, skipped: skipped.sort((a, b) => byStart(a.interval, b.interval)) }
}

/**
 * A checkpoint of a shard may span days of others, and what happens to those in Druid does not concern it: chunk by chunk,
 * and in the gaps between chunks, the pieces that have a day of ours.
 */
function ownPieces(interval: Interval, chunks: readonly Chunk[], share: Share) {
  const answered = chunks.map((chunk) => ({
    interval: intersection(chunk.interval, interval)!,
    chunks: [chunk],
  }))
  const gaps = subtract(
    interval,
    answered.map((one) => one.interval),
  ).map((gap) => ({ interval: gap, chunks: [] as Chunk[] }))
  return [...answered, ...gaps]
    .filter((one) => share(one.interval) !== "none")
    .sort((a, b) => byStart(a.interval, b.interval))
    .map((one) => ({ ...one, extent: one.interval }))
}

/** The span of time that is looked at. */
export function windowOf(options: Pick<StretchOptions, "since" | "until">): Interval {
  return { start: options.since ?? MIN_TIME, end: options.until ?? MAX_TIME }
}

/** @param extent where the rows lie that are compared or not as a whole */
function chunkOrSkip(
  part: Part,
  extent: Interval,
  chunks: readonly Chunk[],
  options: StretchOptions,
): Chunk | SkipKind {
  const [chunk] = chunks
  if (chunk === undefined) return part.state === "kept" ? "kept" : "dropped"
  if (part.settings !== options.settings) return "settings"
  if (part.state === "stale") return "stale"
  const conditions = chunks.map(conditionOf)
  if (part.state === "provisional" && conditions.includes("realtime")) return "realtime"
  if (conditions.includes("unavailable")) return "unavailable"
  const isOne = chunks.length === 1 && contains(chunk.interval, extent)
  const isSame = isOne && part.segments === segmentSetText(chunk.segments)
  // Handed off since it was fetched: rows may have merged under the same segment id.
  if (!isSame || part.state === "kept" || part.state === "provisional") return "changed"
  if (conditions[0] === "cold") return "cold"
  return conditions[0] === "realtime" ? "realtime" : chunk
}

function missing(
  chunks: readonly Chunk[],
  held: readonly { readonly interval: Interval }[],
  window: Interval,
  options: StretchOptions,
): Skipped[] {
  const found: Skipped[] = []
  const covering = overlapping(chunks, held)
  for (const [n, chunk] of chunks.entries()) {
    const span = intersection(chunk.interval, window)
    if (span === undefined || chunk.segments.every((segment) => segment.isTombstone)) continue
    const condition = conditionOf(chunk)
    if (condition === "realtime" && options.realtime === "exclude") continue
    const kind: SkipKind = condition === "settled" || condition === "uncounted" ? "missing" : condition
    const rest = subtract(
      span,
      covering[n]!.map((one) => one.interval),
    )
    for (const interval of rest)
      if (options.share?.(interval) !== "none") found.push({ interval, rows: 0, kind })
  }
  return found
}

/** True where the chunk that answered for the stretch is there unchanged, and served. */
export function stillAnswers(stretch: Stretch, now: readonly Chunk[]): boolean {
  const current = now.find((chunk) => contains(chunk.interval, stretch.interval))
  if (current === undefined || segmentSetText(current.segments) !== stretch.part.segments) return false
  const condition = conditionOf(current)
  return condition === "settled" || condition === "uncounted"
}

/** Packs ascending stretches into groups of bounded number and rows; a stretch that is too big stands alone. */
export function packed(stretches: readonly Stretch[], maxStretches: number, maxRows: number): Stretch[][] {
  const groups: Stretch[][] = []
  let rows = 0
  for (const stretch of stretches) {
    const last = groups.at(-1)
    if (last === undefined || last.length >= maxStretches || rows + stretch.part.rows > maxRows) {
      groups.push([stretch])
      rows = stretch.part.rows
    } else {
      last.push(stretch)
      rows += stretch.part.rows
    }
  }
  return groups
}
