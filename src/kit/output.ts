/** What a command was asked for, on stdout: one JSON document, or text. */
import { jsonLine } from "../base/printable.ts"
import type { CliContext } from "./context.ts"
import { type Style, styleFor } from "./text/style.ts"

/** What a command found. */
export interface Answer {
  /** what `--json` prints; its `exitCode`, where it has one, is the command's */
  readonly document: object
  /** what is printed without `--json`; undefined: nothing, the log has said it */
  readonly text?: ((style: Style) => string) | undefined
  /** default: the document's, else 0 */
  readonly exitCode?: number
}

/** Prints an answer: with `--quiet` only where something is wrong. @returns the exit code */
export function show(
  { document, text, exitCode = (document as { exitCode?: number }).exitCode ?? 0 }: Answer,
  { json = false, quiet = false }: { readonly json?: boolean; readonly quiet?: boolean },
  { stdout, env }: Pick<CliContext, "stdout" | "env">,
): number {
  if (json) stdout.write(jsonLine(document))
  else if (text !== undefined && (!quiet || exitCode !== 0)) stdout.write(text(styleFor(stdout, env)))
  return exitCode
}
