/**
 * What proves a fetched slice complete, beside the response's own ending (docs/architecture.md, "What proves a slice
 * complete"): the counts and the unchanged, still available segments. Pure.
 */
import type { Chunk, Interval, Part, Slice, Work } from "../base/domain.ts"
import { contains, countWhile, sameInterval } from "../base/intervals.ts"
import { conditionOf, knownRows } from "./chunks.ts"
import { stateAfter } from "./diff.ts"
import { segmentSetText } from "./segment-set.ts"

/** Rows per work of the slice, as Druid counted them before and after the fetch; undefined if metadata has the number. */
export interface AskedCounts {
  readonly before: readonly number[]
  readonly after: readonly number[]
}

export type Verdict =
  | { readonly kind: "proven"; readonly parts: readonly Part[] }
  /** the numbers of these works (by index) do not agree: rows are missing or doubled; fetch again */
  | { readonly kind: "mismatch"; readonly message: string; readonly works: readonly number[] }
  /** Druid changed meanwhile: plan again */
  | { readonly kind: "changed"; readonly message: string }

/**
 * @param loaded rows per work that were parsed from the response
 * @param total all rows of the response
 * @param now chunks of a look that began after the response had ended, ascending, disjoint
 */
export function proof(
  slice: Slice,
  loaded: readonly number[],
  total: number,
  asked: AskedCounts | undefined,
  now: readonly Chunk[],
  settings: string,
): Verdict {
  const sum = loaded.reduce((a, b) => a + b, 0)
  const isLive = slice.works[0]!.state === "provisional"
  if (sum !== total) {
    const message = `${total - sum} of ${total} rows lie outside of what was asked for`
    return { kind: "mismatch", message, works: slice.works.map((_, n) => n) }
  }
  const wrong: number[] = []
  let message = ""
  const rowsAfter = slice.works.map((work, n) => (work.added?.heldRows ?? 0) + loaded[n]!)
  for (const [n, work] of slice.works.entries()) {
    const rows = rowsAfter[n]!
    const agrees = isLive
      ? asked === undefined || isBetween(rows, asked.before[n]!, asked.after[n]!)
      : asked === undefined
        ? rows === work.expectedRows
        : rows === asked.before[n] &&
          rows === asked.after[n] &&
          // The promise of the metadata counts for more than the count of whatever servers are up.
          (work.expectedRows === undefined || rows === work.expectedRows)
    if (agrees) continue
    const promised = work.expectedRows === undefined ? "" : ` and ${work.expectedRows} by its metadata`
    const expected =
      asked === undefined
        ? promiseText(work)
        : `Druid counts ${asked.before[n]} before and ${asked.after[n]} after${promised}${heldText(work)}`
    if (wrong.length === 0) message = `${loaded[n]} rows arrived, ${expected}`
    wrong.push(n)
  }
  if (wrong.length > 0) {
    const caughtUp = wrong.some((n) => promisesOtherwise(slice.works[n]!, now))
    if (caughtUp) return { kind: "changed", message: `${message}; its metadata was corrected meanwhile` }
    return { kind: "mismatch", message, works: wrong }
  }
  const parts: Part[] = []
  for (const [n, work] of slice.works.entries()) {
    const set = segmentSetText(work.chunk.segments)
    const current = covering(now, work.interval)
    // Rows of realtime segments are fetched again anyway, so additional segments are no reason to reject these.
    const isSame = current !== undefined && segmentSetText(current.segments) === set
    if (current === undefined || !(isSame || isLive)) {
      return { kind: "changed", message: "its segments were replaced or added to while it was read" }
    }
    const condition = conditionOf(current)
    if (condition === "unavailable" || condition === "cold") {
      return { kind: "changed", message: "some of its segments are no longer served" }
    }
    // The rows were fetched under the condition of the plan. A later look can lower our trust in them, never raise it.
    const state = WORSE[work.state] >= WORSE[stateAfter(condition)] ? work.state : stateAfter(condition)
    parts.push({ interval: work.interval, segments: set, rows: rowsAfter[n]!, state, settings })
  }
  return { kind: "proven", parts }
}

/**
 * True where a chunk that was settled still is, with the same segments: what Druid answered in between is of these.
 * @param now chunks of a look that began after the answer, ascending, disjoint
 */
export function staysSettled(chunk: Chunk, now: readonly Chunk[]): boolean {
  const current = covering(now, chunk.interval)
  if (current === undefined || conditionOf(current) !== "settled") return false
  return segmentSetText(current.segments) === segmentSetText(chunk.segments)
}

/** Who promised the rows: the metadata of the whole chunk, or a count of a piece of it. */
function promiseText(work: Work): string {
  const { interval, chunk, expectedRows } = work
  const isWhole = sameInterval(interval, chunk.interval) && knownRows(chunk) === expectedRows
  const promise = isWhole ? `its metadata promises ${expectedRows}` : `Druid counted ${expectedRows} before`
  return promise + heldText(work)
}

/** Beside the rows that were fetched, those that stay. */
function heldText({ added }: Work): string {
  return added === undefined ? "" : `, ${added.heldRows} of them are held`
}

/** Druid's row counts lag behind its segments: a promise may be taken back while its rows are read. */
function promisesOtherwise(work: Work, now: readonly Chunk[]): boolean {
  const current = covering(now, work.interval)
  if (current === undefined || work.expectedRows === undefined) return false
  if (!sameInterval(current.interval, work.interval)) return false
  return (
    segmentSetText(current.segments) === segmentSetText(work.chunk.segments) &&
    knownRows(current) !== work.expectedRows
  )
}

/** The chunk that the interval lies in: found by halving, since a slice of many small chunks asks for each. */
function covering(chunks: readonly Chunk[], interval: Interval): Chunk | undefined {
  const chunk = chunks[countWhile(chunks, (one) => one.interval.start <= interval.start) - 1]
  return chunk !== undefined && contains(chunk.interval, interval) ? chunk : undefined
}

const WORSE = { complete: 0, unproven: 1, provisional: 2 } as const

function isBetween(value: number, a: number, b: number): boolean {
  return value >= Math.min(a, b) && value <= Math.max(a, b)
}
