/** The tables of a file with their columns, in words. Pure. */

import { printable } from "../../base/printable.ts"
import type { Style } from "../../kit/text/style.ts"
import { columns, fit } from "../../kit/text/width.ts"
import { counted } from "../../kit/text/words.ts"
import type { ListedTable } from "./query.ts"

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
