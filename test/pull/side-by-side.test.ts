import { describe, expect, it } from "bun:test"
import { sideBySide } from "../../src/pull/side-by-side.ts"

const never = new AbortController().signal

/** Work that ends when it is told to, or when its signal is aborted. */
function held() {
  const under: { item: number; end: () => void }[] = []
  const work = (item: number, signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      under.push({ item, end: () => resolve(`done ${item}`) })
      signal.addEventListener("abort", () => reject(signal.reason), { once: true })
    })
  return { under, work }
}

const turns = async () => {
  for (let n = 0; n < 10; n++) await Promise.resolve()
}

describe("sideBySide", () => {
  it("does a few at a time, and gives what each brought in the order of the items", async () => {
    const { under, work } = held()
    const all = sideBySide([1, 2, 3, 4], 2, never, work)
    expect(under.map(({ item }) => item)).toEqual([1, 2])
    under[1]!.end()
    await turns()
    expect(under.map(({ item }) => item)).toEqual([1, 2, 3])
    under[2]!.end()
    await turns()
    under[3]!.end()
    under[0]!.end()
    expect(await all).toEqual(["done 1", "done 2", "done 3", "done 4"])
  })

  it("stops the others when one fails, begins no more, and throws its error once all are over", async () => {
    const ended: number[] = []
    const begun: number[] = []
    const error = await sideBySide([1, 2, 3, 4], 3, never, async (item, signal) => {
      begun.push(item)
      if (item === 2) throw new Error("two")
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }))
      await turns()
      ended.push(item)
      throw new Error("stopped")
    }).catch((thrown) => thrown)
    expect(error).toEqual(new Error("two"))
    expect(begun).toEqual([1, 2, 3])
    expect(ended).toEqual([1, 3])
  })

  it("tells each of them that all is to stop", async () => {
    const stop = new AbortController()
    const { under, work } = held()
    const all = sideBySide([1, 2, 3], 2, stop.signal, work)
    stop.abort(new Error("interrupted"))
    expect(all).rejects.toThrow("interrupted")
    await all.catch(() => undefined)
    expect(under.map(({ item }) => item)).toEqual([1, 2])
  })

  it("of nothing is nothing", async () => {
    expect(await sideBySide([], 4, never, () => Promise.reject(new Error("no")))).toEqual([])
  })
})
