/** What `export` did and `verify --lake` found, in words. Pure. */

import { printable } from "../base/printable.ts"
import type {
  ExportReport,
  LakeReport,
  PartitionFault,
  TableExport,
  TableVerification,
} from "../lake/document.ts"
import { firstOf, linesText } from "./text/list.ts"
import type { Style } from "./text/style.ts"
import { count, counted, duration, size } from "./text/words.ts"

/** More partitions than this are told in one line, unless everything is asked for. */
const MOST_LINES = 20

/** @param verbose every partition that was written on a line of its own */
export function exportText(report: ExportReport, verbose: boolean, style: Style): string {
  const lines = report.datasources.flatMap((one) => tableLines(one, report, verbose, style))
  const sum = (of: (one: TableExport) => number) =>
    report.datasources.reduce((total, one) => total + of(one), 0)
  const written = sum((one) => one.written.length)
  const what = `${counted(written, "partition")} written (${counted(
    sum((one) => one.rowsWritten),
    "row",
  )}, ${size(sum((one) => one.bytesWritten))}), ${count(sum((one) => one.unchanged))} unchanged`
  lines.push(style.bold(`${report.outcome}: ${what}, ${duration(report.durationMs)}`))
  return linesText(lines)
}

function tableLines(one: TableExport, report: ExportReport, verbose: boolean, style: Style): string[] {
  const name = style.bold(printable(one.datasource))
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
  const { shown, more } = firstOf(one.unsettled, { verbose, most: MOST_LINES, one: "partition" })
  for (const { partition, state, reason } of shown)
    lines.push(`  ${style.yellow(state)} ${partition}: ${printable(reason)}`)
  lines.push(...more)
  for (const note of one.notes) lines.push(`  ${style.dim(printable(note))}`)
  return lines
}

/** @param verbose every fault on a line of its own */
export function lakeText(report: LakeReport, verbose: boolean, style: Style): string {
  const lines = report.datasources.flatMap((one) => verificationLines(one, verbose, style))
  const sum = (of: (one: TableVerification) => number) =>
    report.datasources.reduce((total, one) => total + of(one), 0)
  const faults = sum((one) => one.faults.length)
  const compared = `${counted(
    sum((one) => one.rows),
    "row",
  )} of ${counted(report.datasources.length, "datasource")} compared by ${report.mode} in ${duration(report.durationMs)}`
  lines.push(
    style.bold(
      faults === 0
        ? `equal: ${compared}`
        : `different: ${counted(faults, "partition differs", "partitions differ")}, ${compared}`,
    ),
  )
  return linesText(lines)
}

function verificationLines(one: TableVerification, verbose: boolean, style: Style): string[] {
  const all = `${counted(one.rows, "row")} in ${counted(one.equal, "partition")} equal`
  const headline =
    one.faults.length === 0
      ? `${style.green("equal")}, ${counted(one.rows, "row")} in ${counted(one.compared, "partition")} compared`
      : `${style.red(counted(one.faults.length, "partition differs", "partitions differ"))}, ${all}`
  const { shown, more } = firstOf(one.faults, { verbose, most: MOST_LINES, one: "partition" })
  const lines = [
    `${style.bold(printable(one.datasource))} ↔ lake ${printable(one.folder)}: ${headline}`,
    ...shown.map((fault) => faultLine(fault, style)),
    ...more,
  ]
  if (one.otherShares.length > 0) {
    const names = one.otherShares.map((share) => `"${printable(share)}"`).join(", ")
    lines.push(`  ${style.dim(`not compared: ${names}, which come from DuckDB files of their own`)}`)
  }
  return lines
}

function faultLine(fault: PartitionFault, style: Style): string {
  const { mark, path, kind, duckdbRows, lakeRows, columns, detail } = fault
  const parts: string[] = []
  if (duckdbRows !== null && lakeRows !== null && duckdbRows !== lakeRows)
    parts.push(`${counted(duckdbRows, "row")} in DuckDB, ${count(lakeRows)} in the lake`)
  else if (lakeRows !== null) parts.push(counted(lakeRows, "row"))
  if (columns.length > 0)
    parts.push(
      `${columns.length === 1 ? "column" : "columns"} ${columns.map((name) => printable(name)).join(", ")}`,
    )
  parts.push(`${kind.replace("-", " ")}: ${detail}`)
  return `  ${style.red(mark)} ${printable(path)}: ${parts.map((part) => printable(part)).join(", ")}`
}
