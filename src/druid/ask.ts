/**
 * Questions whose answer fits into memory, carried by ofetch: each try is made by its `onRequest`, sent by its `fetch`, and
 * its `retry` asks again when `onRequestError` has told of the failure and waited on the run's own clock. ofetch tries again
 * only what fails inside `fetch`, and many an answer shows only when it is read that it was cut: so it is read in there too.
 */
import { createFetch } from "ofetch"
import type { Clock } from "../base/clock.ts"
import type { DruidsyncError } from "../base/errors.ts"
import type { Message, RequestOptions } from "./http.ts"
import { pauseBefore } from "./patience.ts"

/** Retries: how long they wait, and whom they tell. */
export interface Retries {
  readonly clock: Pick<Clock, "sleep">
  readonly onRetry?: (error: DruidsyncError, waitMs: number, attempt: number) => void
}

/**
 * @param make the message of a try: a query gets a new id each time
 * @param exchange sends it, and resolves when the answer has arrived whole and was understood
 * @param retries undefined: asked once
 * @throws what `exchange` threw last
 */
export async function ask<M extends Message, T>(
  make: () => M,
  exchange: (message: M) => Promise<T>,
  { signal }: RequestOptions,
  retries: Retries | undefined,
): Promise<T> {
  let message = make()
  let answer: { readonly value: T } | undefined
  let failure: unknown
  let tried = 0
  const once = async () => {
    answer = { value: await exchange(message) }
    return new Response(null, { status: 204 })
  }
  const ofetch = createFetch({ fetch: once as unknown as typeof fetch })
  await ofetch
    .raw(message.path, {
      method: message.method,
      retry: 1,
      onRequest: () => {
        if (tried > 0) message = make()
      },
      onRequestError: async ({ error, options }) => {
        failure = error
        options.retry = false
        const waitMs = pauseBefore(error, tried)
        if (retries === undefined || waitMs === undefined || signal?.aborted) return
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
