/** JSON over HTTP to a development Druid: one request, one answer, no retries. */

/** Druid answered with a status other than 2xx; `body` is what it said, parsed where it was JSON. */
export class DruidHttpError extends Error {
  readonly status: number
  readonly body: unknown
  constructor(url: string, status: number, body: unknown) {
    super(`${url} answered ${status}: ${sayBody(body)}`)
    this.status = status
    this.body = body
  }
}

/** What to send; `body` is sent as JSON. `timeoutMs` covers the whole exchange (default 60 s). */
export interface RequestOptions {
  method?: "GET" | "POST" | "DELETE"
  body?: unknown
  timeoutMs?: number
}

/**
 * Sends one request and answers the parsed JSON (or the text, where it is not JSON; "" for no body).
 * @throws DruidHttpError for a status outside 2xx; TypeError or AbortError from `fetch` otherwise.
 */
export async function request(url: string, options: RequestOptions = {}): Promise<unknown> {
  const method = options.method ?? (options.body === undefined ? "GET" : "POST")
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(options.timeoutMs ?? 60_000),
    ...(options.body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(options.body) }),
  })
  const text = await response.text()
  const body = parsed(text)
  if (!response.ok) throw new DruidHttpError(`${method} ${url}`, response.status, body)
  return body
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // some of Druid's answers are plain words: the caller sees them as they are
  }
}

function sayBody(body: unknown): string {
  if (body !== null && typeof body === "object") {
    const { errorMessage, error } = body as { errorMessage?: unknown; error?: unknown }
    const words = errorMessage ?? error
    if (typeof words === "string") return words
  }
  return (typeof body === "string" ? body : JSON.stringify(body)).slice(0, 500)
}
