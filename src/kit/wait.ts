/** The words for a wait, said in one place. */
import type { Emit } from "../pull/events.ts"

/**
 * Called with a description of who holds the lock.
 * @param path of the locked file; undefined if the description names it
 */
export function sayWait(emit: Emit, path?: string): (holder: string) => void {
  const what = path === undefined ? "" : ` to release ${path}`
  return (holder) => emit({ type: "waiting", message: `waiting for ${holder}${what}` })
}
