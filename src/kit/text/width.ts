/** How many terminal cells a text takes, by string-width, and fitting it into that many. */
import stringWidth from "string-width"

/** What a terminal shows as one character, however many code points it is. */
const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** Cells of a text without escape sequences. */
export function displayWidth(text: string): number {
  // Each cell of a table is measured, and most are plain.
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text)
}

/** The text cut to so many cells, with `…` where something is missing. */
export function fit(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let used = 1
  let result = ""
  for (const { segment } of GRAPHEMES.segment(text)) {
    used += displayWidth(segment)
    if (used > width) break
    result += segment
  }
  return width < 1 ? "" : `${result}…`
}

/** Columns side by side, two cells apart, nothing trailing. @param align one letter per column: `l` or `r` */
export function columns(rows: readonly (readonly string[])[], align: string): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [n, cell] of row.entries()) widths[n] = Math.max(widths[n] ?? 0, displayWidth(cell))
  }
  return rows.map((row) =>
    row
      .map((cell, n) => {
        const space = " ".repeat(widths[n]! - displayWidth(cell))
        return align[n] === "r" ? space + cell : cell + space
      })
      .join("  ")
      .trimEnd(),
  )
}

/** Words wrapped to a width; the lines after the first are indented. */
export function wrap(text: string, width: number, indent = ""): string[] {
  const lines: string[] = []
  let line = ""
  for (const word of text.split(" ")) {
    const next = line === "" ? word : `${line} ${word}`
    if (line !== "" && displayWidth(next) > width) {
      lines.push(line)
      line = indent + word
    } else line = next
  }
  return [...lines, line]
}
