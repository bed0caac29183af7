/** A slice is tried again as a whole, with its counts: after the same pauses as any question (`druid/patience.ts`). */
import type { DruidsyncError } from "../base/errors.ts"
import { Patience } from "../druid/patience.ts"

export interface RetryOptions {
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly signal?: AbortSignal | undefined
  readonly onRetry?: (error: DruidsyncError, waitMs: number, attempt: number) => void
}

/** @throws the last error, once it is not retryable or the tries are used up */
export async function retrying<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const patience = new Patience()
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      options.signal?.throwIfAborted()
      const waitMs = patience.pauseAfter(error)
      if (waitMs === undefined) throw error
      options.onRetry?.(error as DruidsyncError, waitMs, attempt + 1)
      await options.sleep(waitMs, options.signal)
    }
  }
}
