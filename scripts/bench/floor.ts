/**
 * The floor of every client: DuckDB alone, in one statement, from a local file of the same rows into a database file.
 *
 *     bun scripts/bench/floor.ts ROWS.jsonl OUT.duckdb
 */
import { DuckDBInstance } from "@duckdb/node-api"
import { duckdbTypeOf, valueExpression } from "../../src/store/rows/types.ts"
import { makeTemplate } from "./replay/template.ts"

const [path, out] = process.argv.slice(2)
if (path === undefined || out === undefined) throw new Error("usage: floor.ts ROWS.jsonl OUT.duckdb")

const values = makeTemplate(0).columns.map(({ name, druidType }, n) => {
  const { duckdbType } = duckdbTypeOf(name, druidType, false)
  return `${valueExpression({ name, duckdbType }, n + 1)} AS "${name}"`
})
const instance = await DuckDBInstance.create(out)
const connection = await instance.connect()
await connection.run(
  `CREATE TABLE replay AS SELECT ${values.join(", ")} FROM read_json('${path}', ` +
    "format = 'newline_delimited', records = false, columns = {json: 'VARCHAR[]'})",
)
connection.closeSync()
instance.closeSync()
