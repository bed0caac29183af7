/** How long to wait before the same question is asked again. Pure: who waits has a clock of its own. */
import { DruidsyncError } from "../base/errors.ts"

/** Pauses before the three times that a failure is tried again, ms. */
const RETRY_WAITS_MS: readonly number[] = [2_000, 4_000, 8_000]

/** A Druid that takes no more queries is asked again in pauses that double up to this, ms … */
const LONGEST_WAIT_MS = 60_000
/** … until they add up to this, ms. The run's own limit may end it before. */
const CROWDED_MS = 3_600_000

/** The pauses of one question. Whether another try may help is said by the error itself. */
export class Patience {
  #failures = 0
  #refusals = 0
  #crowdedMs = 0

  /**
   * The pause before the next try, ms: what the server asked for, if that is longer.
   * @returns undefined if the error is final
   */
  pauseAfter(error: unknown): number | undefined {
    if (!(error instanceof DruidsyncError) || !error.retryable) return undefined
    const wanted = error.retryAfterMs ?? 0
    if (error.code !== "too-many-requests") {
      const wait = RETRY_WAITS_MS[this.#failures++]
      return wait === undefined ? undefined : Math.max(wait, wanted)
    }
    if (this.#crowdedMs >= CROWDED_MS) return undefined
    const doubled = Math.min(RETRY_WAITS_MS[0]! * 2 ** this.#refusals++, LONGEST_WAIT_MS)
    const wait = Math.max(doubled, wanted)
    this.#crowdedMs += wait
    return wait
  }
}
