/**
 * The engine's events as JSON, one object a line, for programs that collect logs (`--log-format json`). Each has `time`,
 * `level`, `event` and `message`; the other fields are numbers and names (`log/document.ts`).
 */
import { DruidsyncError, ExitCode, messageOf } from "../base/errors.ts"
import { jsonLine } from "../base/printable.ts"
import type { Label } from "../config/table-name.ts"
import type { SyncEvent } from "../pull/events.ts"
import { eventWords, type ToldEvent } from "./event-words.ts"
import type { LogRecord } from "./log/document.ts"
import type { Sink } from "./sink.ts"
import { styleFor } from "./text/style.ts"
import { summaryLines } from "./text/summary.ts"
import { counted, duration } from "./text/words.ts"

export interface JsonLogOptions {
  readonly stderr: Sink
  readonly nowMs: () => number
  /** warnings and errors alone */
  readonly quiet: boolean
  /** debug, too */
  readonly verbose: boolean
}

export interface JsonLog {
  /** writes the event's lines */
  take(event: SyncEvent): void
  /** writes a line, if its level is asked for */
  write(record: LogRecord): void
}

export function createJsonLog({ stderr, nowMs, quiet, verbose }: JsonLogOptions): JsonLog {
  let waitedFor: string | undefined
  const write = (record: LogRecord) => {
    if (quiet && (record.level === "info" || record.level === "debug")) return
    if (!verbose && record.level === "debug") return
    stderr.write(jsonLine({ time: new Date(nowMs()).toISOString(), ...record }))
  }
  return {
    write,
    take: (event) => {
      // Written once, however often the state is polled.
      if (event.type === "waiting" && event.message === waitedFor) return
      if (event.type === "waiting") waitedFor = event.message
      for (const record of recordsOf(event)) write(record)
    },
  }
}

/** The lines of an event; none for what only moves a progress bar. Pure. */
function recordsOf(event: SyncEvent): readonly LogRecord[] {
  if (event.type === "received") return []
  if (event.type === "finished") return finishedRecords(event.report)
  return [recordOf(event, eventWords(event))]
}

function recordOf(event: ToldEvent, message: string): LogRecord {
  switch (event.type) {
    case "looking": {
      const { url, datasources } = event
      return { level: "info", event: "looking", message, url, datasources }
    }
    case "planned": {
      const { rows, slices, round } = event
      return { level: "info", event: "planned", ...labelIn(event), message, rows, slices, round }
    }
    case "fetched": {
      const { bytes, expectedRows } = event
      return { level: "debug", event: "fetched", ...labelIn(event), message, bytes, expectedRows }
    }
    case "committed": {
      const { rows, slices } = event
      return { level: "info", event: "committed", ...labelIn(event), message, rows, slices }
    }
    case "retry": {
      const { waitMs, attempt } = event
      return { level: "info", event: "retry", message, waitMs, attempt }
    }
    case "waiting":
      return { level: "info", event: "waiting", message }
    case "warning": {
      const { datasource } = event
      const subject = datasource === undefined ? {} : labelIn({ ...event, datasource })
      return { level: "warn", event: "warning", ...subject, message }
    }
    case "detail":
      return { level: "debug", event: "detail", message }
  }
}

/** Whom an event is about. */
function labelIn({ datasource, table }: Label): Label {
  return table === undefined ? { datasource } : { datasource, table }
}

function finishedRecords(report: Extract<SyncEvent, { type: "finished" }>["report"]): LogRecord[] {
  const { runId, outcome, exitCode, durationMs, requests, rowsFetched, publish } = report
  const plain = styleFor({ write: () => true }, {})
  const lines = summaryLines({ ...report, datasources: [] }, false, plain)
  const records = report.datasources.map((one): LogRecord => {
    const [line] = summaryLines({ ...report, datasources: [one] }, false, plain)
    const { datasource, table, error, rowsDeleted, rows, cursor, bytes, slices } = one
    return {
      level: line!.level,
      event: "datasource",
      datasource,
      table,
      message: line!.text,
      runId,
      outcome: one.outcome,
      rowsFetched: one.rowsFetched,
      rowsDeleted,
      rows,
      cursor,
      bytes,
      slices,
      incomplete: one.incomplete.length,
      unavailable: one.unavailable.length,
      ...(error === undefined ? {} : { code: error.code }),
    }
  })
  for (const { lookup, outcome, rows, error } of report.lookups ?? []) {
    const said = error === undefined ? `${outcome}, ${counted(rows, "row")}` : `${outcome}: ${error.message}`
    records.push({
      level: outcome === "failed" ? "error" : "info",
      event: "lookup",
      message: `lookup ${lookup}: ${said}`,
      lookup,
      runId,
      outcome,
      rows,
      ...(error === undefined ? {} : { code: error.code }),
    })
  }
  if (publish !== undefined) {
    const said = lines.find(({ subject }) => subject === "publish")
    records.push({
      level: said?.level ?? "info",
      event: "publish",
      message: said?.text ?? "",
      runId,
      path: publish.path,
      outcome: publish.outcome,
      ...(publish.error === undefined ? {} : { code: publish.error.code }),
    })
  }
  const message = `${outcome}: ${counted(rowsFetched, "row")} in ${duration(durationMs)}`
  records.push({
    level: "info",
    event: "finished",
    message,
    runId,
    outcome,
    exitCode,
    durationMs,
    requests,
    rowsFetched,
  })
  return records
}

/** The error that ended a command, as a line of the log. */
export function errorRecord(error: unknown): LogRecord {
  const known = error instanceof DruidsyncError ? error : undefined
  return {
    level: "error",
    event: "error",
    message: messageOf(error),
    code: known?.code ?? "bug",
    exitCode: known?.exitCode ?? ExitCode.failed,
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  }
}
