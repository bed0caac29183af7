/** Lookups in words, for the answers of several commands. Pure. */
import type { ErrorReport } from "../../base/errors.ts"
import { printable } from "../../base/printable.ts"
import type { PlannedLookup } from "../../pull/document.ts"
import { hintWords } from "./list.ts"
import type { Style } from "./style.ts"

/** A lookup that a command could do nothing with, in one line. */
export function failedLookup(lookup: string, error: ErrorReport, style: Style): string {
  return `lookup ${style.bold(printable(lookup))}: ${style.red("FAILED")}: ${printable(error.message)}${hintWords(error)}`
}

const STANDINGS = {
  new: "new, to be fetched",
  held: "compared as a whole by each pull",
  gone: "Druid lists it no more, its table is kept",
} as const

/** What a pull would do with each. */
export function plannedLines(lookups: readonly PlannedLookup[] | undefined, style: Style): string[] {
  return (lookups ?? []).map(({ lookup, table, standing, error }) => {
    if (standing === "failed") return failedLookup(lookup, error!, style)
    return `lookup ${style.bold(printable(lookup))} → table ${printable(table)} (k, v): ${STANDINGS[standing]}`
  })
}
