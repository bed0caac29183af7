/** A terminal session as an SVG: a dark window that can be read on a light page and on a dark one. Pure. */
import type { Line, Look, Run } from "./terminal.ts"

/** A command and what it printed; or words about what happened in between. */
export type Scene =
  | { readonly command: string; readonly lines: readonly Line[] }
  | { readonly remark: string }

const FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
const SIZE = 13
/** width of a character; each run is stretched to it, whatever font there is */
const CHAR = 7.8
const LINE = 19
const EDGE = 18
const BAR = 34
const BACK = "#161b22"
const FRAME = "#30363d"
const TEXT = "#d1d7e0"
const DIM = "#8b949e"
const COLOURS = ["#6e7681", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#76e3ea", "#d1d7e0"]

export function sessionSvg(title: string, scenes: readonly Scene[], columns: number): string {
  const lines = scenes.flatMap((scene, n) => [...(n === 0 ? [] : [[]]), ...linesOf(scene)])
  const width = Math.round(columns * CHAR + 2 * EDGE)
  const height = BAR + lines.length * LINE + EDGE
  const dots = ["#ff5f57", "#febc2e", "#28c840"].map(
    (colour, n) => `<circle cx="${EDGE + 4 + n * 18}" cy="17" r="5.5" fill="${colour}"/>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="9" fill="${BACK}" stroke="${FRAME}"/>
${dots.join("")}
<g font-family="${FONT}" font-size="${SIZE}" fill="${TEXT}" xml:space="preserve">
${lines.flatMap((line, n) => texts(line, BAR + n * LINE + SIZE)).join("\n")}
</g>
</svg>
`
}

const look = (more: Partial<Look>): Look => ({ isBold: false, isDim: false, colour: undefined, ...more })

function linesOf(scene: Scene): Line[] {
  if ("remark" in scene) return [[{ text: `# ${scene.remark}`, look: look({ colour: 3 }) }]]
  const prompt = { text: "$ ", look: look({ colour: 2 }) }
  return [[prompt, { text: scene.command, look: look({ isBold: true }) }], ...scene.lines]
}

function texts(line: Line, y: number): string[] {
  let column = 0
  return line.flatMap(({ text, look }: Run) => {
    const lead = text.length - text.trimStart().length
    const x = EDGE + (column + lead) * CHAR
    column += [...text].length
    const word = text.trim()
    if (word === "") return []
    const weight = look.isBold ? ` font-weight="700"` : ""
    const colour = look.colour === undefined ? (look.isDim ? DIM : undefined) : COLOURS[look.colour % 8]
    const fill = colour === undefined ? "" : ` fill="${colour}"`
    const length = round([...word].length * CHAR)
    return `<text x="${round(x)}" y="${y}" textLength="${length}"${fill}${weight}>${escaped(word)}</text>`
  })
}

const round = (n: number) => Math.round(n * 10) / 10

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")
}
