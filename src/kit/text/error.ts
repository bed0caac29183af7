/** An error in words: what happened, to what, and what to do next. */
import { DruidsyncError, ExitCode, messageOf } from "../../base/errors.ts"
import { printable } from "../../base/printable.ts"
import type { ErrorDocument } from "../document.ts"

/**
 * @param verbose adds the chain of causes, and the stack of a bug
 * @returns text that ends with a line break
 */
export function describeError(error: unknown, verbose: boolean): string {
  if (!(error instanceof DruidsyncError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return `druidsync: this is a bug: ${printable(messageOf(error))}\n${printableLines(stack)}\nPlease report it with the command that you ran.\n`
  }
  const lines = [`druidsync: ${printableLines(error.message)}`]
  if (error.hint !== undefined) lines.push(`  → ${printableLines(error.hint)}`)
  let cause = error.cause
  while (verbose && cause instanceof Error) {
    lines.push(`  caused by: ${printableLines(cause.message)}`)
    cause = cause.cause
  }
  return `${lines.join("\n")}\n`
}

/** Line breaks are ours here (a configuration with several problems); everything else may come from a server. */
function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n")
}

/** The same for machines: what `--json` prints on stdout where a command fails before it has a document of its own. */
export function errorDocument(error: unknown): ErrorDocument {
  const known = error instanceof DruidsyncError ? error : undefined
  return {
    format: 1,
    outcome: known?.code === "interrupted" ? "interrupted" : "failed",
    exitCode: known?.exitCode ?? ExitCode.failed,
    error: known?.toJSON() ?? { code: "bug", message: messageOf(error) },
  }
}
