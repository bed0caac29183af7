/** Another program with a DuckDB file open: `bun other.ts MODE PATH`; a line of SQL in, a line of JSON rows out. */
import { createInterface } from "node:readline"
import { DuckDBInstance } from "@duckdb/node-api"

const [mode = "", path = ""] = process.argv.slice(2)
try {
  const instance = await DuckDBInstance.create(path, { access_mode: mode })
  const connection = await instance.connect()
  console.log("open")
  for await (const sql of createInterface(process.stdin)) {
    console.log(JSON.stringify((await connection.runAndReadAll(sql)).getRowObjectsJson()))
  }
  connection.closeSync()
  instance.closeSync()
} catch (error) {
  console.log(String(error).replaceAll("\n", " "))
}
