/**
 * Druid's SQL HTTP API. One request per call, no retry (that is `sync/retry.ts`), every answer either proven complete
 * or an error. Each SQL request carries our own `sqlQueryId`, a low priority and a timeout; a request that is aborted
 * closes its connection, which is what stops a scan that streams, and cancels the query by its id, which stops one
 * that computes.
 */
import { randomUUID } from "node:crypto"
import { open } from "node:fs/promises"
import { type $Fetch, createFetch } from "ofetch"
import { DruidsyncError, ExitCode, messageOf } from "../base/errors.ts"
import { printable } from "../base/printable.ts"
import { codeOf, refusalOf, whyOf } from "../base/system.ts"
import { cutResponse, FrameReader, type Header, linesOf, parseLine } from "./framing.ts"
import { refusal } from "./refusal.ts"
import type { Transport } from "./transport.ts"

export interface ClientOptions {
  /** `https://host:port/base/path`, without a slash at its end */
  readonly baseUrl: string
  /** value of the `Authorization` header; asked for at each request and kept nowhere */
  readonly authorization?: (() => string) | undefined
  readonly transport: Transport
  /** ask for compressed answers */
  readonly gzip: boolean
  /** Druid's own limit on a query, ms (`context.timeout`) */
  readonly queryTimeoutMs: number
  readonly priority: number
  /** credentials, longest first: blotted out wherever a server's text repeats them (invariant I8) */
  readonly secrets?: (() => readonly string[]) | undefined
  /** more keys for the query context, from the config */
  readonly context?: Readonly<Record<string, string | number | boolean>> | undefined
  readonly userAgent: string
  readonly newId?: () => string
  readonly nowMs?: () => number
}

export interface RequestOptions {
  /** what is being done, for error sentences: `counting rows of "wikipedia"` */
  readonly action: string
  readonly signal?: AbortSignal | undefined
}

export interface SpoolOptions extends RequestOptions {
  /** called with the number of row bytes that arrived */
  readonly onBytes?: (bytes: number) => void
}

/** A complete response, its rows in a file. */
export interface Spooled {
  readonly path: string
  readonly header: Header
  /** bytes of rows in the file */
  readonly bytes: number
}

export interface DruidClient {
  /** Rows of a small query. @throws DruidsyncError */
  rows(sql: string, options: RequestOptions): Promise<unknown[][]>
  /** The same, each row as the line of JSON that it came in. @throws DruidsyncError */
  lines(sql: string, options: RequestOptions): Promise<string[]>
  /** Names and types of a query's columns, from its header lines. @throws DruidsyncError */
  header(sql: string, options: RequestOptions): Promise<Header>
  /** Streams a query's rows into a new file, the header lines left out. The file is the caller's to remove. */
  spool(sql: string, path: string, options: SpoolOptions): Promise<Spooled>
  /** A native query (`POST /druid/v2`), answered with JSON. @throws DruidsyncError */
  native(query: Readonly<Record<string, unknown>>, options: RequestOptions): Promise<unknown>
  /** `GET` of a JSON document, such as `/status`. @throws DruidsyncError */
  get(path: string, options: RequestOptions): Promise<unknown>
  /** Resolves when the cancels under way are answered or given up (2 s), and no connection is open any more. */
  close(): Promise<void>
  /** requests sent so far */
  readonly requests: number
}

/** Bytes that are gathered before one write to the spool. */
const WRITE_BYTES = 1 << 20

export function createClient(options: ClientOptions): DruidClient {
  const { transport, baseUrl } = options
  const nowMs = options.nowMs ?? Date.now
  const newId = options.newId ?? randomUUID
  const ofetch: $Fetch = createFetch({ fetch: transport.fetch as typeof fetch, Headers, AbortController })
  const cancels = new Set<Promise<unknown>>()
  let requests = 0

  async function send(
    path: string,
    init: { method: "GET" | "POST" | "DELETE"; body?: string },
    { action, signal }: RequestOptions,
  ): Promise<Response> {
    requests++
    const url = baseUrl + path
    const authorization = options.authorization?.()
    if (authorization !== undefined && !/^[\t\x20-\x7e\x80-\xff]*$/.test(authorization)) {
      // The runtimes' own error repeats the value (invariant I8).
      throw new DruidsyncError("config", "the credentials hold a character that no HTTP header can carry", {
        exitCode: ExitCode.usage,
        hint: 'check "token": a line break or a character beyond Latin-1 got into it',
      })
    }
    let response: Response
    try {
      response = await ofetch.raw(url, {
        method: init.method,
        ...(init.body === undefined ? {} : { body: init.body }),
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/plain, */*",
          "user-agent": options.userAgent,
          "accept-encoding": options.gzip ? "gzip" : "identity",
          ...(authorization === undefined ? {} : { authorization }),
        },
        responseType: "stream",
        ignoreResponseError: true,
        retry: 0,
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      throw inContext(error, action, signal, blot)
    }
    if (response.status >= 200 && response.status < 300) return response
    const body = await textOf(response, 64 * 1024).catch(() => "")
    throw refusal({
      status: response.status,
      headers: response.headers,
      body,
      action,
      url: baseUrl,
      nowMs: nowMs(),
      blot,
    })
  }

  /** Servers and proxies repeat what they were sent, also in error pages. */
  function blot(text: string): string {
    return (options.secrets?.() ?? []).reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text)
  }

  /**
   * Druid names the query that it answers. Another id is the answer to another request, out of some cache or mixed up
   * on the way: it looks complete and is not ours. Proxies may drop the header, so its absence says nothing.
   */
  function checkIsOurs(response: Response, header: string, queryId: string): void {
    const answered = response.headers.get(header)
    if (answered === null || answered === queryId) return
    streamOf(response)
      .cancel()
      .catch(() => undefined)
    throw new DruidsyncError("not-druid", "the answer belongs to another request", {
      retryable: true,
      hint: "some proxy or cache between here and Druid mixes up answers: let POST requests pass it",
    })
  }

  /** The stream that ofetch left us, whichever of the two places it put it in. */
  function streamOf(response: Response): ReadableStream<Uint8Array> {
    const data = (response as Response & { _data?: unknown })._data
    const stream = (
      data instanceof ReadableStream ? data : response.body
    ) as ReadableStream<Uint8Array> | null
    return stream ?? new ReadableStream({ start: (controller) => controller.close() })
  }

  async function textOf(response: Response, limitBytes = Number.POSITIVE_INFINITY): Promise<string> {
    const pieces: Uint8Array[] = []
    let size = 0
    for await (const piece of streamOf(response) as unknown as AsyncIterable<Uint8Array>) {
      pieces.push(piece)
      size += piece.length
      if (size >= limitBytes) break
    }
    return Buffer.concat(pieces).toString("utf8")
  }

  async function readLines(response: Response): Promise<string[]> {
    const body = await textOf(response)
    checkTrailers(response)
    return linesOf(body)
  }

  /** A broker says in its trailers how the query ended; a router says nothing. */
  function checkTrailers(response: Response): void {
    const trailers = transport.trailersOf(response)
    if (trailers["x-druid-response-complete"] === "false") {
      const why = trailers["x-error-message"]
      throw cutResponse(
        `Druid reports: ${why === undefined ? "no reason given" : printable(blot(why)).slice(0, 500)}`,
      )
    }
  }

  function sqlBody(sql: string, sqlQueryId: string, header: boolean): string {
    return JSON.stringify({
      query: sql,
      resultFormat: "arrayLines",
      ...(header ? { header: true, typesHeader: true, sqlTypesHeader: true } : {}),
      context: {
        priority: options.priority,
        timeout: options.queryTimeoutMs,
        ...options.context,
        // Ours win over the config's: without them values would change or the query could not be cancelled.
        sqlQueryId,
        sqlStringifyArrays: false,
      },
    })
  }

  /** Runs one SQL request; whatever ends it early also cancels the query in Druid. */
  async function withQuery<T>(
    sql: string,
    header: boolean,
    request: RequestOptions,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const sqlQueryId = `druidsync-${newId()}`
    const body = sqlBody(sql, sqlQueryId, header)
    try {
      const response = await send("/druid/v2/sql", { method: "POST", body }, request)
      checkIsOurs(response, "x-druid-sql-query-id", sqlQueryId)
      return await read(response).catch((error: unknown) => {
        const isDruids = response.headers.get("x-druid-sql-query-id") === sqlQueryId
        throw isDruids && isNotDruid(error) ? cutResponse("it arrived damaged", error) : error
      })
    } catch (error) {
      if (mayStillRun(error, request.signal)) {
        const cancel = cancelQuery(sqlQueryId).finally(() => cancels.delete(cancel))
        cancels.add(cancel)
      }
      throw inContext(error, request.action, request.signal, blot)
    }
  }

  async function cancelQuery(sqlQueryId: string): Promise<void> {
    const options = { action: "cancelling a query", signal: AbortSignal.timeout(2_000) }
    try {
      const response = await send(
        `/druid/v2/sql/${encodeURIComponent(sqlQueryId)}`,
        { method: "DELETE" },
        options,
      )
      await streamOf(response).cancel()
    } catch {
      // A courtesy: the closed connection and the query's own timeout end it too.
    }
  }

  return {
    get requests() {
      return requests
    },
    rows: (sql, request) =>
      withQuery(sql, false, request, async (response) => (await readLines(response)).map(parseLine)),
    lines: (sql, request) => withQuery(sql, false, request, readLines),
    header: (sql, request) =>
      withQuery(sql, true, request, async (response) => {
        const frame = new FrameReader()
        for await (const piece of streamOf(response) as unknown as AsyncIterable<Uint8Array>)
          frame.push(piece)
        checkTrailers(response)
        const header = frame.end()
        // Nothing but the blank line: whatever else comes is no answer to a query that asks for no row.
        if (frame.rowBytes !== 1) throw cutResponse("something came where no rows were asked for")
        return header
      }),
    spool: (sql, path, request) =>
      withQuery(sql, true, request, async (response) => {
        const frame = new FrameReader()
        const file = await open(path, "wx", 0o600)
        try {
          const gathered = Buffer.allocUnsafeSlow(WRITE_BYTES)
          let used = 0
          for await (const piece of streamOf(response) as unknown as AsyncIterable<Uint8Array>) {
            const rows = frame.push(piece)
            if (rows.length > 0) request.onBytes?.(rows.length)
            for (let from = 0; from < rows.length; ) {
              const taken = rows.subarray(from, from + WRITE_BYTES - used)
              gathered.set(taken, used)
              from += taken.length
              used += taken.length
              if (used < WRITE_BYTES) continue
              await writeAll(file, gathered)
              used = 0
            }
          }
          await writeAll(file, gathered.subarray(0, used))
        } finally {
          await file.close()
        }
        checkTrailers(response)
        return { path, header: frame.end(), bytes: frame.rowBytes }
      }),
    native: async (query, request) => {
      try {
        const queryId = `druidsync-${newId()}`
        const context = { priority: options.priority, timeout: options.queryTimeoutMs, queryId }
        const body = JSON.stringify({ ...query, context })
        const response = await send("/druid/v2", { method: "POST", body }, request)
        checkIsOurs(response, "x-druid-query-id", queryId)
        return parseJson(await textOf(response), request.action)
      } catch (error) {
        throw inContext(error, request.action, request.signal, blot)
      }
    },
    get: async (path, request) => {
      try {
        return parseJson(await textOf(await send(path, { method: "GET" }, request)), request.action)
      } catch (error) {
        throw inContext(error, request.action, request.signal, blot)
      }
    },
    close: async () => {
      // Without waiting, the end of the process would come before the cancels are sent.
      await Promise.allSettled(cancels)
      transport.close()
    },
  }
}

async function writeAll(
  file: { write: (b: Uint8Array, o: number) => Promise<{ bytesWritten: number }> },
  bytes: Uint8Array,
) {
  let offset = 0
  while (offset < bytes.length) offset += (await file.write(bytes, offset)).bytesWritten
}

function parseJson(text: string, action: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const what = /^\s*</.test(text) ? "a web page" : "something that is not JSON"
    throw new DruidsyncError("not-druid", `${action}: the server answered with ${what}`, { cause })
  }
}

/** Druid answered with a refusal: the query is over. Everything else may leave it running. */
function mayStillRun(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return true
  return error instanceof DruidsyncError && ["timeout", "response-cut"].includes(error.code)
}

/** Unwraps what ofetch wraps, names what was being done, and lets an abort stay the abort it is. */
function inContext(
  error: unknown,
  action: string,
  signal: AbortSignal | undefined,
  blot: (text: string) => string,
): unknown {
  if (signal?.aborted) return signal.reason
  let inner: unknown = error
  while (inner instanceof Error && !(inner instanceof DruidsyncError) && inner.cause !== undefined)
    inner = inner.cause
  if (!(inner instanceof DruidsyncError)) return error instanceof Error ? fileError(error, action) : error
  if (inner.message.startsWith(action)) return inner
  return inner.saying(`${action}: ${blot(inner.message)}`, blotted(inner.cause, blot))
}

/** A parser's complaint quotes what it could not parse, and `--verbose` shows the chain of causes. */
function blotted(cause: unknown, blot: (text: string) => string): Error | undefined {
  if (cause === undefined) return undefined
  const deeper = cause instanceof Error ? blotted(cause.cause, blot) : undefined
  return new Error(blot(messageOf(cause)), deeper === undefined ? {} : { cause: deeper })
}

function fileError(error: Error & { code?: string }, action: string): Error {
  if (codeOf(error) === "ENOSPC") {
    return new DruidsyncError("disk-full", `${action}: no space left for the spool file`, {
      hint: "free space, or set another place with --spool-dir",
      cause: error,
    })
  }
  if (error.code !== undefined && /^E[A-Z]+$/.test(error.code) && "syscall" in error) {
    return new DruidsyncError(
      "file",
      `${action}: the spool file cannot be written: ${whyOf(error, "place")}`,
      {
        hint: refusalOf(error, "place", "--spool-dir")?.hint ?? "check --spool-dir",
        cause: error,
      },
    )
  }
  return error
}

function isNotDruid(error: unknown): boolean {
  return error instanceof DruidsyncError && error.code === "not-druid"
}
