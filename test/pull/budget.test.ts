import { describe, expect, it } from "bun:test"
import { Budget } from "../../src/pull/pipeline/budget.ts"

const never = new AbortController().signal

/** True once the promise is settled, after all that is ready has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const done = () => {
    settled = true
  }
  promise.then(done, done)
  for (let n = 0; n < 5; n++) await Promise.resolve()
  return settled
}

describe("the spool's budget (I9)", () => {
  it("admits downloads while they fit together, and the next when one is gone", async () => {
    const budget = new Budget(100)
    const first = await budget.reserve(() => 60, never)
    await budget.reserve(() => 40, never)
    const third = budget.reserve(() => 1, never)
    expect(await isSettled(third)).toBe(false)
    first.release()
    expect(await isSettled(third)).toBe(true)
  })

  it("lets in what is too big for it when it is alone: it may be smaller than was thought", async () => {
    const budget = new Budget(100)
    const big = budget.reserve(() => 1_000, never)
    expect(await isSettled(big)).toBe(true)
    expect(await isSettled(budget.reserve(() => 1, never))).toBe(false)
  })

  it("says when a share exceeds the limit together with the others", async () => {
    const budget = new Budget(100)
    const [one, two] = [await budget.reserve(() => 10, never), await budget.reserve(() => 10, never)]
    expect([one.took(90), two.took(10), two.took(1)]).toEqual([true, true, false])
    one.release()
    expect(two.took(0)).toBe(true)
  })

  it("counts what a share took beyond its promise against the next one", async () => {
    const budget = new Budget(100)
    const one = await budget.reserve(() => 10, never)
    one.took(80)
    expect(await isSettled(budget.reserve(() => 30, never))).toBe(false)
  })

  it("ends every wait after an interruption", async () => {
    const budget = new Budget(1)
    await budget.reserve(() => 1, never)
    const interruption = new AbortController()
    const waiting = budget.reserve(() => 1, interruption.signal)
    interruption.abort(new Error("interrupted"))
    await expect(waiting).rejects.toThrow("interrupted")
  })
})
