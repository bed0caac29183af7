/**
 * The one place where anything is tried again: up to three more times after 2, 4 and 8 s, or after
 * what the server asked for. What may be tried again is said by the error itself.
 */
import { DruidsyncError } from "../base/errors.ts"
import type { Ports } from "./ports.ts"

export interface RetryOptions {
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly signal?: AbortSignal | undefined
  readonly onRetry?: (error: DruidsyncError, waitMs: number, attempt: number) => void
}

export const RETRY_WAITS_MS: readonly number[] = [2_000, 4_000, 8_000]

/** @throws the last error, once it is not retryable or the tries are used up */
export async function retrying<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      options.signal?.throwIfAborted()
      const wait = RETRY_WAITS_MS[attempt]
      if (!(error instanceof DruidsyncError) || !error.retryable || wait === undefined) throw error
      const waitMs = Math.max(wait, error.retryAfterMs ?? 0)
      options.onRetry?.(error, waitMs, attempt + 1)
      await options.sleep(waitMs, options.signal)
    }
  }
}

/** `retrying` with a run's own clock, signal and reporter. */
export function ask<T>(ports: Pick<Ports, "clock" | "signal" | "emit">, work: () => Promise<T>): Promise<T> {
  return retrying(work, {
    sleep: ports.clock.sleep,
    signal: ports.signal,
    onRetry: (error, waitMs, attempt) =>
      ports.emit({ type: "retry", message: error.message, waitMs, attempt }),
  })
}
