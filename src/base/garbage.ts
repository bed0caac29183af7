/** Memory that nothing refers to any more. */

/**
 * Frees it now, where the runtime can be told to. JavaScriptCore (Bun) lets it grow to a multiple of what lives, and counts
 * bytes outside of its heap for little: responses that have been written to the spool kept 30 to 100 MB.
 */
export function collectGarbage(): void {
  const { Bun: bun } = globalThis as { Bun?: { gc(isForced: boolean): void } }
  bun?.gc(true)
}
