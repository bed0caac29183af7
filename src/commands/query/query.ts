/** Questions to the file: SQL, or what tables it has. Asks nothing of Druid. */
import type { Clock } from "../../base/clock.ts"
import { messageOf } from "../../base/errors.ts"
import { cannotWrite, makeResultFile } from "../../kit/result-file.ts"
import { threadsHere } from "../../store/engine.ts"
import { queryFile, queryToParquet } from "../../store/query/query.ts"

export type { QueryColumn, QueryResult, QueryRow } from "../../store/query/query.ts"

export interface FileQueryOptions {
  /** absolute path of the file */
  readonly out: string
  /** how long a commit of someone else is waited for, ms */
  readonly lockWaitMs: number
  readonly allowFiles: boolean
  readonly memoryLimitBytes: number
  readonly clock: Clock
  readonly newId: () => string
  /** called once with a description of who holds the lock */
  readonly onWait: (holder: string) => void
  readonly signal: AbortSignal
}

/** Runs SQL and hands its result to `use` while the file is open. @throws DruidsyncError as `queryFile` */
export function runQuery<T>(
  options: FileQueryOptions,
  sql: string,
  cells: "json" | "text",
  use: Parameters<typeof queryFile<T>>[1],
): Promise<T> {
  return queryFile({ ...storeOptions(options), sql, cells }, use)
}

/**
 * Writes the rows of one statement to a Parquet file, beside it first and then by rename: what was there stays until the
 * new file is whole.
 * @returns number of rows
 */
export function writeParquet(options: FileQueryOptions, sql: string, to: string): Promise<number> {
  return makeResultFile(to, options.newId(), (path) =>
    queryToParquet({ ...storeOptions(options), sql }, path).catch((error) => {
      // DuckDB names the file that it could not write.
      throw messageOf(error).includes(path) ? cannotWrite(to, error) : error
    }),
  )
}

function storeOptions(options: FileQueryOptions) {
  const { out, ...rest } = options
  return {
    ...rest,
    path: out,
    memoryLimit: `${Math.floor(options.memoryLimitBytes / 1e6)}MB`,
    threads: threadsHere({ most: 8 }),
  }
}

/** Columns of all tables, a row each: what `query` without SQL answers in the forms for programs. */
export const COLUMNS_SQL = `SELECT c.table_name AS "table", c.column_name AS "column", c.data_type AS "type", c.comment
FROM duckdb_columns() c WHERE c.database_name = 'file' AND NOT c.internal
ORDER BY starts_with(c.table_name, '_sync_'), c.table_name, c.column_index`

const TABLES_SQL = `SELECT t.name, t.kind, t.rows::VARCHAR, c.column_name, c.data_type, c.comment
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

/** The file's tables and views with their columns; druidsync's own last. */
export function listTables(options: FileQueryOptions): Promise<ListedTable[]> {
  return runQuery(options, TABLES_SQL, "text", async ({ rows }) => {
    const tables = new Map<string, ListedTable & { columns: ListedTable["columns"][number][] }>()
    for await (const some of rows) {
      for (const [name, kind, count, column, type, comment] of some) {
        const table = tables.get(name!) ?? {
          name: name!,
          kind: kind as "table" | "view",
          rows: count === null ? undefined : Number(count),
          columns: [],
        }
        tables.set(name!, table)
        table.columns.push({ name: column!, type: type!, comment: comment ?? undefined })
      }
    }
    return [...tables.values()]
  })
}
