/** The tables of a file with their columns, in words. Pure. */
import type { ListedTable } from "../explore/query.ts"
import { printable } from "../printable.ts"
import type { Style } from "./style.ts"
import { columns, fit } from "./width.ts"
import { counted } from "./words.ts"

/** @param width of the terminal in cells; undefined where nothing has to fit */
export function tablesText(tables: readonly ListedTable[], style: Style, width: number | undefined): string {
  if (tables.length === 0) return "the file has no tables\n"
  return tables
    .map((table) => {
      const { name, kind, rows } = table
      const size = rows === undefined ? kind : counted(rows, "row")
      const lines = columns(
        table.columns.map((column) => [
          printable(column.name),
          column.type,
          column.comment === undefined ? "" : printable(column.comment),
        ]),
        "lll",
      )
      return [
        `${style.bold(printable(name))}  ${style.dim(size)}`,
        ...lines.map((line) => (width === undefined ? `  ${line}` : fit(`  ${line}`, width))),
        "",
      ]
        .map((line) => `${line}\n`)
        .join("")
    })
    .join("")
    .replace(/\n\n$/, "\n")
}
