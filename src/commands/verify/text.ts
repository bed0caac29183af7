/** A verification in words, in the manner of `rclone check`: a line for each stretch that differs. Pure. */

import { parseInterval } from "../../base/intervals.ts"
import { groupBy, sumOf } from "../../base/lists.ts"
import { printable } from "../../base/printable.ts"
import { failedLines, firstOf, linesText, numberOf, titlesIn } from "../../kit/text/list.ts"
import { failedLookup } from "../../kit/text/lookups.ts"
import type { Style } from "../../kit/text/style.ts"
import { count, counted, duration, spansWords, spanWords } from "../../kit/text/words.ts"
import type {
  ComparedStretch,
  DatasourceVerification,
  Example,
  LookupVerification,
  SkippedStretch,
  VerifyReport,
} from "./document.ts"

/** Values of an example row are cut to this many characters. */
const VALUE_CHARACTERS = 60

/** @param verbose every stretch on a line of its own, the equal ones too */
export function verificationText(report: VerifyReport, verbose: boolean, style: Style): string {
  const title = titlesIn(report.datasources)
  const lines = report.datasources.flatMap((one) =>
    one.error === undefined
      ? datasourceLines(one, verbose, style)
      : failedLines(title(one), "cannot be compared", one.error, style),
  )
  for (const one of report.lookups ?? []) lines.push(lookupLine(one, style))
  if (report.sample !== undefined) {
    const { kind, value, seed } = report.sample
    const share = kind === "percent" ? `${value}% of the chunks` : counted(value, "chunk")
    lines.push(
      style.dim(`sample: ${share} of each datasource; the same again with --seed ${printable(seed)}`),
    )
  }
  lines.push(style.bold(totalLine(report)))
  return linesText(lines)
}

const LOOKUP_OUTCOMES = {
  equal: "equal",
  different: "differs from Druid as a whole",
  repaired: "repaired",
  missing: "not pulled yet",
  kept: "not compared: Druid lists it no more",
} as const

function lookupLine({ lookup, table, rows, outcome, error }: LookupVerification, style: Style): string {
  if (outcome === "failed") return failedLookup(lookup, error!, style)
  if (outcome === "unlistable")
    return `lookup ${style.bold(printable(lookup))}: not compared: ${printable(error!.message)}`
  const words = LOOKUP_OUTCOMES[outcome]
  const shown = outcome === "different" ? style.red(words) : words
  return `lookup ${style.bold(printable(lookup))} ↔ table ${printable(table)}: ${shown}, ${counted(rows, "row")}`
}

function datasourceLines(one: DatasourceVerification, verbose: boolean, style: Style): string[] {
  const name = style.bold(printable(one.datasource))
  const marked: { start: bigint; line: string }[] = []
  const limit = { verbose, one: "stretch", many: "stretches" }
  const { shown, more } = firstOf(one.different, limit)
  for (const compared of shown)
    marked.push({ start: startOf(compared.interval), line: comparedLine(compared, style) })
  if (verbose) {
    for (const interval of one.matches)
      marked.push({ start: startOf(interval), line: `  ${style.green("=")} ${stretchWords(interval)}` })
  }
  marked.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  const lines = [...marked.map(({ line }) => line), ...more]
  for (const compared of one.repaired)
    lines.push(
      `  ${style.green("repaired")} ${compared.mark} ${stretchWords(compared.interval)}: ${sidesWords(compared)}`,
    )
  lines.push(...skippedLines(one.skipped, verbose, style))
  if (one.partlyCompared.length > 0) {
    const names = one.partlyCompared.map((column) => `"${printable(column)}"`).join(", ")
    lines.push(`  ${style.dim(`compared in part only: ${names}; --deep compares all of it`)}`)
  }
  return [`${name} ↔ table ${printable(one.table)}: ${headline(one, style)}`, ...lines]
}

function headline(one: DatasourceVerification, style: Style): string {
  const sampled = one.notSampled === 0 ? "" : ` (${count(one.notSampled)} not in the sample)`
  const all = `${counted(one.rows, "row")} in ${counted(one.compared, "stretch", "stretches")}${sampled}`
  if (one.compared === 0 && one.different.length === 0) return style.yellow("nothing could be compared")
  if (one.different.length > 0) {
    return `${style.red(`${counted(one.different.length, "stretch differs", "stretches differ")}`)}, ${all} compared`
  }
  return `${style.green("equal")}, ${all} compared`
}

function comparedLine(compared: ComparedStretch, style: Style): string {
  const first = `  ${style.red(compared.mark)} ${stretchWords(compared.interval)}: ${sidesWords(compared)}`
  return [first, ...compared.examples.map((example) => exampleLine(example, compared.columns))].join("\n")
}

function stretchWords(interval: string): string {
  return interval === "" ? "no time" : spanWords(interval)
}

function startOf(interval: string): bigint {
  return interval === "" ? 0n : parseInterval(interval).start
}

function sidesWords({ mark, druidRows, duckdbRows, columns, note }: ComparedStretch): string {
  const parts: string[] = []
  if (mark === "+") parts.push(`${counted(druidRows, "row")} only in Druid`)
  else if (mark === "-") parts.push(`${counted(duckdbRows, "row")} only in DuckDB`)
  else if (druidRows !== duckdbRows)
    parts.push(`${counted(druidRows, "row")} in Druid, ${count(duckdbRows)} in DuckDB`)
  else parts.push(counted(druidRows, "row"))
  if (columns.length > 0) {
    const names = columns.map((column) => printable(column)).join(", ")
    parts.push(`${columns.length === 1 ? "column" : "columns"} ${names}`)
  }
  if (note !== undefined) parts.push(note)
  return parts.join(", ")
}

/** The time and the columns that differ; all of them where those are not known. */
function exampleLine({ only, times, row }: Example, columns: readonly string[]): string {
  const wanted =
    columns.length === 0 ? Object.keys(row) : ["__time", ...columns.filter((name) => name !== "__time")]
  const values = wanted.map((name) => `${printable(name)}=${valueWords(row[name] ?? null)}`)
  const often = times === 1 ? "" : ` (${count(times)} times)`
  return `      ${only === "druid" ? "Druid " : "DuckDB"} ${values.join(" ")}${often}`
}

function valueWords(value: string | null): string {
  if (value === null) return "NULL"
  const text = printable(value)
  return `'${text.length > VALUE_CHARACTERS ? `${text.slice(0, VALUE_CHARACTERS)}…` : text}'`
}

function skippedLines(skipped: readonly SkippedStretch[], verbose: boolean, style: Style): string[] {
  const label = style.yellow("skipped")
  if (verbose)
    return skipped.map((one) => `  ${label} ${stretchWords(one.interval)}: ${printable(one.reason)}`)
  return [...groupBy(skipped, (one) => one.kind).values()].map((group) => {
    const where = spansWords(group.map((one) => one.interval))
    return `  ${label}: ${where}: ${printable(group[0]!.reason)}`
  })
}

function totalLine(report: VerifyReport): string {
  const sum = (of: (one: DatasourceVerification) => number) => sumOf(report.datasources, of)
  const compared = `${counted(
    sum((one) => one.rows),
    "row",
  )} of ${numberOf(report.datasources)} compared by ${report.mode} in ${duration(report.durationMs)}`
  const repaired = sum((one) => one.repaired.length)
  const also = repaired === 0 ? "" : `, ${counted(repaired, "stretch", "stretches")} repaired`
  switch (report.outcome) {
    case "equal":
      return `equal: ${compared}${also}`
    case "different":
      return `different: ${counted(
        sum((one) => one.different.length),
        "stretch differs",
        "stretches differ",
      )}, ${compared}${also}`
    case "incomplete":
      return `equal as far as it could be compared: ${compared}${also}`
    case "failed":
      return `not all datasources could be compared: ${compared}${also}`
  }
}
