/** The files of a benchmark: what they hold, and taking them away. */

import { existsSync, rmSync, statSync } from "node:fs"
import { DuckDBInstance } from "@duckdb/node-api"

/** Removes a DuckDB file with what may stand beside it. */
export function removeDatabase(path: string): void {
  for (const end of ["", ".wal", ".druidsync"]) rmSync(path + end, { force: true, recursive: true })
}

export function bytesOf(path: string): number | undefined {
  return existsSync(path) ? statSync(path).size : undefined
}

/** Rows of all tables named `table`, whatever schema they are in; undefined where there is no such file. */
export async function rowsHeld(path: string, table: string): Promise<number | undefined> {
  if (!existsSync(path)) return undefined
  return withDatabase(path, async (all) => {
    const schemas = await all(
      `SELECT schema_name FROM duckdb_tables() WHERE table_name = '${table}' AND schema_name NOT LIKE '%staging'`,
    )
    let rows = 0
    for (const [schema] of schemas) {
      const [row] = await all(`SELECT count(*) FROM "${schema}"."${table}"`)
      rows += Number(row![0])
    }
    return rows
  })
}

/** Size of the table's rows as Parquet with zstd. */
export async function parquetBytes(path: string, table: string, aside: string): Promise<number> {
  await withDatabase(path, (all) => all(`COPY "${table}" TO '${aside}' (FORMAT parquet, COMPRESSION zstd)`))
  const bytes = statSync(aside).size
  rmSync(aside)
  return bytes
}

/** Milliseconds that a query takes in a file that was opened anew, without opening it. */
export function scanMs(path: string, sql: string): Promise<number> {
  return withDatabase(path, async (all) => {
    const startMs = performance.now()
    await all(sql)
    return performance.now() - startMs
  })
}

type All = (sql: string) => Promise<unknown[][]>

async function withDatabase<T>(path: string, work: (all: All) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" })
  const connection = await instance.connect()
  try {
    return await work(async (sql) => (await connection.runAndReadAll(sql)).getRows() as unknown[][])
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
