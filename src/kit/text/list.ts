/** What the answers of several commands are made of: lines, lists that are cut, a datasource that failed. Pure. */
import type { ErrorReport } from "../../base/errors.ts"
import { printable } from "../../base/printable.ts"
import type { Style } from "./style.ts"
import { counted } from "./words.ts"

/** Lines as text, each with its line break. */
export function linesText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("")
}

/** A longer list is cut to this many items, and one line counts the rest. */
const MOST_LINES = 20

export interface Limit {
  /** the whole list, uncut */
  readonly verbose: boolean
  /** what is left out is counted as "3 more partitions" */
  readonly one: string
  readonly many?: string
}

/** A list's first items, and a line that tells how many more there are, where there are more. */
export function firstOf<T>(
  items: readonly T[],
  { verbose, one, many }: Limit,
): { readonly shown: readonly T[]; readonly more: readonly string[] } {
  const shown = verbose ? items : items.slice(0, MOST_LINES)
  const rest = items.length - shown.length
  const more =
    rest === 0
      ? []
      : [`  … and ${counted(rest, `more ${one}`, `more ${many ?? `${one}s`}`)}; --verbose shows all`]
  return { shown, more }
}

/** What is shown of a table, as documents and events say it. */
export interface Titled {
  readonly datasource: string
  readonly table?: string | null | undefined
}

/** How a table is called where people look: by its datasource, and by itself where that is said. */
export function titleOf({ datasource, table }: Titled): string {
  return table == null ? printable(datasource) : `${printable(datasource)} → ${printable(table)}`
}

/** The titles of several at once: a table is named by itself where another has the same datasource. */
export function titlesIn(all: readonly Titled[]): (one: Titled) => string {
  const tables = new Map<string, number>()
  for (const { datasource } of all) tables.set(datasource, (tables.get(datasource) ?? 0) + 1)
  return (one) => (tables.get(one.datasource) === 1 ? titleOf({ datasource: one.datasource }) : titleOf(one))
}

/** `3 datasources`; where one of them has several tables, these are counted: `4 tables`. */
export function numberOf(all: readonly Titled[]): string {
  const datasources = new Set(all.map(({ datasource }) => datasource)).size
  return counted(all.length, datasources === all.length ? "datasource" : "table")
}

/** What to do about an error, after what it says. */
export function hintWords({ hint }: ErrorReport): string {
  return hint === undefined ? "" : ` → ${printable(hint)}`
}

/** A table that a command could do nothing with. @param title see `titlesIn` @param what such as `cannot be pulled` */
export function failedLines(title: string, what: string, error: ErrorReport, style: Style): string[] {
  const hint = error.hint === undefined ? [] : [` ${hintWords(error)}`]
  return [`${style.bold(title)}: ${style.red(what)}: ${printable(error.message)}`, ...hint]
}
