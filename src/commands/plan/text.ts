/** A plan in words: per datasource what would be fetched and why. Pure. */

import { parseInterval } from "../../base/intervals.ts"
import { groupBy, sumOf } from "../../base/lists.ts"
import { printable } from "../../base/printable.ts"
import { failedLines, linesText, numberOf, titlesIn } from "../../kit/text/list.ts"
import { plannedLines } from "../../kit/text/lookups.ts"
import type { Style } from "../../kit/text/style.ts"
import { incompleteWords } from "../../kit/text/summary.ts"
import { count, counted, intervalWords, rangeWords, size, spansWords } from "../../kit/text/words.ts"
import type { DryRun, PlannedDatasource, PlannedStretch } from "./document.ts"

/** More stretches than this are summed up, unless --verbose is given. */
const MOST_LINES = 10

/** @param verbose every stretch on a line of its own, however many there are */
export function planText(plan: DryRun, verbose: boolean, style: Style): string {
  const title = titlesIn(plan.datasources)
  const lines = plan.datasources.flatMap((one) =>
    one.error === undefined
      ? datasourceLines(one, plan.range, verbose, style)
      : failedLines(title(one), "cannot be pulled", one.error, style),
  )
  lines.push(...plannedLines(plan.lookups, style))
  if (plan.datasources.length > 1) lines.push(style.bold(totalLine(plan)))
  return linesText(lines)
}

function datasourceLines(
  one: PlannedDatasource,
  range: DryRun["range"],
  verbose: boolean,
  style: Style,
): string[] {
  const name = style.bold(printable(one.datasource))
  const indent = (text: string) => `  ${text}`
  const lines = stretchLines(one.fetch, verbose).map(indent)
  const table = printable(one.table)
  if (one.unchangedChunks > 0 && one.fetch.length > 0) {
    lines.push(indent(style.dim(`unchanged: ${counted(one.unchangedChunks, "chunk")}`)))
  }
  if (one.provenByCount > 0) {
    lines.push(
      indent(
        `proven equal by a count alone: ${counted(one.provenByCount, "chunk or piece", "chunks or pieces")}`,
      ),
    )
  }
  for (const change of one.schemaChanges)
    lines.push(indent(`${style.yellow("schema")}: ${printable(change)}`))
  for (const warning of one.warnings) lines.push(indent(`${style.yellow("warning")}: ${printable(warning)}`))
  if (one.unavailable.length > 0) {
    lines.push(indent(`${style.yellow("not available now")}: ${incompleteWords(one.unavailable, verbose)}`))
  }
  if (one.cold.length > 0) {
    lines.push(indent(`on no Druid server (load rules), left as it is: ${spansWords(one.cold)}`))
  }
  if (one.excluded.length > 0) {
    lines.push(indent(`realtime, left out by the configuration: ${spansWords(one.excluded)}`))
  }
  if (one.dropped.length > 0) {
    const fate = one.deletions === "keep" ? "kept here" : "would be deleted here too"
    lines.push(indent(`dropped from Druid, ${fate}: ${spansWords(one.dropped)}`))
  }
  if (one.passedOut !== undefined && one.passedOut.length > 0)
    lines.push(
      indent(`passed out of the window ("keep"), would be deleted here: ${spansWords(one.passedOut)}`),
    )
  const limits = range === undefined ? "" : `; ${rangeWords(range)}`
  return [`${name} → ${one.isNew ? "new table" : "table"} ${table}: ${headline(one)}${limits}`, ...lines]
}

function headline(one: PlannedDatasource): string {
  const short = one.unavailable.length > 0 ? [`INCOMPLETE: ${notAvailable([one])}`] : []
  if (one.fetch.length === 0) {
    return ["nothing to fetch", ...short, `${counted(one.unchangedChunks, "chunk")} unchanged`].join(", ")
  }
  const parts = [`${counted(one.rows, "row")} in ${counted(one.slices, "slice")}`]
  if (one.groups !== undefined) parts.push(`about ${counted(one.groups, "group")}`)
  if (one.segmentBytes > 0) parts.push(`${size(one.segmentBytes)} of segments`)
  const ways = one.fetch.filter(({ way }) => way !== undefined)
  if (ways.length > 0) parts.push(waysWords(ways))
  if (one.downloadBytes !== null) parts.push(`about ${size(one.downloadBytes)} to download`)
  return [...parts, ...short].join(", ")
}

/** Who would be asked for the rows. */
function waysWords(ways: readonly PlannedStretch[]): string {
  const direct = ways.filter(({ way }) => way === "data nodes")
  if (direct.length === ways.length) return "all from data nodes"
  if (direct.length === 0) return "all through the broker"
  const rows = sumOf(direct, (one) => one.rows ?? 0)
  return `${counted(rows, "row")} of them from data nodes, the rest through the broker`
}

/** Why a pull would exit with 3. */
function notAvailable(datasources: readonly PlannedDatasource[]): string {
  const number = sumOf(datasources, (one) => one.unavailable.length)
  return `${counted(number, "chunk is", "chunks are")} not available now`
}

/** Thousands of stretches as few lines: runs of one reason first, then everything of one reason. */
function stretchLines(fetch: readonly PlannedStretch[], verbose: boolean): string[] {
  const single = fetch.map((one) => [one])
  if (verbose || single.length <= MOST_LINES) return single.map(groupLine)
  const runs: PlannedStretch[][] = []
  for (const one of fetch) {
    const last = runs.at(-1)
    if (last !== undefined && last[0]!.kind === one.kind) last.push(one)
    else runs.push([one])
  }
  if (runs.length <= MOST_LINES) return runs.map(groupLine)
  return [...groupBy(fetch, (one) => one.kind).values()].map(groupLine)
}

function groupLine(group: readonly PlannedStretch[]): string {
  const first = group[0]!
  const interval = {
    start: parseInterval(first.interval).start,
    end: parseInterval(group.at(-1)!.interval).end,
  }
  const isSameReason = group.every((one) => one.reason === first.reason)
  const reason = isSameReason ? printable(first.reason) : MIXED[first.kind]!
  const several = group.length === 1 ? "" : `, ${count(group.length)} stretches`
  return `${intervalWords(interval)}: ${reason}${several}, ${rowsWords(group)}`
}

/** Reasons whose words differ from stretch to stretch. */
const MIXED: Readonly<Record<string, string>> = { replaced: "replaced by newer versions" }

function rowsWords(group: readonly PlannedStretch[]): string {
  const known = group.filter((one) => one.rows !== null)
  if (known.length === 0) return "rows not counted yet"
  const sum = sumOf(known, (one) => one.rows!)
  const rows = counted(sum, "row")
  return known.length === group.length ? rows : `${rows} and more`
}

function totalLine(plan: DryRun): string {
  const busy = plan.datasources.filter((one) => one.fetch.length > 0)
  const rows = sumOf(busy, (one) => one.rows)
  const bytes = sumOf(busy, (one) => one.segmentBytes)
  const slices = sumOf(busy, (one) => one.slices)
  const all = numberOf(plan.datasources)
  const isShort = plan.datasources.some((one) => one.unavailable.length > 0)
  const short = isShort ? `; INCOMPLETE: ${notAvailable(plan.datasources)}` : ""
  if (busy.length === 0) return `${all}: nothing to fetch${short}`
  return `${all}, ${count(busy.length)} with something to fetch: ${counted(rows, "row")} in ${counted(slices, "slice")}, ${size(bytes)} of segments${short}`
}
