/** What the answers of several commands are made of: lines, lists that are cut, a datasource that failed. Pure. */
import type { ErrorReport } from "../../base/errors.ts"
import { printable } from "../../base/printable.ts"
import type { Style } from "./style.ts"
import { counted } from "./words.ts"

/** Lines as text, each with its line break. */
export function linesText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("")
}

export interface Limit {
  /** everything is asked for */
  readonly verbose: boolean
  readonly most: number
  /** what is left out is counted as "3 more partitions" */
  readonly one: string
  readonly many?: string
}

/** A list's first items, and a line that tells how many more there are, where there are more. */
export function firstOf<T>(
  items: readonly T[],
  { verbose, most, one, many }: Limit,
): { readonly shown: readonly T[]; readonly more: readonly string[] } {
  const shown = verbose ? items : items.slice(0, most)
  const rest = items.length - shown.length
  const more =
    rest === 0
      ? []
      : [`  … and ${counted(rest, `more ${one}`, `more ${many ?? `${one}s`}`)}; --verbose shows all`]
  return { shown, more }
}

/** A datasource that a command could do nothing with. @param what such as `cannot be pulled` */
export function failedLines(datasource: string, what: string, error: ErrorReport, style: Style): string[] {
  const hint = error.hint === undefined ? [] : [`  → ${printable(error.hint)}`]
  return [`${style.bold(printable(datasource))}: ${style.red(what)}: ${printable(error.message)}`, ...hint]
}
