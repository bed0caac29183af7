/** An error in words: what happened, to what, and what to do next. */
import { DruidsyncError, messageOf } from "../errors.ts"

/**
 * @param verbose adds the chain of causes, and the stack of a bug
 * @returns text that ends with a line break
 */
export function describeError(error: unknown, verbose: boolean): string {
  if (!(error instanceof DruidsyncError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return `druidsync: this is a bug: ${messageOf(error)}\n${stack}\nPlease report it with the command that you ran.\n`
  }
  const lines = [`druidsync: ${error.message}`]
  if (error.hint !== undefined) lines.push(`  → ${error.hint}`)
  let cause = error.cause
  while (verbose && cause instanceof Error) {
    lines.push(`  caused by: ${cause.message}`)
    cause = cause.cause
  }
  return `${lines.join("\n")}\n`
}
