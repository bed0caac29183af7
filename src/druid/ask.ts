/**
 * Questions whose answer fits into memory, carried by ofetch: its `retry` asks again when `onRequestError` has told of the
 * failure and waited on the run's own clock. ofetch tries again only what fails inside `fetch`, and many an answer shows
 * only when it is read that it was cut: so it is read in there too.
 */
import { createFetch } from "ofetch"
import type { Clock } from "../base/clock.ts"
import type { DruidsyncError } from "../base/errors.ts"
import type { RequestOptions } from "./http.ts"
import { Patience } from "./patience.ts"

/** Retries: how long they wait, and whom they tell. */
export interface Retries {
  readonly clock: Pick<Clock, "sleep">
  readonly onRetry?: (error: DruidsyncError, waitMs: number, attempt: number) => void
}

/**
 * @param path what is asked, below the base URL
 * @param exchange sends it, and resolves when the answer has arrived whole and was understood
 * @param retries undefined: asked once
 * @throws what `exchange` threw last
 */
export async function ask<T>(
  path: string,
  exchange: () => Promise<T>,
  { signal }: RequestOptions,
  retries: Retries | undefined,
): Promise<T> {
  let answer: { readonly value: T } | undefined
  let failure: unknown
  let tried = 0
  const patience = new Patience()
  const once = async () => {
    answer = { value: await exchange() }
    return new Response(null, { status: 204 })
  }
  const ofetch = createFetch({ fetch: once as unknown as typeof fetch })
  await ofetch
    .raw(path, {
      retry: 1,
      onRequestError: async ({ error, options }) => {
        failure = error
        options.retry = false
        if (retries === undefined || signal?.aborted) return
        const waitMs = patience.pauseAfter(error)
        if (waitMs === undefined) return
        retries.onRetry?.(error as DruidsyncError, waitMs, ++tried)
        await retries.clock.sleep(waitMs, signal)
        options.retry = 1
      },
    })
    .catch((error: unknown) => {
      signal?.throwIfAborted()
      throw failure ?? error
    })
  return answer!.value
}
