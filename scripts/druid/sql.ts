/** SQL against a development Druid, through the router. */
import type { Druid } from "./cluster.ts"
import { DruidHttpError, request } from "./http.ts"

/** A name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Query context, and whom to ask. */
export interface SqlOptions {
  context?: Record<string, unknown>
  /** Default: the router. */
  url?: string
  /** Default 60,000 ms. */
  timeoutMs?: number
}

/**
 * Runs a query and answers its rows as objects. Values went through JavaScript numbers: for 64-bit integers beyond
 * 2^53 cast to VARCHAR or use `sqlText`.
 * @throws DruidHttpError with Druid's own message.
 */
export async function sql<Row = Record<string, unknown>>(
  druid: Druid,
  query: string,
  options: SqlOptions = {},
): Promise<Row[]> {
  const body = { query, resultFormat: "object", context: options.context ?? {} }
  const url = `${options.url ?? druid.routerUrl}/druid/v2/sql`
  return (await request(url, { body, timeoutMs: options.timeoutMs ?? 60_000 })) as Row[]
}

/**
 * Runs a query and answers the lines of the answer as they came: nothing parsed, nothing lost.
 * @throws DruidHttpError; Error if the answer does not end the way a complete one does.
 */
export async function sqlLines(
  druid: Druid,
  query: string,
  resultFormat: "arrayLines" | "objectLines" = "arrayLines",
): Promise<string[]> {
  const url = `${druid.routerUrl}/druid/v2/sql`
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, resultFormat }),
  })
  const text = await response.text()
  if (!response.ok) throw new DruidHttpError(url, response.status, text)
  if (!text.endsWith("\n\n"))
    throw new Error(`The answer was cut: it ends in ${JSON.stringify(text.slice(-60))}`)
  return text.slice(0, -2).split("\n").filter(Boolean)
}

/** COUNT(*) of a datasource; 0 where Druid does not know it as a table. */
export async function countRows(druid: Druid, datasource: string): Promise<number> {
  try {
    const [row] = await sql<{ n: number }>(druid, `SELECT COUNT(*) AS n FROM ${identifier(datasource)}`)
    return row?.n ?? 0
  } catch (error) {
    if (error instanceof DruidHttpError && error.status === 400 && /not found/.test(error.message)) return 0
    throw error
  }
}
