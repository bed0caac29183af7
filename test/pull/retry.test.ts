import { describe, expect, it } from "bun:test"
import { DruidsyncError } from "../../src/base/errors.ts"
import { retrying } from "../../src/pull/retry.ts"
import { JumpingClock } from "./support.ts"

const again = (given: { retryAfterMs?: number } = {}) =>
  new DruidsyncError("server", "busy", { retryable: true, ...given })

/** Fails with these errors in turn, then answers. */
function work(errors: readonly unknown[]) {
  const attempts: number[] = []
  return {
    attempts,
    run: async (attempt: number) => {
      attempts.push(attempt)
      if (attempt < errors.length) throw errors[attempt]
      return "answer"
    },
  }
}

const outcome = (promise: Promise<string>) => promise.catch((error: unknown) => error)

describe("a request", () => {
  it("that fails is tried again after 2, 4 and 8 s, each said before it is waited for", async () => {
    const clock = new JumpingClock()
    const { run, attempts } = work([again(), again(), again()])
    const said: unknown[] = []
    const result = await retrying(run, {
      sleep: clock.sleep,
      onRetry: (error, waitMs, attempt) => said.push([error.code, waitMs, attempt, clock.slept.length]),
    })
    expect(result).toBe("answer")
    expect(attempts).toEqual([0, 1, 2, 3])
    expect(clock.slept).toEqual([2_000, 4_000, 8_000])
    expect(said).toEqual([
      ["server", 2_000, 1, 0],
      ["server", 4_000, 2, 1],
      ["server", 8_000, 3, 2],
    ])
  })

  it("is given up after the third of these, with the last error", async () => {
    const last = again()
    const { run, attempts } = work([again(), again(), again(), last, again()])
    expect(await outcome(retrying(run, { sleep: new JumpingClock().sleep }))).toBe(last)
    expect(attempts.length).toBe(4)
  })

  it("waits as long as the server asks for, never shorter than its own turn", async () => {
    const clock = new JumpingClock()
    await retrying(work([again({ retryAfterMs: 7_000 }), again({ retryAfterMs: 1_000 })]).run, {
      sleep: clock.sleep,
    })
    expect(clock.slept).toEqual([7_000, 4_000])
  })

  it("that would fail again is not sent again: refusals, and faults of our own", async () => {
    for (const error of [new DruidsyncError("auth", "no"), new TypeError("bug")]) {
      const clock = new JumpingClock()
      const { run, attempts } = work([error])
      expect(await outcome(retrying(run, { sleep: clock.sleep }))).toBe(error)
      expect(attempts).toEqual([0])
      expect(clock.slept).toEqual([])
    }
  })

  it("ends at once after an interruption, whatever it failed with", async () => {
    const stop = new AbortController()
    const reason = new DruidsyncError("interrupted", "interrupted")
    const clock = new JumpingClock()
    const failing = async () => {
      stop.abort(reason)
      throw again()
    }
    expect(await outcome(retrying(failing, { sleep: clock.sleep, signal: stop.signal }))).toBe(reason)
    expect(clock.slept).toEqual([])
  })
})
