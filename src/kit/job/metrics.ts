/**
 * A run in Prometheus' text format (exposition formats, version 0.0.4), for node_exporter's textfile collector. Pure.
 * Counters go on from what the file said before, gauges that could not be learnt this time stay as they were.
 */
import type { DatasourceReport } from "../../pull/document.ts"
import type { Figures } from "./figures.ts"

export interface RunFigures {
  readonly out: string
  readonly version: string
  readonly exitCode: number
  readonly startedMs: number
  readonly endedMs: number
  readonly requests: number
  readonly retries: number
  /** 1: there is a copy that is up to date; 0: there should be one; undefined: none was asked for */
  readonly published: 0 | 1 | undefined
  /** undefined if the configuration could not be read: what was said of them stays */
  readonly datasources: readonly DatasourceFigures[] | undefined
}

export interface DatasourceFigures {
  readonly name: string
  /** where another of its tables has the series of the datasource's name alone */
  readonly table?: string | undefined
  /** undefined if the run broke off, or was not about it */
  readonly report: DatasourceReport | undefined
  /** from the first of its slices that was planned to the last that was committed */
  readonly busyMs: number
  /** undefined if the file could not be read */
  readonly held: Figures | undefined
}

/** Samples by name and labels, as they are written. */
export type Samples = ReadonlyMap<string, string>

interface Family {
  readonly name: string
  readonly type: "counter" | "gauge"
  readonly help: string
}

/** A number about a run or a datasource; undefined if it was not learnt. */
type Value<Of> = (of: Of) => number | undefined

/** A number that this pull adds to what was there before. */
function counter<Of>(name: string, help: string, of: Value<Of>) {
  return { name, type: "counter", help, of } as const
}

/** A number that takes the place of the one before. */
function gauge<Of>(name: string, help: string, of: Value<Of>) {
  return { name, type: "gauge", help, of } as const
}

const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000)

const OF_RUN: readonly (Family & { readonly of: Value<RunFigures> })[] = [
  counter("runs_total", "Pulls, whatever their exit code.", () => 1),
  counter("requests_total", "Requests to Druid, of pulls that came to an end.", (run) => run.requests),
  counter("retries_total", "Requests to Druid that had to be sent again.", (run) => run.retries),
  gauge(
    "last_run_exit_code",
    "Exit code of the last pull: 0 complete, 3 incomplete, 11 locked.",
    (run) => run.exitCode,
  ),
  gauge("last_run_start_timestamp_seconds", "When the last pull began.", (run) => seconds(run.startedMs)),
  gauge("last_run_end_timestamp_seconds", "When the last pull ended.", (run) => seconds(run.endedMs)),
  gauge("last_run_duration_seconds", "How long the last pull took.", ({ startedMs, endedMs }) =>
    seconds(endedMs - startedMs),
  ),
  gauge(
    "last_run_published",
    "Whether the copy of --publish is up to date after the last pull.",
    (run) => run.published,
  ),
]

const OF_TABLE: readonly (Family & { readonly of: Value<DatasourceFigures> })[] = [
  counter("rows_fetched_total", "Rows fetched from Druid and stored.", ({ report }) => report?.rowsFetched),
  counter(
    "rows_deleted_total",
    "Rows taken out because Druid replaced or dropped them.",
    ({ report }) => report?.rowsDeleted,
  ),
  counter("received_bytes_total", "Bytes of rows received from Druid.", ({ report }) => report?.bytes),
  counter("slices_total", "Slices fetched, proven and stored.", ({ report }) => report?.slices),
  counter(
    "busy_seconds_total",
    "Time from the first planned slice of a pull to its last commit.",
    ({ busyMs }) => seconds(busyMs),
  ),
  gauge("rows", "Rows in the table.", ({ held }) => held?.rows),
  gauge(
    "provisional_rows",
    "Rows of realtime segments, which may still change.",
    ({ held }) => held?.provisionalRows,
  ),
  gauge("kept_rows", "Rows that Druid dropped and the file keeps.", ({ held }) => held?.keptRows),
  gauge("cursor_timestamp_seconds", "Greatest __time in the table that is not after the pull.", ({ held }) =>
    seconds(held?.newestMs),
  ),
  gauge("ahead_rows", "Rows in the table whose __time is after the pull.", ({ held }) => held?.aheadRows),
  gauge(
    "last_success_timestamp_seconds",
    "When the datasource was last found complete; 0: never.",
    ({ held }) => held && seconds(held.lastSuccessMs ?? 0),
  ),
  gauge(
    "complete",
    "Whether the last pull found all of it complete.",
    ({ report }) => report && Number(report.outcome === "complete"),
  ),
  gauge(
    "incomplete_intervals",
    "Stretches that the last pull had to leave incomplete.",
    ({ report }) => report?.incomplete.length,
  ),
  gauge(
    "unavailable_intervals",
    "Stretches that Druid should serve and does not.",
    ({ report }) => report?.unavailable.length,
  ),
  gauge(
    "cold_intervals",
    "Stretches that Druid's load rules keep on no server.",
    ({ report }) => report?.cold.length,
  ),
]

const PREFIX = "druidsync_"

/** Every metric's name. */
export const METRICS: readonly string[] = [
  `${PREFIX}build_info`,
  ...[...OF_RUN, ...OF_TABLE].map((family) => PREFIX + family.name),
]

/** @param before what `parseSamples` read from the file that this text replaces */
export function metricsText(run: RunFigures, before: Samples): string {
  const lines: string[] = []
  const family = ({ name, type, help }: Family, samples: readonly (string | undefined)[]) => {
    const known = samples.filter((line) => line !== undefined)
    if (known.length === 0) return
    lines.push(`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${type}`, ...known)
  }
  const sample = ({ name, type }: Family, labels: Labels, value: number | undefined) => {
    const key = sampleKey(PREFIX + name, labels)
    const old = before.get(key)
    if (type === "counter") return `${key} ${numberText(Number(old ?? 0) + (value ?? 0))}`
    const text = value === undefined ? old : numberText(value)
    return text === undefined ? undefined : `${key} ${text}`
  }
  const asBefore = ({ name }: Family) =>
    [...before].filter(([key]) => key.startsWith(`${PREFIX}${name}{`)).map((pair) => pair.join(" "))
  const info: Family = { name: "build_info", type: "gauge", help: "The druidsync that pulled last." }
  const { out, version, datasources } = run
  family(info, [sample(info, { out, version }, 1)])
  for (const one of OF_RUN) {
    const value = one.of(run)
    family(one, value === undefined ? [] : [sample(one, { out }, value)])
  }
  for (const one of OF_TABLE) {
    const samples = datasources?.map((figures) => {
      const { name: datasource, table } = figures
      const labels = table === undefined ? { out, datasource } : { out, datasource, table }
      return sample(one, labels, one.of(figures))
    })
    family(one, samples ?? asBefore(one))
  }
  return `${lines.join("\n")}\n`
}

/** The samples of a text that `metricsText` wrote; nothing of any other. */
export function parseSamples(text: string): Samples {
  const samples = new Map<string, string>()
  for (const line of text.split("\n")) {
    const at = line.lastIndexOf(" ")
    const value = line.slice(at + 1)
    if (line.startsWith(PREFIX) && at > 0 && value !== "" && Number.isFinite(Number(value)))
      samples.set(line.slice(0, at), value)
  }
  return samples
}

/** How a file of metrics begins: another one is not replaced. */
export const METRICS_START = `# HELP ${PREFIX}`

type Labels = Readonly<Record<string, string>>

function sampleKey(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`)
  return `${name}{${pairs.join(",")}}`
}

/** As the format wants it: backslash, quote and line break. Halves of surrogate pairs are no UTF-8. */
function escaped(value: string): string {
  return value.toWellFormed().replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
}

/** Milliseconds as seconds keep three digits; sums of them do not grow noise. */
function numberText(value: number): string {
  return String(Math.round(value * 1000) / 1000)
}
