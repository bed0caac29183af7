/** Polling with a deadline: the only way anything in this folder waits. */

/** Resolves after `ms` milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** How long and how often to poll; both in milliseconds. */
export interface PollOptions {
  deadlineMs: number
  everyMs?: number
}

/**
 * Calls `probe` until it answers something other than `undefined`, and answers that.
 * A throwing probe counts as "not yet"; its last message ends up in the error.
 * @throws Error naming `what`, the time waited and the last failure, once the deadline has passed.
 */
export async function poll<T>(
  what: string,
  { deadlineMs, everyMs = 200 }: PollOptions,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const started = Date.now()
  let last = ""
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== undefined) return answer
    } catch (error) {
      if (error instanceof Fatal) throw error
      last = error instanceof Error ? error.message : String(error)
    }
    if (Date.now() - started > deadlineMs) {
      const why = last ? `; last failure: ${last}` : ""
      throw new Error(`${what}: not so after ${Math.round(deadlineMs / 1000)} s${why}`)
    }
    await sleep(everyMs)
  }
}

/** Thrown by a probe when waiting longer is pointless: `poll` passes it on at once. */
export class Fatal extends Error {}
