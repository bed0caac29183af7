/**
 * Druid's refusals as one readable sentence with Druid's own message in it, and the verdict whether another try
 * may help. Two JSON shapes coexist, and proxies answer in HTML.
 */
import { DruidsyncError, type DruidsyncErrorOptions, ExitCode } from "../base/errors.ts"
import { printable } from "../base/printable.ts"
import { wantsLogin } from "./connection-errors.ts"

interface ErrorBody {
  error?: unknown
  errorMessage?: unknown
  errorClass?: unknown
  errorCode?: unknown
  category?: unknown
}

/** A 5xx that says the query itself is wrong: asking again would fail again. */
const QUERY_IS_WRONG =
  /SqlParseException|ValidationException|CalciteContextException|CannotPlanException|\/ by zero|cannot translate call|IllegalArgumentException|UnsupportedSQLQueryException/
const WRONG_CATEGORY = new Set(["INVALID_INPUT", "UNSUPPORTED", "CANCELED", "NOT_FOUND"])

export interface Refusal {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  /** what was asked, for the sentence: `counting rows of "wikipedia"` */
  readonly action: string
  readonly url: string
  /** epoch ms, to read a `Retry-After` that is a date */
  readonly nowMs: number
  /** takes credentials out of what the server says */
  readonly blot: (text: string) => string
}

/** What may let the same query pass: its context sent otherwise. */
export type Remedy =
  /** 403: the user may not read the datasource, or may not set keys of the context */
  | { readonly kind: "fewer-keys" }
  /** a longer timeout than Druid allows */
  | { readonly kind: "timeout"; readonly mostMs: number }

/** A refusal that may go away with another query context. */
export class Mendable extends DruidsyncError {
  readonly remedy: Remedy

  constructor(error: DruidsyncError, remedy: Remedy) {
    const { code, message, exitCode, hint } = error
    super(code, message, { exitCode, ...(hint === undefined ? {} : { hint }) })
    this.remedy = remedy
  }
}

/** The error for a response whose status is not 2xx. */
export function refusal(response: Refusal): DruidsyncError {
  const error = plainRefusal(response)
  if (response.status === 403) return new Mendable(error, { kind: "fewer-keys" })
  const most = /timeout = \d+ is more than enforced limit of (\d+)/.exec(error.message)?.[1]
  return most === undefined ? error : new Mendable(error, { kind: "timeout", mostMs: Number(most) })
}

function plainRefusal(response: Refusal): DruidsyncError {
  const { status, headers, action, blot } = response
  const body = blot(response.body)
  const parsed = parseBody(body)
  const said = druidMessage(parsed) ?? (isHtml(body, headers) ? "" : printable(body.trim()).slice(0, 300))
  const sentence = (what: string) => `${action}: ${what}${said === "" ? "" : `: ${said}`} (HTTP ${status})`
  const error = (
    code: ConstructorParameters<typeof DruidsyncError>[0],
    what: string,
    o: DruidsyncErrorOptions = {},
  ) => new DruidsyncError(code, sentence(what), o)

  if (status >= 300 && status < 400) {
    const to = printable(blot(headers.get("location") ?? "another address")).slice(0, 300)
    return error("not-druid", `the server redirects to ${to}; druidsync does not follow`, {
      hint: "give Druid's own address, not one that a login page stands in front of",
      exitCode: ExitCode.refused,
    })
  }
  if (status === 401) {
    return error("auth", "Druid does not accept the credentials", {
      hint: 'check "username" and "password", or "token"',
    })
  }
  if (status === 403) {
    return error("forbidden", "Druid forbids it", {
      hint: "the user needs READ permission on the datasource",
    })
  }
  if (status === 407) {
    const unnamed = wantsLogin("a proxy")
    return unnamed.saying(`${action}: ${unnamed.message}`)
  }
  if (status === 408 || status === 429) {
    const retryAfterMs = retryAfter(headers.get("retry-after"), clockOf(headers) ?? response.nowMs)
    return error(
      status === 429 ? "too-many-requests" : "timeout",
      status === 429 ? "Druid takes no more queries now" : "Druid asks to come back later",
      {
        retryable: true,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        ...(status === 429 ? { hint: CROWDED_HINT } : {}),
      },
    )
  }
  if (/requireTimeCondition/.test(said)) {
    // Only an interval of all time is no condition to Druid: each half of it is.
    return error("query", "Druid refused the query: it asks for a condition on time", { asksForLess: true })
  }
  if (/Lookup \[.*\] not found/s.test(said)) {
    return error("lookup", "Druid does not know a lookup that an expression names", {
      exitCode: ExitCode.usage,
      hint: 'check LOOKUP in "columns.add", "aggregate" and "filter"; druidsync datasources lists the lookups',
    })
  }
  if (/Object '.*' not found/s.test(said)) {
    return error("unknown-datasource", "Druid does not know the datasource", {
      exitCode: ExitCode.refused,
      hint: "check its name; Druid answers the same when it was deleted, is forbidden, or nothing of it is loaded",
    })
  }
  if (isTooBig(parsed)) {
    return error("query", "Druid refused the query as too big", {
      asksForLess: true,
      hint: "druidsync asks for less at once",
    })
  }
  if (status === 404) {
    return error("not-druid", "there is no Druid SQL API at this address", {
      exitCode: ExitCode.refused,
      hint: `check "host", "port" and "basePath": ${response.url} should be a Druid router or broker`,
    })
  }
  if (status === 415 || status === 405) return error("not-druid", "this server does not take Druid SQL")
  // What nginx and Apache answer to plain HTTP on a TLS port.
  if (status === 400 && /plain HTTP (request was sent )?to (an )?(HTTPS|SSL-enabled)/i.test(body)) {
    return error("tls", "the port speaks TLS", { hint: 'set "protocol": "https"' })
  }
  // nginx takes the connection and refuses the first request.
  if (status === 400 && /SSL certificate/i.test(body)) {
    const none = /No required SSL certificate/i.test(body)
    const what = none
      ? "the server asks for a client certificate"
      : "the server does not accept the client certificate"
    return error("tls", what, {
      hint: 'set "tls": { "cert": "client.pem", "key": "client.key" } to one that it trusts',
    })
  }
  if (status >= 500) {
    const isWrong =
      WRONG_CATEGORY.has(String(parsed?.category)) ||
      QUERY_IS_WRONG.test(`${String(parsed?.errorClass)} ${said}`)
    const timeout = status === 504 || parsed?.category === "TIMEOUT"
    const retryAfterMs = retryAfter(headers.get("retry-after"), clockOf(headers) ?? response.nowMs)
    return error(
      timeout ? "timeout" : isWrong ? "query" : "server",
      timeout ? "Druid ran out of time" : "Druid failed",
      {
        ...unreadable(said),
        retryable: !isWrong,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      },
    )
  }
  return error("query", "Druid refused the query", unreadable(said))
}

const CROWDED_HINT =
  'Druid takes no more queries of this kind now: "priority", or a "lane" in "context", decides how many it takes'

/** Druid cannot answer a column that segments have with types that it makes no common one of (28: texts and arrays). */
function unreadable(said: string): DruidsyncErrorOptions {
  const field = /Cannot coerce field \[([^\]]*)\]/.exec(said)?.[1]
  if (field === undefined) return {}
  return {
    hint: `Druid itself cannot read column "${field}"; leave it out: "columns": { "exclude": ["${field}"] }`,
  }
}

function isTooBig(body: ErrorBody | undefined): boolean {
  const text = `${String(body?.error)} ${String(body?.errorClass)} ${String(body?.errorMessage)}`
  return /Resource limit exceeded|ResourceLimitExceeded|scatter-gather bytes limit|CAPACITY_EXCEEDED/.test(
    text,
  )
}

function parseBody(body: string): ErrorBody | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === "object" && value !== null ? (value as ErrorBody) : undefined
  } catch {
    // Not JSON: a proxy's page or plain text; the status alone decides.
    return undefined
  }
}

function druidMessage(body: ErrorBody | undefined): string | undefined {
  if (body === undefined) return undefined
  const message = typeof body.errorMessage === "string" ? body.errorMessage : undefined
  const error = typeof body.error === "string" ? body.error : undefined
  const access = (body as Record<string, unknown>)["Access-Check-Result"]
  const text =
    message ??
    (error === "druidException" ? undefined : error) ??
    (typeof access === "string" ? access : undefined)
  return text === undefined ? undefined : printable(text).slice(0, 1000)
}

function isHtml(body: string, headers: Headers): boolean {
  return /html/i.test(headers.get("content-type") ?? "") || /^\s*</.test(body)
}

/** The server's own idea of now: its clock may be days away from ours, and its dates are by it. */
function clockOf(headers: Headers): number | undefined {
  const ms = Date.parse(headers.get("date") ?? "")
  return Number.isFinite(ms) ? ms : undefined
}

/** `Retry-After` in seconds or as an HTTP date, to milliseconds from now; at most an hour is believed. */
export function retryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 3_600_000) : undefined
}
