/** The live lines of a run as text, fitted to the terminal. Pure. */
import { printable } from "../../base/printable.ts"
import type { DatasourceStanding, RunProgress, Standing } from "./progress.ts"
import type { Style } from "./style.ts"
import { columns, displayWidth, fit } from "./width.ts"
import { count, counted, duration, size } from "./words.ts"

export interface Screen {
  /** cells */
  readonly width: number
  /** lines that may be used */
  readonly height: number
}

const BAR_CELLS = 10

/**
 * One line per datasource that is being fetched, as many as there is room for; then one for all, where there are
 * several; then what is being waited for.
 */
export function liveLines(
  progress: RunProgress,
  status: string | undefined,
  nowMs: number,
  screen: Screen,
  style: Style,
): string[] {
  // The last cell stays free: some terminals wrap when it is written.
  const width = Math.max(10, screen.width - 1)
  const all = progress.datasources(nowMs)
  const active = all.filter((one) => one.phase === "fetching" || one.phase === "storing")
  const hasTotal = all.length > 1
  const room = Math.max(1, screen.height - (hasTotal ? 1 : 0) - (status === undefined ? 0 : 1))
  const shown = (active.length > 0 || hasTotal ? active : all.filter((one) => one.phase === "queued")).slice(
    0,
    room,
  )
  const lines = shown.length === 0 ? [] : fitted(shown, width)
  if (hasTotal) lines.push(style.bold(totalLine(progress, all, shown.length, nowMs, width)))
  if (status !== undefined) lines.push(style.dim(fit(printable(status), width)))
  return lines
}

/** Each layout leaves out what can be spared next; the first that fits is taken. */
const LAYOUTS: readonly { cells: (one: DatasourceStanding) => string[]; align: string }[] = [
  {
    cells: (one) => [bar(one), percent(one), rowsOf(one), rate(one), speed(one), left(one)],
    align: "lrrrrl",
  },
  { cells: (one) => [percent(one), rowsOf(one), rate(one), speed(one), left(one)], align: "rrrrl" },
  { cells: (one) => [percent(one), rowsOf(one), rate(one), left(one)], align: "rrrl" },
  { cells: (one) => [percent(one), rowsOf(one), left(one)], align: "rrl" },
  { cells: (one) => [percent(one), left(one)], align: "rl" },
]

function fitted(shown: readonly DatasourceStanding[], width: number): string[] {
  const names = shown.map((one) => fit(one.title, Math.max(8, Math.floor(width / 3))))
  let lines: string[] = []
  for (const { cells, align } of LAYOUTS) {
    lines = columns(
      shown.map((one, n) => [names[n]!, ...cells(one)]),
      `l${align}`,
    )
    if (lines.every((line) => displayWidth(line) <= width)) return lines
  }
  return lines.map((line) => fit(line, width))
}

function bar({ share }: DatasourceStanding): string {
  const full = Math.floor((share ?? 0) * BAR_CELLS)
  return "█".repeat(full) + "░".repeat(BAR_CELLS - full)
}

/** Of the rows. Before the first response is whole, nothing tells how many rows its bytes are: the speed alone moves. */
function percent({ share }: Standing): string {
  return `${Math.floor((share ?? 0) * 100)} %`
}

function rowsOf(one: Standing): string {
  return `${count(one.rows)} of ${counted(one.expected, "row")}`
}

function rate(one: Standing): string {
  return one.rate === undefined || one.rate <= 0 ? "" : `${count(one.rate)} rows/s`
}

function speed(one: Standing): string {
  return one.bytesRate === undefined || one.bytesRate <= 0 ? "" : `${size(one.bytesRate)}/s`
}

function left(one: DatasourceStanding): string {
  if (one.phase === "storing") return "storing"
  return one.leftMs === undefined ? "" : `${duration(atLeastASecond(one.leftMs), false)} left`
}

/** Whole seconds: tenths would only flicker. */
function atLeastASecond(ms: number): number {
  return Math.max(1, Math.round(ms / 1000)) * 1000
}

function totalLine(
  progress: RunProgress,
  all: readonly DatasourceStanding[],
  shown: number,
  nowMs: number,
  width: number,
): string {
  const total = progress.total(nowMs)
  const done = all.filter((one) => one.phase === "done").length
  const hidden = all.length - done - shown
  const head = `${count(done)} of ${count(all.length)} datasources done${hidden > 0 ? `, ${count(hidden)} not shown` : ""}`
  const rows = rowsOf(total)
  const share = percent(total)
  const left = total.leftMs === undefined ? "" : `${duration(atLeastASecond(total.leftMs), false)} left`
  const layouts = [
    [head, share, rows, rate(total), speed(total), left],
    [head, share, rows, rate(total), left],
    [head, rows, rate(total), left],
    [head, rows, left],
    [head, left],
    [head],
  ]
  const texts = layouts.map((parts) => parts.filter((part) => part !== "").join(" · "))
  return texts.find((text) => displayWidth(text) <= width) ?? fit(head, width)
}
