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
  /** undefined where the configuration could not be read: what was said of them stays */
  readonly datasources: readonly DatasourceFigures[] | undefined
}

export interface DatasourceFigures {
  readonly name: string
  /** undefined where the run broke off, or was not about it */
  readonly report: DatasourceReport | undefined
  /** from the first of its slices that was planned to the last that was committed */
  readonly busyMs: number
  /** undefined where the file could not be read */
  readonly held: Figures | undefined
}

/** Samples by name and labels, as they are written. */
export type Samples = ReadonlyMap<string, string>

interface Family {
  readonly name: string
  readonly type: "counter" | "gauge"
  readonly help: string
}

/** A number per run. */
interface RunFamily extends Family {
  readonly of: (run: RunFigures) => number | undefined
}

/** A number per datasource; undefined: as it was before. */
interface DatasourceFamily extends Family {
  readonly of: (one: DatasourceFigures) => number | undefined
}

const seconds = (ms: number) => ms / 1000

const OF_RUN: readonly RunFamily[] = [
  { name: "runs_total", type: "counter", help: "Pulls, whatever their exit code.", of: () => 1 },
  {
    name: "requests_total",
    type: "counter",
    help: "Requests to Druid, of pulls that came to an end.",
    of: (run) => run.requests,
  },
  {
    name: "retries_total",
    type: "counter",
    help: "Requests to Druid that had to be sent again.",
    of: (run) => run.retries,
  },
  {
    name: "last_run_exit_code",
    type: "gauge",
    help: "Exit code of the last pull: 0 complete, 3 incomplete, 11 locked.",
    of: (run) => run.exitCode,
  },
  {
    name: "last_run_start_timestamp_seconds",
    type: "gauge",
    help: "When the last pull began.",
    of: (run) => seconds(run.startedMs),
  },
  {
    name: "last_run_end_timestamp_seconds",
    type: "gauge",
    help: "When the last pull ended.",
    of: (run) => seconds(run.endedMs),
  },
  {
    name: "last_run_duration_seconds",
    type: "gauge",
    help: "How long the last pull took.",
    of: (run) => seconds(run.endedMs - run.startedMs),
  },
  {
    name: "last_run_published",
    type: "gauge",
    help: "Whether the copy of --publish is up to date after the last pull.",
    of: (run) => run.published,
  },
]

const OF_DATASOURCE: readonly DatasourceFamily[] = [
  {
    name: "rows_fetched_total",
    type: "counter",
    help: "Rows fetched from Druid and stored.",
    of: ({ report }) => report?.rowsFetched ?? 0,
  },
  {
    name: "rows_deleted_total",
    type: "counter",
    help: "Rows taken out because Druid replaced or dropped them.",
    of: ({ report }) => report?.rowsDeleted ?? 0,
  },
  {
    name: "received_bytes_total",
    type: "counter",
    help: "Bytes of rows received from Druid.",
    of: ({ report }) => report?.bytes ?? 0,
  },
  {
    name: "slices_total",
    type: "counter",
    help: "Slices fetched, proven and stored.",
    of: ({ report }) => report?.slices ?? 0,
  },
  {
    name: "busy_seconds_total",
    type: "counter",
    help: "Time from the first planned slice of a pull to its last commit.",
    of: ({ busyMs }) => seconds(busyMs),
  },
  { name: "rows", type: "gauge", help: "Rows in the table.", of: ({ held }) => held?.rows },
  {
    name: "provisional_rows",
    type: "gauge",
    help: "Rows of realtime segments, which may still change.",
    of: ({ held }) => held?.provisionalRows,
  },
  {
    name: "kept_rows",
    type: "gauge",
    help: "Rows that Druid dropped and the file keeps.",
    of: ({ held }) => held?.keptRows,
  },
  {
    name: "cursor_timestamp_seconds",
    type: "gauge",
    help: "Greatest __time in the table that is not after the pull.",
    of: ({ held }) => (held?.newestMs === undefined ? undefined : seconds(held.newestMs)),
  },
  {
    name: "ahead_rows",
    type: "gauge",
    help: "Rows in the table whose __time is after the pull.",
    of: ({ held }) => held?.aheadRows,
  },
  {
    name: "last_success_timestamp_seconds",
    type: "gauge",
    help: "When the datasource was last found complete; 0: never.",
    of: ({ held }) => (held === undefined ? undefined : seconds(held.lastSuccessMs ?? 0)),
  },
  {
    name: "complete",
    type: "gauge",
    help: "Whether the last pull found all of it complete.",
    of: ({ report }) => (report === undefined ? undefined : Number(report.outcome === "complete")),
  },
  {
    name: "incomplete_intervals",
    type: "gauge",
    help: "Stretches that the last pull had to leave incomplete.",
    of: ({ report }) => report?.incomplete.length,
  },
  {
    name: "unavailable_intervals",
    type: "gauge",
    help: "Stretches that Druid should serve and does not.",
    of: ({ report }) => report?.unavailable.length,
  },
  {
    name: "cold_intervals",
    type: "gauge",
    help: "Stretches that Druid's load rules keep on no server.",
    of: ({ report }) => report?.cold.length,
  },
]

const PREFIX = "druidsync_"

/** Every metric's name. */
export const METRICS: readonly string[] = [
  `${PREFIX}build_info`,
  ...[...OF_RUN, ...OF_DATASOURCE].map((family) => PREFIX + family.name),
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
  for (const one of OF_DATASOURCE) {
    const samples = datasources?.map((figures) =>
      sample(one, { out, datasource: figures.name }, one.of(figures)),
    )
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
