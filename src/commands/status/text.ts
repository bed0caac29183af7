/** What a file holds, in words. Pure. */

import { sumOf } from "../../base/lists.ts"
import { printable } from "../../base/printable.ts"
import type { DatasourceStatus, LookupStatus, StatusReport } from "../../kit/status/document.ts"
import { type Note, statusNotes } from "../../kit/status/notes.ts"
import type { Tone } from "../../kit/status/states.ts"
import { linesText, numberOf, titlesIn } from "../../kit/text/list.ts"
import type { Style } from "../../kit/text/style.ts"
import { columns } from "../../kit/text/width.ts"
import { ago, count, counted, size, time } from "../../kit/text/words.ts"

const HEADER = ["DATASOURCE", "TABLE", "ROWS", "SIZE", "NEWEST ROW (UTC)", "LAST SUCCESS", "STATUS"]

/** @param nowMs for "5 minutes ago" */
export function statusText(report: StatusReport, nowMs: number, style: Style): string {
  const { datasources } = report
  const rows = sumOf(datasources, (one) => one.rows)
  const lines = [
    `${style.bold(printable(report.file))}: ${numberOf(datasources)}, ${counted(rows, "row")}, ${size(report.bytes)}`,
  ]
  if (report.runner !== null) lines.push(`a pull is under way: ${printable(report.runner)}`)
  if (datasources.length > 0) {
    const [header, ...cells] = columns([HEADER, ...datasources.map((one) => row(one, nowMs))], "llrrlll")
    lines.push("", style.dim(header!), ...cells)
  }
  const { lookups = [] } = report
  if (lookups.length > 0) {
    const rows = lookups.map((one) => lookupRow(one, nowMs))
    const [header, ...cells] = columns([LOOKUP_HEADER, ...rows], "llrlll")
    lines.push("", style.dim(header!), ...cells)
  }
  const title = titlesIn(datasources)
  const notes = datasources.flatMap((one) =>
    statusNotes(one).map((note) => noteLine(style.bold(title(one)), note, style)),
  )
  for (const { lookup, status, message } of lookups) {
    if (status === "complete") continue
    const shown = status === "failed" ? style.yellow(status) : status
    notes.push(`lookup ${style.bold(printable(lookup))}: ${shown}: ${printable(message ?? "")}`)
  }
  if (notes.length > 0) lines.push("", ...notes)
  return linesText(lines)
}

const LOOKUP_HEADER = ["LOOKUP", "TABLE", "ROWS", "CHANGED", "COMPARED", "STATUS"]

function lookupRow(
  { lookup, table, rows, changed, compared, status }: LookupStatus,
  nowMs: number,
): string[] {
  const when = (text: string) => ago(Date.parse(text), nowMs)
  return [printable(lookup), printable(table), count(rows), when(changed), when(compared), status]
}

function row(one: DatasourceStatus, nowMs: number): string[] {
  return [
    printable(one.datasource),
    one.table === null ? "-" : printable(one.table),
    count(one.rows),
    one.bytes === null ? "-" : size(one.bytes),
    one.newest === null ? "-" : time(one.newest),
    one.lastSuccess === null ? "never" : ago(Date.parse(one.lastSuccess), nowMs),
    one.status,
  ]
}

const LABELS: Readonly<Record<Tone, "yellow" | "red" | undefined>> = {
  good: undefined,
  idle: undefined,
  warn: "yellow",
  bad: "red",
}

function noteLine(title: string, { tone, subject, text }: Note, style: Style): string {
  const label = LABELS[tone]
  const shown = printable(subject)
  return `${title}: ${label === undefined ? shown : style[label](shown)}: ${printable(text)}`
}
