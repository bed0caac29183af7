/**
 * The time that a run is given. When it is over, nothing new is begun, and what is under way may come to its end; what
 * takes too long for that is cut off. Either way what is committed stays, and the next run goes on from there.
 */

import type { Clock } from "../base/clock.ts"
import { DruidsyncError, ExitCode } from "../base/errors.ts"

/** What is under way when the time is over has so long to be proven and stored. */
export const GRACE_MS = 30_000

/** Why a stretch was not fetched. */
export const OUT_OF_TIME = "the time given (--max-duration) was over; the next pull goes on from there"

export interface TimeLimit {
  /** nothing new may be begun */
  isOver(): boolean
  /** until then, ms; not below 0 */
  leftMs(): number
  /** until what is under way is cut, ms; not below 0 */
  leftToFinishMs(): number
  /** aborted when even the time to finish is over */
  readonly cut: AbortSignal
  /** the run has come to its end: nothing is cut any more */
  stop(): void
}

/** Starts the clock. */
export function startTimeLimit(clock: Clock, maxDurationMs: number): TimeLimit {
  const endMs = clock.nowMs() + maxDurationMs
  const cut = new AbortController()
  const stop = new AbortController()
  clock.sleep(maxDurationMs + GRACE_MS, stop.signal).then(
    () => cut.abort(new DruidsyncError("interrupted", OUT_OF_TIME, { exitCode: ExitCode.incomplete })),
    // Stopped in time.
    () => undefined,
  )
  return {
    isOver: () => clock.nowMs() >= endMs,
    leftMs: () => Math.max(0, endMs - clock.nowMs()),
    leftToFinishMs: () => Math.max(0, endMs + GRACE_MS - clock.nowMs()),
    cut: cut.signal,
    stop: () => stop.abort(),
  }
}
