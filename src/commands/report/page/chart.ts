/**
 * The time line of a datasource: bars for rows, a lane for each state, and the same as a table. A lane says its state by
 * its place, its label and its pattern; colour only helps. Positions are percentages, so that nothing is stretched.
 */
import { formatDruidTime } from "../../../base/time.ts"
import { MARKS, type Mark } from "../../../kit/status/states.ts"
import { capital, count, counted } from "../../../kit/text/words.ts"
import type { Lane } from "../model.ts"
import type { Bin, Bins } from "./bins.ts"
import { Html, html } from "./html.ts"

/** The patterns, once for the whole page. */
export const PATTERNS = new Html(
  `<svg class="defs" aria-hidden="true" focusable="false"><defs>` +
    `<pattern id="p-provisional" width="6" height="4" patternUnits="userSpaceOnUse"><path class="s-provisional" d="M0 1h6" stroke-width="2"/></pattern>` +
    `<pattern id="p-unproven" width="5" height="5" patternUnits="userSpaceOnUse"><circle class="s-unproven" cx="2.5" cy="2.5" r="1.8"/></pattern>` +
    `<pattern id="p-stale" width="4" height="6" patternUnits="userSpaceOnUse"><path class="s-stale" d="M1 0v6" stroke-width="2"/></pattern>` +
    `<pattern id="p-kept" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="s-kept" d="M0 3h6" stroke-width="3.5"/></pattern>` +
    `<pattern id="p-missing" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="s-missing" d="M0 3h6M3 0v6" stroke-width="2.4"/></pattern>` +
    "</defs></svg>",
)

/** @param name of the datasource, for labels */
export function chart(name: string, { bins, unit, isSpread, unbounded }: Bins, lanes: readonly Lane[]): Html {
  const most = Math.max(...bins.map((bin) => bin.rows))
  return html`<figure><figcaption><h3>Chunks and rows over time</h3></figcaption>
<div class="plot">
<div class="lane"><div class="lab"><b>Rows per ${unit}</b> <small class="muted">at most ${count(most)}</small></div>${bars(bins, most)}</div>
${lanes.map((lane) => laneRow(lane, bins))}
<div class="lane axis"><div class="lab"></div><div class="over-x">${ticks(bins)}<div data-js hidden><input class="pick" type="range" min="0" max="0" step="1" aria-label="${`Bars of ${name} in time order`}"></div></div></div>
<div class="lane axis"><div class="lab"></div><p class="readout muted" data-js hidden>Point at a bar, or move the slider, to read it.</p></div>
</div>
${isSpread && html`<p class="muted"><small>Some chunks are longer than a bar: their rows are drawn spread evenly over their bars.</small></p>`}
${unbounded.chunks > 0 && html`<p class="muted"><small>${`${counted(unbounded.chunks, "chunk")} without bounds in time (${counted(unbounded.rows, "row")}) cannot be drawn.`}</small></p>`}
${table(name, bins, unit)}</figure>`
}

/** A share as a percentage, short. */
const percent = (share: number) => `${Number((share * 100).toFixed(3))}%`

/** Narrow bars are drawn a little wider than they are: a hairline would not be seen. */
const MIN_SHARE = 0.003
/** Broad ones narrower: one chunk alone would be a wall. */
const MAX_SHARE = 0.08

function bars(bins: readonly Bin[], most: number): Html {
  const rects = bins
    .filter((bin) => bin.rows > 0)
    .map(({ from, to, rows }) => {
      const whole = to - from
      const width = Math.max(Math.min(whole * 0.86, MAX_SHARE), MIN_SHARE)
      // A broad one stands in the middle of its time.
      const x = whole * 0.86 > MAX_SHARE ? from + (whole - width) / 2 : from
      const height = Math.max(rows / most, 0.015)
      return `<rect x="${percent(x)}" y="${percent(1 - height)}" width="${percent(width)}" height="${percent(height)}"/>`
    })
  return new Html(
    `<svg class="bars m-complete" aria-hidden="true" focusable="false">` +
      `<line class="grid" x1="0" x2="100%" y1="0" y2="0"/><line class="grid" x1="0" x2="100%" y1="50%" y2="50%"/>${rects.join("")}</svg>`,
  )
}

function laneRow({ mark, chunks, rows }: Lane, bins: readonly Bin[]): Html {
  const { name } = MARKS[mark]
  const what =
    rows === undefined ? counted(chunks, "interval") : `${counted(chunks, "chunk")}, ${counted(rows, "row")}`
  return html`<div class="lane"><div class="lab"><b>${capital(name)}</b> <small class="muted">${what}</small></div>${strip(mark, bins)}</div>
`
}

/** Neighbours with the mark are one rectangle. */
function strip(mark: Mark, bins: readonly Bin[]): Html {
  const runs: { from: number; to: number }[] = []
  let wasMarked = false
  for (const { from, to, marks } of bins) {
    const isMarked = marks.has(mark)
    if (isMarked && wasMarked) runs.at(-1)!.to = to
    else if (isMarked) runs.push({ from, to })
    wasMarked = isMarked
  }
  const fill = mark === "complete" ? ` class="m-complete"` : ` fill="url(#p-${mark})"`
  const rects = runs.map(
    ({ from, to }) =>
      `<rect x="${percent(from)}" width="${percent(Math.max(to - from, MIN_SHARE))}" height="100%"/>`,
  )
  return new Html(
    `<svg class="strip" aria-hidden="true" focusable="false"><g${fill}>${rects.join("")}</g></svg>`,
  )
}

const TICKS = 4

function ticks(bins: readonly Bin[]): Html {
  const edges = [...bins.map((bin) => ({ at: bin.from, ms: bin.startMs })), { at: 1, ms: bins.at(-1)!.endMs }]
  const steps = Math.min(TICKS, bins.length)
  const isShort = bins.at(-1)!.endMs - bins[0]!.startMs <= 3 * 86_400_000
  const marks = Array.from({ length: steps + 1 }, (_, n) => {
    const { at, ms } = edges[Math.round((n * (edges.length - 1)) / steps)]!
    const anchor = n === 0 ? "start" : n === steps ? "end" : "middle"
    const odd = n === 0 || n === steps ? "" : ` class="t-odd"`
    const words = isShort ? moment(ms) : moment(ms).slice(0, -6)
    return `<g${odd}><line x1="${percent(at)}" x2="${percent(at)}" y1="0" y2="5"/><text x="${percent(at)}" y="19" text-anchor="${anchor}">${words}</text></g>`
  })
  return new Html(`<svg class="ticks" aria-hidden="true" focusable="false">${marks.join("")}</svg>`)
}

/** `2024-01-31 05:00` */
function moment(ms: number): string {
  return formatDruidTime(BigInt(ms)).replace("T", " ").slice(0, -8)
}

const DAY_MS = 86_400_000

/** When a bar is: its day, its month, its first and last moment. */
export function binWords(startMs: number, endMs: number): string {
  if (startMs % DAY_MS !== 0 || endMs % DAY_MS !== 0) {
    const [from, to] = [moment(startMs), moment(endMs)]
    return `${from} to ${from.slice(0, -6) === to.slice(0, -6) ? to.slice(-5) : to}`
  }
  const [first, last] = [moment(startMs), moment(endMs - DAY_MS)].map((words) => words.slice(0, -6))
  return first === last ? first! : `${first} to ${last}`
}

function marksWords(marks: ReadonlyMap<Mark, number>): string {
  const words = Object.entries(MARKS).flatMap(([mark, { name }]) => {
    const chunks = marks.get(mark as Mark)
    return chunks === undefined ? [] : [`${name}: ${count(chunks)}`]
  })
  return words.length === 0 ? "no chunk" : words.join(", ")
}

/** Empty neighbours are one line. */
function table(name: string, bins: readonly Bin[], unit: string): Html {
  const lines: { startMs: number; endMs: number; from: number; to: number; bin: Bin | undefined }[] = []
  for (const bin of bins) {
    const { startMs, endMs, from, to } = bin
    const last = lines.at(-1)
    if (bin.marks.size > 0) lines.push({ startMs, endMs, from, to, bin })
    else if (last !== undefined && last.bin === undefined) Object.assign(last, { endMs, to })
    else lines.push({ startMs, endMs, from, to, bin: undefined })
  }
  return html`<details><summary>The same as a table <small class="muted">${counted(lines.length, "line")}, by ${unit}</small></summary>
<div class="scroll tall" tabindex="0" role="region" aria-label="${`Chunks and rows of ${name} over time`}"><table><thead><tr><th scope="col">Time (UTC)</th><th scope="col" class="num">Rows</th><th scope="col">Chunks</th></tr></thead><tbody>
${lines.map(
  ({ startMs, endMs, from, to, bin }) =>
    html`<tr data-at="${`${short(from)} ${short(to)}`}"><td class="nowrap">${binWords(startMs, endMs)}</td><td class="num">${bin === undefined ? "0" : count(bin.rows)}</td><td>${bin === undefined ? "no chunk" : marksWords(bin.marks)}</td></tr>
`,
)}</tbody></table></div></details>`
}

const short = (share: number) => String(Number(share.toFixed(5)))
