/**
 * The usual way: `WHERE __time > cursor ORDER BY __time LIMIT n`, page after page, into DuckDB. Rows that share the
 * timestamp at a page's edge are lost.
 *
 *     bun scripts/bench/others/cursor.ts URL DATASOURCE OUT.duckdb PAGE_ROWS
 */
import { DuckDBInstance, DuckDBTimestampValue } from "@duckdb/node-api"

const [url, datasource, out, pageRows] = process.argv.slice(2) as [string, string, string, string]

const instance = await DuckDBInstance.create(out)
const connection = await instance.connect()
let types: Record<string, string> | undefined
let cursor = "0001-01-01T00:00:00.000Z"

for (;;) {
  const query =
    `SELECT * FROM "${datasource}" WHERE __time > TIME_PARSE('${cursor}') ` +
    `ORDER BY __time LIMIT ${Number(pageRows)}`
  const response = await fetch(`${url}/druid/v2/sql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, resultFormat: "object" }),
  })
  if (!response.ok) throw new Error(await response.text())
  const page = (await response.json()) as Record<string, string | number | null>[]
  if (page.length === 0) break
  if (types === undefined) {
    // Types by the first page, as such scripts have them.
    types = Object.fromEntries(Object.keys(page[0]!).map((name) => [name, typeOf(name, page)]))
    const columns = Object.entries(types).map(([name, type]) => `"${name}" ${type}`)
    await connection.run(`CREATE TABLE wikipedia (${columns.join(", ")})`)
  }
  const appender = await connection.createAppender("wikipedia")
  for (const row of page) {
    for (const [name, value] of Object.entries(row)) {
      if (value === null) appender.appendNull()
      else if (name === "__time")
        appender.appendTimestamp(new DuckDBTimestampValue(BigInt(Date.parse(String(value))) * 1000n))
      else if (types[name] === "BIGINT") appender.appendBigInt(BigInt(value))
      else if (types[name] === "DOUBLE") appender.appendDouble(Number(value))
      else appender.appendVarchar(String(value))
    }
    appender.endRow()
  }
  appender.closeSync()
  cursor = String(page.at(-1)!.__time)
}

function typeOf(name: string, page: readonly Record<string, string | number | null>[]): string {
  if (name === "__time") return "TIMESTAMP"
  const values = page.map((row) => row[name]).filter((value) => value !== null)
  if (values.length === 0 || values.some((value) => typeof value === "string")) return "VARCHAR"
  return values.every((value) => Number.isInteger(value)) ? "BIGINT" : "DOUBLE"
}

connection.closeSync()
instance.closeSync()
