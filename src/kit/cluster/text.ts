/** The datasources of a cluster, in words. Pure. */

import { printable } from "../../base/printable.ts"
import { linesText } from "../text/list.ts"
import type { Style } from "../text/style.ts"
import { columns } from "../text/width.ts"
import { count, counted, size, spanWords } from "../text/words.ts"
import type { DatasourcesReport, ListedDatasource } from "./document.ts"

const HEADER = ["", "DATASOURCE", "ROWS", "SIZE", "TIME (UTC)", "SEGMENTS", "GRANULARITY", "ROLLUP"]

export function datasourcesText(report: DatasourcesReport, style: Style): string {
  const { datasources } = report
  const configured = datasources.filter((one) => one.table !== null).length
  const lines = [
    `${style.bold(printable(report.url))}: ${counted(datasources.length, "datasource")}, ${count(configured)} of them in the configuration (*)`,
  ]
  if (datasources.length > 0) {
    const [header, ...rows] = columns([HEADER, ...datasources.map(cells)], "llrrlrll")
    lines.push("", style.dim(header!), ...rows)
  }
  const lookups = (report.lookups ?? []).filter(({ isListed }) => isListed)
  if (lookups.length > 0) lines.push("", `lookups: ${lookups.map(lookupWords).join(", ")}`)
  const notes = datasources.flatMap((one) => notesOf(one, style))
  if (!report.hasSegments) {
    notes.push(
      "Druid does not show sys.segments to this user: rows were counted, the rest is not known, and pull needs it",
    )
  }
  const gone = (report.lookups ?? []).flatMap(({ lookup, isListed }) =>
    isListed ? [] : [`lookup ${lookup}`],
  )
  for (const name of [...report.missing, ...gone]) {
    notes.push(
      `${style.bold(printable(name))}: ${style.yellow("not found")}: it is in the configuration, but Druid does not list it; it is deleted, forbidden or misspelled`,
    )
  }
  if (notes.length > 0) lines.push("", ...notes)
  return linesText(lines)
}

function lookupWords({ lookup, table }: NonNullable<DatasourcesReport["lookups"]>[number]): string {
  return `${printable(lookup)}${table === null ? "" : " (*)"}`
}

function cells(one: ListedDatasource): string[] {
  return [
    one.table === null ? " " : "*",
    printable(one.datasource),
    one.rows === null ? "-" : count(one.rows),
    one.bytes === null ? "-" : size(one.bytes),
    one.interval === null ? "-" : spanWords(one.interval),
    one.segments === null ? "-" : count(one.segments),
    one.segmentGranularity === null ? "-" : one.segmentGranularity.join(" + "),
    one.rollup === null ? "-" : one.rollup ? "yes" : "no",
  ]
}

function notesOf(one: ListedDatasource, style: Style): string[] {
  const notes: string[] = []
  const segments = (n: number) => counted(n, "segment")
  if (one.unavailable) {
    notes.push(`${style.yellow("not available")}: ${segments(one.unavailable)} not loaded on any server now`)
  }
  if (one.cold) notes.push(`cold: ${segments(one.cold)} that the load rules keep on no server`)
  if (one.uncounted) notes.push(`just loaded: ${segments(one.uncounted)} that Druid has not counted yet`)
  if (one.realtime) notes.push(`realtime: ${segments(one.realtime)} still being filled`)
  return notes.map((note) => `${style.bold(printable(one.datasource))}: ${note}`)
}

/** The same, short, with numbers to choose by. */
export function numberedDatasources({ datasources }: DatasourcesReport, style: Style): string {
  const header = ["", "DATASOURCE", "ROWS", "SIZE", "TIME (UTC)"]
  const rows = datasources.map((one, n) => [String(n + 1), ...cells(one).slice(1, 5)])
  const [first, ...rest] = columns([header, ...rows], "rlrrl")
  return linesText([style.dim(first!), ...rest])
}

/** One of them in a few words, beside its name: `3 rows, 2020-01-01 to 2020-01-03`. */
export function datasourceHint(one: ListedDatasource): string {
  const interval = one.interval === null ? [] : [spanWords(one.interval)]
  const rows = one.rows === null ? [] : [counted(one.rows, "row")]
  return [...rows, ...interval].join(", ")
}
