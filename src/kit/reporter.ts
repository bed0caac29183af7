/**
 * Shows a run on stderr while it goes on: live lines on a terminal, few plain lines elsewhere, or a JSON log. What the
 * command was asked for goes to stdout, by `output.ts`.
 */
import { printable } from "../base/printable.ts"
import type { Emit, SyncEvent } from "../pull/events.ts"
import { eventWords } from "./event-words.ts"
import type { LogFormat } from "./flags.ts"
import { createJsonLog, type JsonLogOptions } from "./json-log.ts"
import type { LogRecord } from "./log/document.ts"
import { type Env, isLive } from "./sink.ts"
import { titleOf } from "./text/list.ts"
import { LiveRegion } from "./text/live.ts"
import { liveLines } from "./text/live-view.ts"
import { RunProgress } from "./text/progress.ts"
import { styleFor } from "./text/style.ts"
import { type SummaryLine, summaryLines } from "./text/summary.ts"
import { duration } from "./text/words.ts"

export interface ReporterOptions extends JsonLogOptions {
  readonly env: Env
  /** whether lines may be redrawn, since nothing else is printed meanwhile. Default: true */
  readonly live?: boolean
  /** how stderr speaks; default: text */
  readonly logFormat?: LogFormat | undefined
  /** calls `tick` again and again until the function that it returns is called; for the live lines */
  readonly every?: (ms: number, tick: () => void) => () => void
}

export interface Reporter {
  readonly emit: Emit
  /** a line for people that is neither warning nor progress; not with `--quiet`, nor in the JSON log */
  info(text: string): void
  /** writes a line of the JSON log that is not an event of the engine; does nothing if the log is text */
  log(record: LogRecord): void
  /** takes the live lines away; nothing may be emitted after it */
  close(): void
}

const CROWDED_HINT = 'What decides whose turn it is: "priority", and "lane" in "context"'

/** Live lines are drawn at most this often. */
const REDRAW_MS = 100

export function createReporter(options: ReporterOptions): Reporter {
  const { stderr, env, nowMs } = options
  const style = styleFor(stderr, env)
  const jsonLog = options.logFormat === "json" ? createJsonLog(options) : undefined
  const mayDraw = options.live !== false && !options.quiet && jsonLog === undefined
  const live = mayDraw && isLive(stderr, env) ? new LiveRegion(stderr) : undefined
  const progress = new RunProgress()
  const write = (text: string) => (live === undefined ? stderr.write(`${text}\n`) : live.above(text))
  const unlessQuiet = (text: string) => options.quiet || write(text)
  /** Each takes text that is safe to print; with `--quiet`, warnings and errors alone are. */
  const lines = {
    warn: (text: string) => write(`${style.yellow("warning:")} ${text}`),
    info: unlessQuiet,
    detail: (text: string) => options.verbose && unlessQuiet(style.dim(text)),
    summary: ({ text, level }: SummaryLine) => (level === "info" ? unlessQuiet : write)(text),
  }
  /** what is being waited for, while nothing else happens */
  let status: string | undefined
  let waitedFor: string | undefined
  let isCrowded = false
  const every = options.every ?? realEvery
  let stop = live === undefined ? undefined : every(REDRAW_MS, draw)

  function draw(): void {
    const screen = { width: stderr.columns ?? 80, height: Math.min(12, Math.max(3, (stderr.rows ?? 24) - 2)) }
    live?.show(liveLines(progress, status, nowMs(), screen, style))
  }

  /** Removes the live lines; what is written after that stays. */
  function settle(): void {
    stop?.()
    stop = undefined
    live?.clear()
  }

  function emit(event: SyncEvent): void {
    if (jsonLog !== undefined) {
      jsonLog.take(event)
      return
    }
    progress.take(event, nowMs())
    switch (event.type) {
      case "received":
        status = undefined
        break
      case "looking":
        status = eventWords(event)
        if (live === undefined) lines.detail(printable(status))
        break
      case "waiting":
        status = event.message
        // Printed once, however often the state is polled; on a terminal the live line shows it.
        if (live === undefined && waitedFor !== event.message) lines.info(printable(event.message))
        waitedFor = event.message
        break
      case "planned":
      case "fetched":
      case "committed":
        status = undefined
        lines.detail(`${titleOf(event)}: ${eventWords(event)}`)
        break
      case "retry":
        if (event.code === "too-many-requests") {
          // The client retries for up to an hour: warn only once.
          if (!isCrowded)
            lines.warn(`${printable(event.message)}; asking again until it does. ${CROWDED_HINT}`)
          isCrowded = true
          lines.detail(`asking again in ${duration(event.waitMs, false)}`)
          break
        }
        lines.info(
          `trying again in ${duration(event.waitMs, false)} (${event.attempt} of 3): ${printable(event.message)}`,
        )
        break
      case "warning": {
        const subject =
          event.datasource === undefined ? "" : `${titleOf({ ...event, datasource: event.datasource })}: `
        lines.warn(subject + printable(event.message))
        break
      }
      case "detail":
        lines.detail(printable(event.message))
        break
      case "finished":
        settle()
        for (const line of summaryLines(event.report, options.verbose, style)) lines.summary(line)
    }
  }

  return {
    emit,
    log: (record) => jsonLog?.write(record),
    info: (text) => {
      if (jsonLog === undefined) lines.info(printable(text))
    },
    close: settle,
  }
}

function realEvery(ms: number, tick: () => void): () => void {
  const timer = setInterval(tick, ms)
  // A forgotten reporter must not keep the process alive.
  timer.unref()
  return () => clearInterval(timer)
}
