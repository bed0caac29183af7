/** What an export did, in words. Pure. */
import { sumOf } from "../../base/lists.ts"
import { quoteName } from "../../base/names.ts"
import { printable, shellWord } from "../../base/printable.ts"
import { firstOf, linesText, titlesIn } from "../../kit/text/list.ts"
import type { Style } from "../../kit/text/style.ts"
import { count, counted, duration, size } from "../../kit/text/words.ts"
import type { ExportReport, TableExport } from "../../lake/document.ts"

/** @param verbose every partition that was written on a line of its own */
export function exportText(report: ExportReport, verbose: boolean, style: Style): string {
  const title = titlesIn(report.datasources)
  const lines = report.datasources.flatMap((one) =>
    tableLines(one, style.bold(title(one)), report, verbose, style),
  )
  for (const table of report.lookups ?? []) lines.push(lookupLine(table, report, style))
  const sum = (of: (one: TableExport) => number) => sumOf(report.datasources, of)
  const written = counted(
    sum((one) => one.written.length),
    "partition",
  )
  const rows = counted(
    sum((one) => one.rowsWritten),
    "row",
  )
  const bytes = size(sum((one) => one.bytesWritten))
  const what = `${written} written (${rows}, ${bytes}), ${count(sum((one) => one.unchanged))} unchanged`
  lines.push(style.bold(`${report.outcome}: ${what}, ${duration(report.durationMs)}`))
  return linesText(lines)
}

/** A lookup is no table of a lake, and a query away. */
function lookupLine(table: string, { out }: ExportReport, style: Style): string {
  const sql = shellWord(`FROM ${quoteName(table)}`)
  const how = `druidsync query --out ${shellWord(out)} --to ${shellWord(`${table}.parquet`)} ${sql}`
  return `${style.bold(printable(table))}: not written: a lookup has no time, and no partitions; ${how}`
}

function tableLines(
  one: TableExport,
  name: string,
  report: ExportReport,
  verbose: boolean,
  style: Style,
): string[] {
  if (one.folder === "") return [`${name}: ${style.yellow("not exported")}: ${printable(one.reason ?? "")}`]
  const parts = [`${counted(one.written.length, "partition")} written`, `${count(one.unchanged)} unchanged`]
  if (one.removed.length > 0) parts.push(`${count(one.removed.length)} removed`)
  const state = one.outcome === "complete" ? style.green(one.outcome) : style.yellow(one.outcome)
  const lines = [
    `${name} → ${printable(`${report.to}/${one.folder}`)}: ${state}, ${parts.join(", ")}; ${counted(one.rows, "row")}, ${size(one.bytes)}`,
  ]
  if (one.reason !== undefined) lines.push(`  ${style.yellow(one.outcome)}: ${printable(one.reason)}`)
  if (one.rewritten !== undefined) lines.push(`  all of it written again: ${printable(one.rewritten)}`)
  if (verbose) {
    for (const partition of one.written) lines.push(`  written ${partition}`)
    for (const partition of one.removed) lines.push(`  removed ${partition}`)
  }
  const { shown, more } = firstOf(one.unsettled, { verbose, one: "partition" })
  for (const { partition, state, reason } of shown)
    lines.push(`  ${style.yellow(state)} ${partition}: ${printable(reason)}`)
  lines.push(...more)
  for (const note of one.notes) lines.push(`  ${style.dim(printable(note))}`)
  return lines
}
