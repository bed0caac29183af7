/** How many terminal cells a text takes, and fitting it into that many. */

// Ranges of East Asian wide and fullwidth characters, and of emoji (Unicode's EastAsianWidth.txt, in broad strokes).
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u
const NONE = /\p{Mn}|\p{Me}|\p{Cf}/u

/** Cells of a text without escape sequences. */
export function displayWidth(text: string): number {
  let width = 0
  for (const char of text) width += cells(char)
  return width
}

function cells(char: string): number {
  if (char >= " " && char <= "~") return 1
  if (NONE.test(char)) return 0
  return WIDE.test(char) ? 2 : 1
}

/** The text cut to so many cells, with `…` where something is missing. */
export function fit(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let used = 1
  let result = ""
  for (const char of text) {
    used += cells(char)
    if (used > width) break
    result += char
  }
  return width < 1 ? "" : `${result}…`
}

/** Columns side by side, two cells apart, nothing trailing. @param align one letter per column: `l` or `r` */
export function columns(rows: readonly (readonly string[])[], align: string, gap = "  "): string[] {
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
      .join(gap)
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
