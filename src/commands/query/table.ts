/**
 * Rows as a table that fits the terminal: the widest columns are narrowed first. If even narrow columns do not fit side by
 * side, each row gets lines of its own, one for each column. Widths come from the first rows, so that a result of any length
 * can be shown while it arrives.
 */

import { sumOf } from "../../base/lists.ts"
import { printable } from "../../base/printable.ts"
import type { Style } from "../../kit/text/style.ts"
import { displayWidth, fit } from "../../kit/text/width.ts"
import { counted } from "../../kit/text/words.ts"
import type { QueryColumn, QueryResult, QueryRow } from "../../store/query/query.ts"
import type { RowsTarget } from "./paced.ts"

/** Rows that the widths are measured with. */
const SAMPLE_ROWS = 1_000
/** A column is not made narrower than this to fit. */
const NARROWEST = 8
const GAP = "  "

/** @returns number of rows written */
export async function writeTable(result: QueryResult, target: RowsTarget): Promise<number> {
  const { columns, rows } = result
  const { write, width } = target
  if (columns[0]?.name === "explain_key") return writePlans(rows, target)
  const sample: QueryRow[] = []
  const rest = rows[Symbol.asyncIterator]()
  let more = true
  while (more && sample.length < SAMPLE_ROWS) {
    const next = await rest.next()
    if (next.done === true) more = false
    else sample.push(...next.value)
  }
  const widths = columnWidths(columns, sample, width)
  const lines = widths === undefined ? recordLines(columns, target) : rowLines(columns, widths, target)
  if (widths !== undefined) await write(headerLine(columns, widths, target.style))
  let written = 0
  const show = async (some: readonly QueryRow[]) => {
    for (const row of some) await write(lines(row, ++written))
  }
  await show(sample)
  while (more) {
    const next = await rest.next()
    if (next.done === true) more = false
    else await show(next.value)
  }
  await write(`${target.style.dim(`(${counted(written, "row")})`)}\n`)
  return written
}

/** The answer to EXPLAIN is a drawing, printed as it is. */
async function writePlans(rows: QueryResult["rows"], { write }: RowsTarget): Promise<number> {
  let written = 0
  for await (const some of rows) {
    for (const row of some) await write(`${row[1] ?? ""}\n`)
    written += some.length
  }
  return written
}

/**
 * Width of each column in cells; undefined if they do not fit side by side.
 * @param width undefined: take what they need
 */
function columnWidths(
  columns: readonly Pick<QueryColumn, "name" | "isText">[],
  sample: readonly QueryRow[],
  width: number | undefined,
): number[] | undefined {
  const widths = columns.map(({ name }, n) => valuesWidth(sample, n, displayWidth(printable(name))))
  if (width === undefined) return widths
  // A long name above short numbers is cut before any value is.
  const least = widths.map((one, n) =>
    columns[n]!.isText ? Math.min(one, NARROWEST) : valuesWidth(sample, n, Math.min(one, NARROWEST)),
  )
  const room = width - GAP.length * Math.max(0, columns.length - 1)
  return total(least) > room ? undefined : narrowed(widths, least, room)
}

function valuesWidth(sample: readonly QueryRow[], n: number, least: number): number {
  return sample.reduce((most, row) => Math.max(most, displayWidth(cellText(row[n]!))), least)
}

/** Takes from the widest column, as long as it may give, until all fit. */
function narrowed(widths: readonly number[], least: readonly number[], room: number): number[] {
  const result = [...widths]
  for (let over = total(result) - room; over > 0; over--) {
    let widest = -1
    for (const [n, one] of result.entries()) {
      if (one > least[n]! && (widest < 0 || one > result[widest]!)) widest = n
    }
    result[widest]!--
  }
  return result
}

function total(numbers: readonly number[]): number {
  return sumOf(numbers, (one) => one)
}

function headerLine(columns: readonly QueryColumn[], widths: readonly number[], style: Style): string {
  const names = columns.map(({ name, isNumeric }, n) =>
    aligned(fit(printable(name), widths[n]!), widths[n]!, isNumeric),
  )
  const rule = widths.map((one) => "─".repeat(one))
  return `${style.bold(names.join(GAP).trimEnd())}\n${style.dim(rule.join(GAP))}\n`
}

/** A later row may need more room than the measured rows: text is then cut on a terminal, numbers never. */
function rowLines(
  columns: readonly QueryColumn[],
  widths: readonly number[],
  { width, style }: Pick<RowsTarget, "width" | "style">,
) {
  return (row: QueryRow): string => {
    const cells = row.map((cell, n) => {
      const { isText, isNumeric } = columns[n]!
      const whole = cellText(cell)
      const text = width !== undefined && isText ? fit(whole, widths[n]!) : whole
      return cell === null
        ? style.dim(aligned(text, widths[n]!, isNumeric))
        : aligned(text, widths[n]!, isNumeric)
    })
    return `${cells.join(GAP).trimEnd()}\n`
  }
}

/** `name  value` lines below the number of the row. */
function recordLines(columns: readonly QueryColumn[], { width, style }: RowsTarget) {
  const names = columns.map(({ name }) => fit(printable(name), 30))
  const left = Math.max(...names.map(displayWidth))
  const right = Math.max(NARROWEST, (width ?? 80) - left - GAP.length)
  return (row: QueryRow, nth: number): string => {
    const cells = row.map((cell, n) => {
      const text = fit(cellText(cell), right)
      return `${style.bold(aligned(names[n]!, left, false))}${GAP}${cell === null ? style.dim(text) : text}\n`
    })
    return `${style.dim(`── row ${nth}`)}\n${cells.join("")}`
  }
}

function cellText(cell: string | null): string {
  return cell === null ? "NULL" : printable(cell)
}

function aligned(text: string, width: number, atRight: boolean): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)))
  return atRight ? space + text : text + space
}
