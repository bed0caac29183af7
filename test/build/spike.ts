/** A small program with the shape of the real one: DuckDB only where a command needs it. */

import { DruidsyncError } from "../../src/base/errors.ts"

const [command, argument] = process.argv.slice(2)
try {
  if (command === "--version") console.log(DRUIDSYNC_VERSION)
  else {
    const { DuckDBInstance } = await import("@duckdb/node-api")
    const connection = await (await DuckDBInstance.create(":memory:")).connect()
    const reader = await connection.runAndReadAll(argument ?? "select 42")
    console.log(JSON.stringify(reader.getRowsJson()))
  }
} catch (error) {
  if (!(error instanceof DruidsyncError)) throw error
  console.error(`${error.code}: ${error.message}\n${error.hint}`)
  process.exitCode = error.exitCode
}

declare const DRUIDSYNC_VERSION: string
