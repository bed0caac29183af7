/** One question to a DuckDB file, answered as a small table of text. */
import { DuckDBInstance } from "@duckdb/node-api"

/** @throws Error with DuckDB's message */
export async function ask(file: string, sql: string): Promise<string> {
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY" })
  const connection = await instance.connect()
  try {
    const reader = await connection.runAndReadAll(sql)
    const table = [reader.columnNames(), ...reader.getRows().map((row) => row.map(String))]
    const widths = reader.columnNames().map((_, n) => Math.max(...table.map((row) => row[n]!.length)))
    return table
      .map((row) => `  ${row.map((cell, n) => cell.padEnd(widths[n]!)).join("  ")}`.trimEnd())
      .join("\n")
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
