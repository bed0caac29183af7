/** Rows of a query in each output format. Rows are written while they arrive; the result is never held as a whole. */

import type { QueryColumn, QueryResult, QueryRow } from "../../store/query/query.ts"
import type { RowsTarget, Write } from "./paced.ts"
import { writeTable } from "./table.ts"

/** Forms of a result that is text. */
export type RowsFormat = "table" | "csv" | "json" | "markdown"

/** @returns number of rows written */
export function writeRows(format: RowsFormat, result: QueryResult, target: RowsTarget): Promise<number> {
  if (format === "csv") return writeCsv(result, target.write)
  if (format === "json") return writeJson(result, target.write)
  if (format === "markdown") return writeMarkdown(result, target.write)
  return writeTable(result, target)
}

/** RFC 4180 with line feeds; NULL is nothing, an empty text is `""`. */
async function writeCsv({ columns, rows }: QueryResult, write: Write): Promise<number> {
  const line = (cells: QueryRow) => `${cells.map(csvCell).join(",")}\n`
  await write(line(columns.map(({ name }) => name)))
  return each(rows, (row) => write(line(row)))
}

function csvCell(cell: string | null): string {
  if (cell === null) return ""
  return cell === "" || /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

/** An array of objects, a row to a line. Cells are JSON text already. */
async function writeJson({ columns, rows }: QueryResult, write: Write): Promise<number> {
  const keys = distinctNames(columns).map((name) => JSON.stringify(name))
  let separator = "[\n"
  const written = await each(rows, async (row) => {
    await write(`${separator}{${row.map((cell, n) => `${keys[n]}:${cell ?? "null"}`).join(",")}}`)
    separator = ",\n"
  })
  await write(written === 0 ? "[]\n" : "\n]\n")
  return written
}

/** Two columns of one name would be one key: the second gets `_2`. */
function distinctNames(columns: readonly Pick<QueryColumn, "name">[]): string[] {
  const all = new Set(columns.map(({ name }) => name))
  const used = new Set<string>()
  return columns.map(({ name }) => {
    let candidate = name
    for (let n = 2; used.has(candidate) || (candidate !== name && all.has(candidate)); n++) {
      candidate = `${name}_${n}`
    }
    used.add(candidate)
    return candidate
  })
}

async function writeMarkdown({ columns, rows }: QueryResult, write: Write): Promise<number> {
  const line = (cells: QueryRow) => `| ${cells.map((cell) => markdownCell(cell ?? "NULL")).join(" | ")} |\n`
  await write(line(columns.map(({ name }) => name)))
  await write(`|${columns.map(({ isNumeric }) => (isNumeric ? " ---: " : " --- ")).join("|")}|\n`)
  return each(rows, (row) => write(line(row)))
}

function markdownCell(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("|", "\\|")
    .replaceAll("<", "&lt;")
    .replace(/\r\n|\r|\n/g, "<br>")
}

async function each(
  rows: AsyncIterable<readonly QueryRow[]>,
  take: (row: QueryRow) => Promise<void>,
): Promise<number> {
  let written = 0
  for await (const some of rows) {
    for (const row of some) await take(row)
    written += some.length
  }
  return written
}
