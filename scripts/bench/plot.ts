/**
 * The plot of the benchmark, as SVG written by hand: a line per way, wall time on a logarithmic scale (the slowest takes
 * many times the fastest), the client's processor time beside it. Colours that can be read on light and on dark.
 */

import type { Results } from "./results.ts"
import { figuresOf, seconds } from "./table.ts"

const WIDTH = 880
const LEFT = 290
const RIGHT = 180
const TOP = 64
const LINE = 30
const TEXT = "#7d8590"
const GRID = "#8b949e"
const COLOURS = { floor: "#8b949e", ours: "#2f81f7", other: "#bc6c25", replay: "#8b949e" } as const

export function plot(results: Results): string {
  const lines = results.contenders
    .filter((one) => one.group !== "replay")
    .map((one) => ({ ...one, figures: figuresOf(one.runs) }))
    .filter(({ figures }) => figures.rows === results.rows)
    .sort((a, b) => a.figures.wallMs - b.figures.wallMs)
  const values = lines.flatMap(({ figures }) => [figures.wallMs, figures.cpuMs]).map((ms) => ms / 1000)
  const scale = logScale(Math.min(...values), Math.max(...values))
  const height = TOP + lines.length * LINE + 34
  const bottom = TOP + lines.length * LINE
  // Over several powers of ten there is room for these alone.
  const isLabelled = (tick: number) => scale.ticks.length < 8 || /^(0\.0*)?10*$/.test(String(tick))
  const grid = scale.ticks.map((tick) => {
    const x = scale.x(tick)
    return (
      `<line x1="${x}" y1="${TOP - 8}" x2="${x}" y2="${bottom}" stroke="${GRID}" stroke-opacity=".3"/>` +
      (isLabelled(tick) ? `<text x="${x}" y="${bottom + 18}" text-anchor="middle">${tick} s</text>` : "")
    )
  })
  const rows = lines.map(({ label, group, figures }, n) => {
    const y = TOP + n * LINE + LINE / 2
    const { wallMs, cpuMs, leastMs, mostMs } = figures
    const [wall, cpu] = [scale.x(wallMs / 1000), scale.x(cpuMs / 1000)]
    const [least, most] = [scale.x(leastMs / 1000), scale.x(mostMs / 1000)]
    const colour = COLOURS[group]
    const weight = group === "ours" ? ' font-weight="600"' : ""
    return [
      `<text x="${LEFT - 14}" y="${y + 4}" text-anchor="end"${weight}>${escaped(plain(label))}</text>`,
      `<line x1="${LEFT}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}" stroke="${GRID}" stroke-opacity=".15"/>`,
      `<line x1="${least}" y1="${y}" x2="${most}" y2="${y}" stroke="${colour}" stroke-width="3"/>`,
      `<circle cx="${cpu}" cy="${y}" r="4.5" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<circle cx="${wall}" cy="${y}" r="6" fill="${colour}"/>`,
      `<text x="${WIDTH - RIGHT + 14}" y="${y + 4}"${weight}>${seconds(wallMs)}, CPU ${seconds(cpuMs)}</text>`,
    ].join("")
  })
  const count = results.rows.toLocaleString("en-US")
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Time to copy ${count} rows from Druid, by way">
<g font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="12.5" fill="${TEXT}">
<text x="16" y="24" font-size="15" font-weight="600">Copying ${count} rows from Druid into DuckDB</text>
<circle cx="22" cy="40" r="6" fill="${TEXT}"/><text x="34" y="44">wall time (bar: fastest to slowest round)</text>
<circle cx="340" cy="40" r="4.5" fill="none" stroke="${TEXT}" stroke-width="2"/><text x="352" y="44">processor time of the client</text>
<text x="${WIDTH - 16}" y="44" text-anchor="end">logarithmic, less is better</text>
${grid.join("\n")}
${rows.join("\n")}
</g>
</svg>
`
}

/** Places between `LEFT` and the right edge; ticks at 1, 2 and 5 of each power of ten. */
function logScale(least: number, most: number) {
  const all = [-3, -2, -1, 0, 1, 2, 3, 4].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power))
  const low = all.findLast((tick) => tick <= least) ?? all[0]!
  const high = all.find((tick) => tick >= most) ?? all.at(-1)!
  const span = Math.log(high / low) || 1
  const x = (value: number) =>
    Math.round((LEFT + (Math.log(value / low) / span) * (WIDTH - LEFT - RIGHT)) * 10) / 10
  const ticks = all.filter((tick) => tick >= low && tick <= high).map((tick) => Number(tick.toPrecision(1)))
  return { x, ticks }
}

/** Without Markdown. */
function plain(label: string): string {
  return label.replaceAll(/\*\*|`/g, "")
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}
