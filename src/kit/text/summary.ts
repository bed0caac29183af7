/** The end of a run in words: one line per datasource, fit for cron's mail. Pure. */

import type { Interval } from "../../base/domain.ts"
import { parseInterval } from "../../base/intervals.ts"
import { printable } from "../../base/printable.ts"
import type {
  DatasourceReport,
  Incomplete,
  LookupReport,
  PublishReport,
  PullReport,
} from "../../pull/document.ts"
import { LEFT_WHOLE, MARKS } from "../status/states.ts"
import { hintWords, numberOf, titlesIn } from "./list.ts"
import { failedLookup } from "./lookups.ts"
import type { Style } from "./style.ts"
import { count, counted, duration, intervalsWords, rangeWords, size, spansWords, time } from "./words.ts"

export interface SummaryLine {
  readonly text: string
  readonly level: "error" | "warn" | "info"
  /** set where the line is not about a datasource */
  readonly subject?: "publish" | "total" | "lookup"
}

/** Different reasons that a summary line gives, unless everything is asked for. */
const MOST_REASONS = 3

/** @param verbose every incomplete stretch, instead of the first few */
export function summaryLines(report: PullReport, verbose: boolean, style: Style): SummaryLine[] {
  const isOnly = report.datasources.length === 1
  const title = titlesIn(report.datasources)
  const lines = report.datasources.map((one): SummaryLine => {
    const took = isOnly ? ` in ${duration(report.durationMs)}` : ""
    const text = `${style.bold(title(one))}: ${datasourceLine(one, took, verbose, style)}`
    const limits =
      report.range === undefined || one.error !== undefined ? "" : `; ${rangeWords(report.range)}`
    return { text: text + limits, level: LEVELS[one.outcome] }
  })
  if (report.lookups !== undefined) lines.push(...lookupLines(report.lookups, style))
  if (!isOnly) lines.push({ text: totalLine(report, style), level: "info", subject: "total" })
  if (report.publish !== undefined) lines.push(publishLine(report.publish, style))
  return lines
}

/** Those that are new, other, or not to be had, each on a line; the others together. */
function lookupLines(lookups: readonly LookupReport[], style: Style): SummaryLine[] {
  const subject = "lookup" as const
  const lines = lookups.flatMap(({ lookup, table, outcome, rows, error }): SummaryLine[] => {
    const name = style.bold(printable(lookup))
    const where = `${counted(rows, "row")} in table ${printable(table)}`
    if (error !== undefined && outcome === "failed")
      return [{ text: failedLookup(lookup, error, style), level: "error", subject }]
    if (outcome === "new" || outcome === "replaced")
      return [{ text: `lookup ${name}: ${outcome}, ${where}`, level: "info", subject }]
    return []
  })
  const same = lookups.filter((one) => one.outcome === "unchanged").length
  if (same > 0) lines.push({ text: `${counted(same, "lookup")} unchanged`, level: "info", subject })
  return lines
}

/** What became of the copy for readers. */
function publishLine({ path, outcome, error }: PublishReport, style: Style): SummaryLine {
  const shown = printable(path)
  const subject = "publish" as const
  switch (outcome) {
    case "published":
      return { text: `published: ${shown}`, level: "info", subject }
    case "up-to-date":
      return { text: `published before, and up to date: ${shown}`, level: "info", subject }
    case "nothing":
      return { text: `nothing to publish yet at ${shown}`, level: "info", subject }
    case "skipped":
      return { text: `interrupted before a copy was published at ${shown}`, level: "warn", subject }
    case "failed": {
      const why = error === undefined ? shown : printable(error.message) + hintWords(error)
      const text = `${style.red("NOT PUBLISHED")}: ${why}`
      return { text, level: "error", subject }
    }
  }
}

const LEVELS = { complete: "info", incomplete: "warn", interrupted: "warn", failed: "error" } as const

function datasourceLine(one: DatasourceReport, took: string, verbose: boolean, style: Style): string {
  const parts = [fetchedWords(one) + took, tableWords(one)]
  if (one.provisionalRows > 0)
    parts.push(`${count(one.provisionalRows)} of them provisional (${MARKS.provisional.meaning})`)
  if (one.keptRows > 0) parts.push(`${count(one.keptRows)} of them kept (${MARKS.kept.meaning})`)
  if (one.cold.length > 0) {
    parts.push(`${spansWords(one.cold)} is on no Druid server (load rules): left as it is`)
  }
  const known = parts.filter((part) => part !== "").join("; ")
  return verdict(one, verbose, style) + known
}

/** What a person must see first. */
function verdict(one: DatasourceReport, verbose: boolean, style: Style): string {
  if (one.error !== undefined) {
    return `${style.red("FAILED")}: ${printable(one.error.message)}${hintWords(one.error)}; `
  }
  if (one.outcome === "interrupted") {
    return `${style.yellow("INTERRUPTED")}: ${LEFT_WHOLE}; `
  }
  if (one.incomplete.length === 0) return ""
  return `${style.yellow("INCOMPLETE")}: ${incompleteWords(one.incomplete, verbose)}; `
}

/** Stretches with the same reason in one breath. */
export function incompleteWords(incomplete: readonly Incomplete[], verbose: boolean): string {
  const byReason = new Map<string, Interval[]>()
  for (const { interval, reason } of incomplete) {
    const list = byReason.get(reason) ?? []
    if (interval !== "") list.push(parseInterval(interval))
    byReason.set(reason, list)
  }
  const groups = [...byReason].map(([reason, intervals]) => {
    const words = intervals.length === 0 ? "" : `${intervalsWords(intervals, verbose ? Infinity : 3)}: `
    return words + printable(reason)
  })
  if (verbose || groups.length <= MOST_REASONS) return groups.join("; ")
  const rest = groups.length - MOST_REASONS
  return [...groups.slice(0, MOST_REASONS), `and ${count(rest)} more, which --verbose lists`].join("; ")
}

function fetchedWords(one: DatasourceReport): string {
  if (one.rowsFetched === 0 && one.rowsDeleted === 0) {
    return one.outcome === "complete" ? "nothing new" : "nothing fetched"
  }
  const isAll = one.rowsPastBroker === one.rowsFetched
  const past =
    one.rowsPastBroker === 0 ? "" : `, ${isAll ? "" : `${count(one.rowsPastBroker)} rows `}past the broker`
  const fetched = `${counted(one.rowsFetched, "row")} fetched (${size(one.bytes)}${past})`
  return one.rowsDeleted === 0 ? fetched : `${fetched}, ${counted(one.rowsDeleted, "old row")} taken out`
}

function tableWords(one: DatasourceReport): string {
  if (one.rows === 0 && one.cursor === null)
    return one.rowsFetched === 0 && one.error !== undefined ? "" : "no rows"
  const newest = one.cursor === null ? "" : `, newest ${time(one.cursor)}`
  return `${counted(one.rows, "row")} in table ${printable(one.table)}${newest}`
}

function totalLine(report: PullReport, style: Style): string {
  const outcomes = (["complete", "incomplete", "interrupted", "failed"] as const).flatMap((outcome) => {
    const number = report.datasources.filter((one) => one.outcome === outcome).length
    return number === 0 ? [] : [`${count(number)} ${outcome}`]
  })
  const fetched = `${counted(report.rowsFetched, "row")} in ${duration(report.durationMs)}`
  return style.dim(
    `${numberOf(report.datasources)}: ${outcomes.join(", ")}; ${fetched}, ${counted(report.requests, "request")}`,
  )
}
