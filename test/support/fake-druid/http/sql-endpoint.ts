/** `POST /druid/v2/sql` and `DELETE /druid/v2/sql/{id}`. */
import { CoercionError } from "../model/values.ts"
import { datasourceOf, kindOf, type Query, type ScanPart } from "../sql/answer.ts"
import { runtimeError, SqlError } from "../sql/errors.ts"
import { parse } from "../sql/parse.ts"
import { plan } from "../sql/query.ts"
import type { ResponseBody } from "./body.ts"
import { jsonReply, legacyError } from "./errors.ts"
import type { Exchange } from "./exchange.ts"
import { explainedSql, explanation } from "./explain.ts"
import { type Format, formatOf, type Headers, RESULT_FORMATS, type ResultFormat } from "./formats.ts"

interface SqlRequest extends Headers {
  readonly query: string
  readonly resultFormat: ResultFormat
  readonly context: Readonly<Record<string, unknown>>
}

let generatedIds = 0

export async function sqlEndpoint(exchange: Exchange): Promise<void> {
  const body = await exchange.text()
  const request = requestOf(body)
  if ("problem" in request) {
    await exchange.begin("unknown", { body })
    return exchange.reply(request.problem)
  }
  const { query: sql, context } = request
  const queryId = typeof context.sqlQueryId === "string" ? context.sqlQueryId : `fake-${++generatedIds}`
  const details = { body, sql, context, queryId }
  exchange.headers = {
    "X-Druid-Query-Id": queryId,
    "X-Druid-SQL-Query-Id": queryId,
    ...(request.header ? { "X-Druid-SQL-Header-Included": "yes" } : {}),
  }
  const explained = explainedSql(sql)
  const select = attempt(() => parse(explained ?? sql))
  const ended = exchange.site.running(queryId)
  try {
    if (select instanceof SqlError) {
      await exchange.begin("unknown", details)
      return await exchange.reply(jsonReply(select.status, select.body))
    }
    const { site } = exchange
    await exchange.begin(explained === undefined ? kindOf(select) : "explain", {
      ...details,
      datasource: datasourceOf(select),
    })
    await answer(exchange, request, () => {
      const query = plan(select, site.world, site.access(exchange))
      return explained === undefined ? query : explanation(query, select, site.explainsColumns)
    })
  } finally {
    ended()
  }
}

async function answer(exchange: Exchange, request: SqlRequest, planned: () => Query): Promise<void> {
  const query = attempt(planned)
  if (query instanceof SqlError) return exchange.reply(jsonReply(query.status, query.body))
  const stringifyArrays =
    request.context.sqlStringifyArrays !== false && request.context.sqlStringifyArrays !== "false"
  const format = formatOf(request.resultFormat, query.columns, request, stringifyArrays)
  const body = exchange.body({
    ...exchange.headers,
    "X-Druid-Response-Context": "{}",
  })
  try {
    await body.text(format.start)
    if ("rows" in query.answer) {
      const rows = query.answer.rows
      for (let i = 0; i < rows.length; i++) await body.row(format.row(rows[i]!, i === 0))
    } else await scan(exchange, body, format, query.answer)
    await body.end(format.end(exchange.entry.rowsSent))
  } catch (thrown) {
    const failure =
      thrown instanceof CoercionError
        ? runtimeError(thrown.message, "org.apache.druid.java.util.common.ISE")
        : thrown
    if (!(failure instanceof SqlError)) throw thrown
    exchange.entry.rowsSent = body.untouched ? 0 : exchange.entry.rowsSent
    return body.untouched
      ? exchange.reply(jsonReply(failure.status, failure.body))
      : body.breakOff(failure.message)
  }
}

/** Segment after segment; those that are gone by the time they are reached are skipped without a word. */
async function scan(
  exchange: Exchange,
  body: ResponseBody,
  format: Format,
  answer: { readonly parts: readonly ScanPart[]; readonly limit: number },
): Promise<void> {
  const { site, entry } = exchange
  for (const [segmentsRead, part] of answer.parts.entries()) {
    if (site.hooks.duringScan) {
      if (entry.rowsSent > 0) await body.flush()
      const event = { n: entry.nOfKind, segmentsRead, rowsSent: entry.rowsSent, part, request: entry }
      await site.hooks.duringScan(event, site.world)
    }
    if (!part.isThere()) continue
    for (const row of part.rows()) {
      if (entry.rowsSent >= answer.limit) return
      const full = body.row(format.row(row, entry.rowsSent === 0))
      if (full) await full
    }
  }
}

/** The result, or the SqlError thrown. */
function attempt<T>(work: () => T): T | SqlError {
  try {
    return work()
  } catch (thrown) {
    if (thrown instanceof CoercionError)
      return runtimeError(thrown.message, "org.apache.druid.java.util.common.ISE")
    if (thrown instanceof SqlError) return thrown
    throw thrown
  }
}

function requestOf(body: string): SqlRequest | { readonly problem: ReturnType<typeof legacyError> } {
  const invalid = (message: string, cause: string) => ({
    problem: legacyError(400, "Unknown exception", message, `com.fasterxml.jackson.${cause}`),
  })
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch (thrown) {
    return invalid(`Unexpected end-of-input or token: ${String(thrown)}`, "core.JsonParseException")
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    return invalid(
      "Cannot deserialize value of type `org.apache.druid.sql.http.SqlQuery`",
      "databind.exc.MismatchedInputException",
    )
  const given = parsed as Record<string, unknown>
  const construct = (problem: string) =>
    invalid(
      `Cannot construct instance of \`org.apache.druid.sql.http.SqlQuery\`, problem: ${problem}`,
      "databind.exc.ValueInstantiationException",
    )
  if (typeof given.query !== "string") return construct("query")
  const resultFormat = (given.resultFormat ?? "object") as ResultFormat
  if (!RESULT_FORMATS.includes(resultFormat))
    return construct(
      `No enum constant org.apache.druid.sql.http.ResultFormat.${String(resultFormat).toUpperCase()}`,
    )
  const header = given.header === true
  for (const name of ["typesHeader", "sqlTypesHeader"])
    if (given[name] === true && !header) return construct(`Cannot include '${name}' without 'header'`)
  return {
    query: given.query,
    resultFormat,
    header,
    typesHeader: given.typesHeader === true,
    sqlTypesHeader: given.sqlTypesHeader === true,
    context:
      typeof given.context === "object" && given.context !== null
        ? (given.context as Record<string, unknown>)
        : {},
  }
}

/** 202 while the query runs, else 404, both without a body. */
export async function cancelEndpoint(exchange: Exchange, queryId: string): Promise<void> {
  await exchange.begin("cancel", { queryId })
  const found = exchange.site.cancel(queryId)
  return exchange.reply({ status: found ? 202 : 404, headers: { "Content-Type": "application/json" } })
}
