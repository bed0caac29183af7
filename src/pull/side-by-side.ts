/** Work on many things, a few of them at a time. */
import { setMaxListeners } from "node:events"

/**
 * @param most how many at a time, 1 or more
 * @param work is given a signal that is aborted with `signal`, and with the error of the first one that failed
 * @returns what each brought, in the order of the items
 * @throws what the first one that failed threw, once nothing is under way any more
 */
export async function sideBySide<T, R>(
  items: readonly T[],
  most: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  // Each of them listens to it; that many at once are no leak.
  setMaxListeners(0, either)
  const results: R[] = []
  let failure: { readonly error: unknown } | undefined
  const rest = items.entries()
  const takeTurns = async () => {
    for (const [n, item] of rest) {
      try {
        results[n] = await work(item, either)
      } catch (error) {
        failure ??= { error }
        stop.abort(error)
      }
      if (failure !== undefined) return
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, takeTurns))
  if (failure !== undefined) throw failure.error
  return results
}
