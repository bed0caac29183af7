/** Results as text: a line per contender for a terminal, tables in Markdown for the documentation. */
import { median } from "./measure.ts"
import type { Contender, Results, Run } from "./results.ts"

/** A contender's typical figures: medians; of the peak the greatest, of the file the last. */
export interface Figures {
  readonly wallMs: number
  readonly leastMs: number
  readonly mostMs: number
  readonly cpuMs: number
  /** of Druid; undefined where it was not measured */
  readonly druidMs: number | undefined
  readonly peakBytes: number
  readonly rows: number
  readonly rowsHeld: number | undefined
  readonly fileBytes: number | undefined
  readonly rounds: number
}

export function figuresOf(runs: readonly Run[]): Figures {
  const walls = runs.map((run) => run.wallMs)
  const last = runs.at(-1)!
  const druid = runs.flatMap(({ druidMs }) => (druidMs === undefined ? [] : [druidMs]))
  return {
    wallMs: median(walls),
    leastMs: Math.min(...walls),
    mostMs: Math.max(...walls),
    cpuMs: median(runs.map((run) => run.cpuMs)),
    druidMs: druid.length === 0 ? undefined : median(druid),
    peakBytes: Math.max(...runs.map((run) => run.peakBytes)),
    rows: last.rows,
    rowsHeld: last.rowsHeld,
    fileBytes: last.fileBytes,
    rounds: runs.length,
  }
}

/** One line for a terminal. */
export function clientLine({ label, runs }: Contender): string {
  const { wallMs, cpuMs, druidMs, peakBytes, rows, fileBytes } = figuresOf(runs)
  const each = runs.map((run) => (run.wallMs / 1000).toFixed(2)).join(" ")
  return [
    label.padEnd(48),
    `wall ${seconds(wallMs)} (${each})`,
    `cpu ${seconds(cpuMs)}`,
    ...(druidMs === undefined ? [] : [`cpu of Druid ${seconds(druidMs)}`]),
    `peak ${megabytes(peakBytes)}`,
    ...(fileBytes === undefined ? [] : [`file ${megabytes(fileBytes)}`]),
    ...(rows === 0 ? [] : [`${count(rows / (wallMs / 1000))} rows/s`]),
  ].join("  ")
}

/** Everything, in Markdown. */
export function markdown(results: Results): string {
  const of = (group: Contender["group"]) => results.contenders.filter((one) => one.group === group)
  const live = [...of("floor"), ...of("ours"), ...of("other")]
  const parts = [
    `Measured on ${results.date} with druidsync ${results.version} on ${results.machine}; load average ` +
      `${results.load.map((value) => value.toFixed(1)).join(" to ")}. ${count(results.rows)} rows of \`wikipedia\` ` +
      `(17 columns, ${megabytes(results.wireBytes)} as \`arrayLines\`). Server and client share the processors. ` +
      "Times are medians of interleaved rounds; memory is the client's alone. The processor time of Druid is that of all its " +
      "processes, with what they do at rest.",
    liveTable(live, results),
  ]
  if (results.parquetBytes !== undefined) {
    parts.push(`The same rows as Parquet with zstd: ${megabytes(results.parquetBytes)}.`)
  }
  const replayed = of("replay")
  if (replayed.length > 0) parts.push("### The client alone", REPLAY_WORDS, replayTable(replayed))
  if (results.locking !== undefined) {
    const { attempts, successes, longestMs, torn } = results.locking
    const share = attempts === 0 ? 0 : Math.round((100 * successes) / attempts)
    parts.push(
      "### Reading during a pull",
      `During a full pull another program tried every 100 ms to open the file read-only: ${successes} of ${attempts} ` +
        `tries succeeded (${share}%), counted from the first commit on; the longest wait was ${seconds(longestMs)}. ` +
        `${torn === 0 ? "None" : torn} of them saw a slice in part.`,
    )
  }
  if (results.startUp.length > 0) {
    const lines = results.startUp.map(
      ({ label, wallMs, cpuMs }) => `| ${label} | ${milliseconds(wallMs)} | ${milliseconds(cpuMs)} |`,
    )
    parts.push("### Start-up", ["| what | wall | CPU |", "|---|--:|--:|", ...lines].join("\n"))
  }
  return parts.join("\n\n")
}

const REPLAY_WORDS =
  "A replay server sends generated rows as fast as loopback takes them, with hardly any work of its own, beside DuckDB " +
  "loading the same bytes from a local file with one `read_json` statement."

/** Ways to get the rows of a real Druid, beside the floor where it is one of them. */
export function liveTable(
  contenders: readonly Contender[],
  results: Pick<Results, "rows" | "wireBytes">,
): string {
  const floor = contenders.find((one) => one.key === "floor")
  const floorMs = floor === undefined ? undefined : figuresOf(floor.runs).wallMs
  const bytesPerRow = results.wireBytes / results.rows
  const lines = contenders.map(({ label, runs, group }) => {
    const { wallMs, cpuMs, druidMs, peakBytes, rows, rowsHeld, fileBytes, rounds } = figuresOf(runs)
    const isWhole = rows === results.rows
    const perSecond = rows / (wallMs / 1000)
    const lost =
      rowsHeld === undefined || group === "ours" || rowsHeld === results.rows ? "" : rowsHeld - results.rows
    return [
      label,
      seconds(wallMs),
      floorMs === undefined || !isWhole ? "" : `${(wallMs / floorMs).toFixed(2)} ×`,
      seconds(cpuMs),
      druidMs === undefined ? "" : seconds(druidMs),
      rows === 0 ? "" : count(perSecond),
      rows === 0 || bytesPerRow === 0 ? "" : `${((perSecond * bytesPerRow) / 1e6).toFixed(0)}`,
      megabytes(peakBytes),
      fileBytes === undefined ? "" : megabytes(fileBytes),
      lost === "" ? "" : count(lost),
      String(rounds),
    ]
  })
  const head = [
    "",
    "wall",
    "of the floor",
    "CPU of client",
    "CPU of Druid",
    "rows/s",
    "MB/s",
    "peak memory",
    "file",
    "rows wrong",
    "rounds",
  ]
  return table(head, lines)
}

function replayTable(contenders: readonly Contender[]): string {
  const lines = contenders.map(({ label, runs }) => {
    const { wallMs, cpuMs, peakBytes, rows, fileBytes, rounds } = figuresOf(runs)
    return [
      label,
      seconds(wallMs),
      seconds(cpuMs),
      rows === 0 ? "" : count(rows / (wallMs / 1000)),
      megabytes(peakBytes),
      fileBytes === undefined ? "" : megabytes(fileBytes),
      String(rounds),
    ]
  })
  return table(["", "wall", "CPU", "rows/s", "peak memory", "file", "rounds"], lines)
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`
  return [row(head), row(head.map((_, n) => (n === 0 ? "---" : "--:"))), ...lines.map(row)].join("\n")
}

export function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(1)} s`
}

function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB`
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US")
}
