/** Columns in words: from Druid's types to DuckDB's, with notes. Pure. */
import { printable } from "../../base/printable.ts"
import { failedLines, linesText, titlesIn } from "../../kit/text/list.ts"
import { plannedLines } from "../../kit/text/lookups.ts"
import type { Style } from "../../kit/text/style.ts"
import { columns } from "../../kit/text/width.ts"
import type { DatasourceSchema, SchemaColumn, SchemaReport } from "./document.ts"

export function schemaText(report: SchemaReport, style: Style): string {
  const title = titlesIn(report.datasources)
  const texts = report.datasources.map((one) =>
    one.error === undefined
      ? datasourceText(one, style)
      : linesText(failedLines(title(one), "cannot be read", one.error, style)),
  )
  const lookups = plannedLines(report.lookups, style)
  return [...texts, ...(lookups.length === 0 ? [] : [linesText(lookups)])].join("\n")
}

function datasourceText(one: DatasourceSchema, style: Style): string {
  const [header, ...rows] = columns([HEADER, ...one.columns.map(cells)], "llll")
  const title = `${style.bold(printable(one.datasource))} → table ${printable(one.table)}`
  return linesText([title, ...[style.dim(header!), ...rows].map((line) => `  ${line}`)])
}

const HEADER = ["COLUMN", "IN DRUID", "IN DUCKDB", "NOTES"]

function cells(column: SchemaColumn): string[] {
  return [
    printable(column.column ?? column.name),
    printable(column.druidType ?? column.sqlType ?? "-"),
    column.duckdbType ?? "-",
    column.notes.map(printable).join("; "),
  ]
}
