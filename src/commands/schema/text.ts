/** Columns in words: from Druid's types to DuckDB's, with notes. Pure. */
import { printable } from "../../base/printable.ts"
import type { Style } from "../../kit/text/style.ts"
import { columns } from "../../kit/text/width.ts"
import type { DatasourceSchema, SchemaColumn, SchemaReport } from "./document.ts"

export function schemaText(report: SchemaReport, style: Style): string {
  return report.datasources.map((one) => datasourceText(one, style)).join("\n")
}

function datasourceText(one: DatasourceSchema, style: Style): string {
  const name = style.bold(printable(one.datasource))
  if (one.error !== undefined) {
    const hint = one.error.hint === undefined ? "" : `  → ${printable(one.error.hint)}\n`
    return `${name}: ${style.red("cannot be read")}: ${printable(one.error.message)}\n${hint}`
  }
  const [header, ...rows] = columns([HEADER, ...one.columns.map(cells)], "llll")
  const lines = [style.dim(header!), ...rows].map((line) => `  ${line}\n`)
  return `${name} → table ${printable(one.table)}\n${lines.join("")}`
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
