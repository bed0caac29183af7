/** Markdown that is made: tables, and the parts of a page that a person wrote. Pure. */

/** A table, with a line break at its end. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`
  return `${line(head)}|${"---|".repeat(head.length)}\n${rows.map(line).join("")}`
}

/**
 * The page with what stands between `<!-- made: NAME -->` and `<!-- /made -->` replaced.
 * @throws Error where the page has no such marks
 */
export function withPart(page: string, name: string, part: string): string {
  const begin = `<!-- made: ${name} -->\n`
  const end = "<!-- /made -->"
  const from = page.indexOf(begin)
  const to = page.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error(`there is no part "${name}" to fill`)
  return page.slice(0, from + begin.length) + part + page.slice(to)
}
