/** How long to wait before the same question is asked again. Pure: who waits has a clock of its own. */
import { DruidsyncError } from "../base/errors.ts"

/** Pauses before the three times that anything is tried again, ms. */
const RETRY_WAITS_MS: readonly number[] = [2_000, 4_000, 8_000]

/**
 * The pause before the next try, ms: what the server asked for, if that is longer. Whether another try may help is said by
 * the error itself.
 * @param retries how often it was tried again already
 * @returns undefined where the error is final
 */
export function pauseBefore(error: unknown, retries: number): number | undefined {
  const wait = RETRY_WAITS_MS[retries]
  if (!(error instanceof DruidsyncError) || !error.retryable || wait === undefined) return undefined
  return Math.max(wait, error.retryAfterMs ?? 0)
}
