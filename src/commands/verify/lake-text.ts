/** What a comparison with a lake found, in words. Pure. */
import { sumOf } from "../../base/lists.ts"
import { printable } from "../../base/printable.ts"
import { firstOf, linesText, numberOf, titlesIn } from "../../kit/text/list.ts"
import type { Style } from "../../kit/text/style.ts"
import { count, counted, duration } from "../../kit/text/words.ts"
import type { LakeReport, PartitionFault, TableVerification } from "../../lake/document.ts"

/** @param verbose every fault on a line of its own */
export function lakeText(report: LakeReport, verbose: boolean, style: Style): string {
  const title = titlesIn(report.datasources)
  const lines = report.datasources.flatMap((one) =>
    verificationLines(one, style.bold(title(one)), verbose, style),
  )
  const sum = (of: (one: TableVerification) => number) => sumOf(report.datasources, of)
  const faults = sum((one) => one.faults.length)
  const compared = `${counted(
    sum((one) => one.rows),
    "row",
  )} of ${numberOf(report.datasources)} compared by ${report.mode} in ${duration(report.durationMs)}`
  lines.push(
    style.bold(
      faults === 0
        ? `equal: ${compared}`
        : `different: ${counted(faults, "partition differs", "partitions differ")}, ${compared}`,
    ),
  )
  return linesText(lines)
}

function verificationLines(one: TableVerification, name: string, verbose: boolean, style: Style): string[] {
  const all = `${counted(one.rows, "row")} in ${counted(one.equal, "partition")} equal`
  const headline =
    one.faults.length === 0
      ? `${style.green("equal")}, ${counted(one.rows, "row")} in ${counted(one.compared, "partition")} compared`
      : `${style.red(counted(one.faults.length, "partition differs", "partitions differ"))}, ${all}`
  const { shown, more } = firstOf(one.faults, { verbose, one: "partition" })
  const lines = [
    `${name} ↔ lake ${printable(one.folder)}: ${headline}`,
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
