/** What a file holds, in words. Pure. */

import type { PartState } from "../../base/domain.ts"
import { parseInterval } from "../../base/intervals.ts"
import { printable } from "../../base/printable.ts"
import type { DatasourceStatus, StatusReport } from "../../kit/status/document.ts"
import type { Style } from "../../kit/text/style.ts"
import { columns } from "../../kit/text/width.ts"
import { ago, count, counted, duration, intervalsWords, size, time } from "../../kit/text/words.ts"

const HEADER = ["DATASOURCE", "TABLE", "ROWS", "SIZE", "NEWEST ROW (UTC)", "LAST SUCCESS", "STATUS"]

/** @param nowMs for "5 minutes ago" */
export function statusText(report: StatusReport, nowMs: number, style: Style): string {
  const { datasources } = report
  const rows = datasources.reduce((sum, one) => sum + one.rows, 0)
  const lines = [
    `${style.bold(printable(report.file))}: ${counted(datasources.length, "datasource")}, ${counted(rows, "row")}, ${size(report.bytes)}`,
  ]
  if (report.runner !== null) lines.push(`a pull is under way: ${printable(report.runner)}`)
  if (datasources.length > 0) {
    const [header, ...cells] = columns([HEADER, ...datasources.map((one) => row(one, nowMs))], "llrrlll")
    lines.push("", style.dim(header!), ...cells)
  }
  const notes = datasources.flatMap((one) => notesOf(one, style))
  if (notes.length > 0) lines.push("", ...notes)
  return lines.map((line) => `${line}\n`).join("")
}

function row(one: DatasourceStatus, nowMs: number): string[] {
  return [
    printable(one.datasource),
    one.table === null ? "-" : printable(one.table),
    count(one.rows),
    one.bytes === null ? "-" : size(one.bytes),
    one.cursor === null ? "-" : time(one.cursor),
    one.lastSuccess === null ? "never" : ago(Date.parse(one.lastSuccess), nowMs),
    one.status,
  ]
}

const WORDS: Readonly<Record<Exclude<PartState, "complete">, string>> = {
  provisional: "provisional: realtime, they may still change in Druid",
  unproven: "unproven: stored, but Druid had not counted them yet",
  stale: "stale: old rows, still whole; the next pull replaces them",
  kept: "kept: Druid dropped them, they are here alone",
}

function notesOf(one: DatasourceStatus, style: Style): string[] {
  const name = style.bold(printable(one.datasource))
  const notes: string[] = []
  if (one.shard !== null) notes.push(`shard ${one.shard}: the days of other shards are in other files`)
  if (one.status === "killed") {
    notes.push("its last run was killed; what is stored is whole, the next pull goes on from there")
  } else if (one.status === "dropped") {
    notes.push(`${style.yellow("its table was dropped")}; the next pull fetches all of it again`)
  } else if (one.status !== "complete" && one.message !== null) {
    notes.push(`${style.yellow(one.status)}: ${printable(one.message)}`)
  }
  for (const state of ["unproven", "stale", "provisional", "kept"] as const) {
    const group = one.parts[state]
    if (group === undefined) continue
    const where = intervalsWords(group.intervals.map(parseInterval))
    notes.push(`${counted(group.rows, "row")} (${where}) ${WORDS[state]}`)
  }
  if (one.foreignRows !== null) {
    notes.push(
      `${style.yellow("changed by another program")}: its table has ${counted(one.foreignRows, "row")}, druidsync stored ${count(one.rows)}; pull --full --only ${JSON.stringify(printable(one.datasource))} brings it back`,
    )
  }
  if (one.lastRun?.outcome === "interrupted" && one.lastRun.durationMs !== null && one.message === null) {
    notes.push(`interrupted after ${duration(one.lastRun.durationMs)}`)
  }
  return notes.map((note) => `${name}: ${note}`)
}
