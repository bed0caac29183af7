/**
 * The time that a run is given. When it is over, nothing new is begun: planning ends at once, rows that are under way may
 * still arrive for a moment, and what has arrived is proven and stored. What takes too long for that is cut off. Either way
 * what is committed stays, and the next run goes on from there.
 */

import type { Clock } from "../base/clock.ts"
import { DruidsyncError, ExitCode } from "../base/errors.ts"

/** A run ends so long after its time at the latest. */
export const GRACE_MS = 5_000
/** Rows under way may arrive for so long, and be proven and stored for so long; the rest is for the last words. */
const CLOSING_MS = 2_500
const CUT_MS = 4_000

/** Why a stretch was not fetched. */
export const OUT_OF_TIME = "the time given (--max-duration) was over; the next pull goes on from there"

export interface TimeLimit {
  /** nothing new may be begun */
  isOver(): boolean
  /** until then, ms; not below 0 */
  leftMs(): number
  /** until the run must have ended, ms; not below 0 */
  leftToFinishMs(): number
  /** aborted when nothing new may be begun: what was asked only to begin more is of no use now */
  readonly over: AbortSignal
  /** aborted when rows that are under way come too late */
  readonly closing: AbortSignal
  /** aborted when even what has arrived comes too late */
  readonly cut: AbortSignal
  /** the run has come to its end: nothing is cut any more */
  stop(): void
}

/** Starts the clock. */
export function startTimeLimit(clock: Clock, maxDurationMs: number): TimeLimit {
  const endMs = clock.nowMs() + maxDurationMs
  const stop = new AbortController()
  const abortedAfter = (ms: number): AbortSignal => {
    const controller = new AbortController()
    const reason = new DruidsyncError("interrupted", OUT_OF_TIME, { exitCode: ExitCode.incomplete })
    clock.sleep(ms, stop.signal).then(
      () => controller.abort(reason),
      // Stopped in time.
      () => undefined,
    )
    return controller.signal
  }
  return {
    isOver: () => clock.nowMs() >= endMs,
    leftMs: () => Math.max(0, endMs - clock.nowMs()),
    leftToFinishMs: () => Math.max(0, endMs + GRACE_MS - clock.nowMs()),
    over: abortedAfter(maxDurationMs),
    closing: abortedAfter(maxDurationMs + CLOSING_MS),
    cut: abortedAfter(maxDurationMs + CUT_MS),
    stop: () => stop.abort(),
  }
}

/** A signal that is aborted with either of two. */
export function anyOf(signal: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? signal : AbortSignal.any([signal, other])
}
