/** The tables of a file with their columns: how they are asked for, and how they look. */
import { groupBy } from "../../base/lists.ts"
import { printable } from "../../base/printable.ts"
import type { Style } from "../../kit/text/style.ts"
import { columns, fit } from "../../kit/text/width.ts"
import { counted } from "../../kit/text/words.ts"
import type { QueryResult, QueryRow } from "../../store/query/query.ts"

/** Columns of all tables, a row each: what `query` without SQL answers in the forms for programs. */
export const COLUMNS_SQL = `SELECT c.table_name AS "table", c.column_name AS "column", c.data_type AS "type", c.comment
FROM duckdb_columns() c WHERE c.database_name = 'file' AND NOT c.internal
ORDER BY starts_with(c.table_name, '_sync_'), c.table_name, c.column_index`

/** The file's tables and views with their columns, a row each; druidsync's own last. */
export const TABLES_SQL = `SELECT t.name, t.kind, t.rows::VARCHAR, c.column_name, c.data_type, c.comment
FROM (
  SELECT table_name AS name, 'table' AS kind, estimated_size AS rows, table_oid AS oid FROM duckdb_tables() WHERE database_name = 'file'
  UNION ALL
  SELECT view_name, 'view', NULL, view_oid FROM duckdb_views() WHERE database_name = 'file' AND NOT internal
) t JOIN duckdb_columns() c ON c.table_oid = t.oid AND c.database_name = 'file'
ORDER BY starts_with(t.name, '_sync_'), t.name, c.column_index`

export interface ListedTable {
  readonly name: string
  readonly kind: "table" | "view"
  /** undefined for a view */
  readonly rows: number | undefined
  readonly columns: readonly {
    readonly name: string
    readonly type: string
    readonly comment: string | undefined
  }[]
}

/** From the answer to `TABLES_SQL`, whose cells are text. */
export async function listTables({ rows }: QueryResult): Promise<ListedTable[]> {
  const all: QueryRow[] = []
  for await (const some of rows) all.push(...some)
  return [...groupBy(all, ([name]) => name!)].map(([name, group]) => {
    const [[, kind, rows] = []] = group
    return {
      name,
      kind: kind as ListedTable["kind"],
      rows: rows == null ? undefined : Number(rows),
      columns: group.map(([, , , column, type, comment]) => ({
        name: column!,
        type: type!,
        comment: comment ?? undefined,
      })),
    }
  })
}

/** @param width of the terminal in cells; undefined if nothing has to fit */
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
