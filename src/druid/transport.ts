/**
 * A `fetch` over `node:http` and `node:https`, the same under Bun, Deno and Node. The runtimes' own `fetch` differ in
 * how a private CA or a client certificate is given, hide HTTP trailers, and follow redirects; this one takes TLS
 * settings, keeps trailers, never follows a redirect (credentials stay with the host that they were meant for), and
 * reads from the socket only as fast as the body is read. What a status means is the caller's business.
 */
import http from "node:http"
import https from "node:https"
import { createGunzip } from "node:zlib"
import { DruidsyncError, messageOf } from "../base/errors.ts"

export interface TlsOptions {
  /** PEM */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly passphrase?: string | undefined
  readonly serverName?: string | undefined
}

export interface TransportOptions {
  readonly tls?: TlsOptions | undefined
  /** until the connection stands, TLS included */
  readonly connectTimeoutMs: number
  /** from the connection to the first byte of the response */
  readonly firstByteTimeoutMs: number
  /** between two reads of the body */
  readonly idleTimeoutMs: number
  /** connections kept open */
  readonly maxSockets: number
}

export interface Transport {
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  /** HTTP trailers of a response whose body was read to its end; a router drops them */
  readonly trailersOf: (response: Response) => Record<string, string | undefined>
  /** closes idle connections */
  readonly close: () => void
}

/** @throws DruidsyncError `connect`, `tls`, `timeout` or `response-cut`, from `fetch` and from reading the body */
export function createTransport(options: TransportOptions): Transport {
  const pool = { keepAlive: true, maxSockets: options.maxSockets }
  const plain = new http.Agent(pool)
  const { ca, cert, key, passphrase, serverName } = options.tls ?? {}
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
  const secure = new https.Agent({ ...pool, ...tls })
  const messages = new WeakMap<Response, http.IncomingMessage>()

  async function fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : input)
    const signal = init.signal ?? undefined
    signal?.throwIfAborted()
    const message = await send(url, init, signal)
    const response = asResponse(message, url, signal)
    messages.set(response, message)
    return response
  }

  function send(url: URL, init: RequestInit, signal: AbortSignal | undefined): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const isTls = url.protocol === "https:"
      const body = typeof init.body === "string" ? Buffer.from(init.body) : undefined
      const headers: Record<string, string> = Object.fromEntries(new Headers(init.headers ?? {}))
      if (body !== undefined) headers["content-length"] = String(body.length)
      const request = (isTls ? https : http).request(url, {
        method: init.method ?? "GET",
        headers,
        agent: isTls ? secure : plain,
        ...(isTls ? tls : {}),
      })
      let settled = false
      let timer: ReturnType<typeof setTimeout>
      const fail = (error: unknown) => {
        if (settled) return
        settled = true
        clearTimeout(timer)
        signal?.removeEventListener("abort", onAbort)
        request.destroy()
        reject(error)
      }
      const limit = (ms: number, what: "connect" | "answer") => {
        clearTimeout(timer)
        timer = setTimeout(() => fail(timeoutError(url, what, ms)), ms)
      }
      const onAbort = () => fail(signal?.reason)
      signal?.addEventListener("abort", onAbort, { once: true })
      limit(options.connectTimeoutMs, "connect")
      request.on("socket", (socket) => {
        const ready = isTls ? "secureConnect" : "connect"
        if (socket.connecting) {
          socket.once(ready, () => settled || limit(options.firstByteTimeoutMs, "answer"))
        } else limit(options.firstByteTimeoutMs, "answer")
      })
      request.on("error", (error) => fail(connectionError(url, error)))
      request.on("response", (message) => {
        if (settled) return
        settled = true
        clearTimeout(timer)
        signal?.removeEventListener("abort", onAbort)
        resolve(message)
      })
      request.end(body)
    })
  }

  function asResponse(message: http.IncomingMessage, url: URL, signal: AbortSignal | undefined): Response {
    const headers = new Headers()
    for (const [name, value] of Object.entries(message.headers)) {
      if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value)
    }
    const gzip = headers.get("content-encoding") === "gzip"
    const status = message.statusCode ?? 0
    if (status === 204 || status === 205 || status === 304) {
      message.resume()
      return new Response(null, { status, headers })
    }
    const source = gzip ? message.pipe(createGunzip()) : message
    const body = readable(message, source, url, options.idleTimeoutMs, signal)
    return new Response(body, { status: status < 200 ? 500 : status, headers })
  }

  return {
    fetch,
    trailersOf: (response) => {
      const trailers = messages.get(response)?.trailers ?? {}
      return Object.fromEntries(Object.entries(trailers).map(([name, value]) => [name.toLowerCase(), value]))
    },
    close: () => {
      plain.destroy()
      secure.destroy()
    },
  }
}

/** The body as a web stream that asks the socket for more only when it is read. */
function readable(
  message: http.IncomingMessage,
  source: NodeJS.ReadableStream,
  url: URL,
  idleTimeoutMs: number,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined
  let done = false
  let finish: (error?: unknown) => void = () => undefined
  const onAbort = () => finish(signal?.reason)
  /** Starts the clock anew. It stands still while nothing is asked of the socket: our own disk is not Druid's idleness. */
  const watch = () => {
    clearTimeout(timer)
    timer = setTimeout(
      () => finish(timeoutError(url, "send more of its answer", idleTimeoutMs)),
      idleTimeoutMs,
    )
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        finish = (error?: unknown) => {
          if (done) return
          done = true
          clearTimeout(timer)
          signal?.removeEventListener("abort", onAbort)
          if (error === undefined) controller.close()
          else {
            message.destroy()
            controller.error(error)
          }
        }
        signal?.addEventListener("abort", onAbort, { once: true })
        source.on("data", (bytes: Uint8Array) => {
          if (done) return
          controller.enqueue(bytes)
          if ((controller.desiredSize ?? 0) <= 0) {
            source.pause()
            clearTimeout(timer)
          } else watch()
        })
        source.on("end", () =>
          message.complete ? finish() : finish(cutError(url, "the connection was closed before its end")),
        )
        source.on("error", (error: Error) => finish(cutError(url, messageOf(error), error)))
        if (source !== message) message.on("error", (error) => finish(cutError(url, messageOf(error), error)))
        message.on("aborted", () => finish(cutError(url, "the connection was closed before its end")))
        message.on("close", () => {
          // After a proper end `end` follows or came already; without one, nothing else would tell.
          if (!message.complete) finish(cutError(url, "the connection was closed before its end"))
        })
        source.pause()
        watch()
        // The signal may have fired between the response's head and this listener.
        if (signal?.aborted) onAbort()
      },
      pull() {
        if (!done) {
          source.resume()
          watch()
        }
      },
      cancel() {
        done = true
        clearTimeout(timer)
        signal?.removeEventListener("abort", onAbort)
        message.destroy()
      },
    },
    { highWaterMark: 1 << 20, size: (bytes) => bytes?.byteLength ?? 0 },
  )
}

/** A server that cannot even be reached is not helped by asking it for less: that is no `timeout`. */
function timeoutError(url: URL, what: "connect" | "answer" | "send more of its answer", ms: number) {
  return new DruidsyncError(
    what === "connect" ? "connect" : "timeout",
    `${url.host} did not ${what} within ${ms / 1000} s`,
    {
      retryable: true,
    },
  )
}

function cutError(url: URL, why: string, cause?: unknown): DruidsyncError {
  return new DruidsyncError("response-cut", `the response of ${url.host} was cut: ${why}`, {
    retryable: true,
    cause,
  })
}

const TLS_HINTS: readonly [RegExp, string][] = [
  [
    /wrong.version.number|packet length too long|http request|record layer failure|ERR_SSL_WRONG_VERSION/i,
    'the port speaks plain HTTP; set "protocol": "http" or use the TLS port (router 9088, broker 8282)',
  ],
  [/expired/i, "the certificate has expired: renew it on the server"],
  [
    /self.signed|unable to (get|verify)|UNABLE_TO|SELF_SIGNED|unknown.?ca/i,
    'the certificate is not signed by a known authority; give yours as "tls": { "ca": "ca.pem" }',
  ],
  [
    /altname|hostname|ALTNAME/i,
    'the certificate is for another name; connect by that name or set "tls": { "serverName": … }',
  ],
  [
    /certificate.required|handshake.failure|bad.certificate|alert|ECONNRESET/i,
    'the server may ask for a client certificate: "tls": { "cert": "client.pem", "key": "client.key" }',
  ],
]

/** One sentence for what kept the connection from standing, and what to do. Runtimes name the same thing differently. */
function connectionError(url: URL, error: Error & { code?: string }): DruidsyncError {
  if (error instanceof DruidsyncError) return error
  const code = error.code ?? ""
  const text = `${code} ${error.message}`
  const cause = error
  const host = url.hostname
  // TLS before names that were not found: a certificate's names are written "DNS:…". Host names may hold any word.
  const isTls = url.protocol === "https:" && !/ENOTFOUND|EAI_|REFUSED|ConnectionRefused/.test(code)
  if (
    isTls &&
    /CERT|SSL|TLS|certificate|handshake|self.signed|altname|alert|EPROTO|wrong.version/i.test(text)
  ) {
    const hint = TLS_HINTS.find(([pattern]) => pattern.test(text))?.[1]
    return new DruidsyncError("tls", `TLS with ${url.host} failed: ${error.message}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  if (/ENOTFOUND|EAI_|getaddrinfo|DNSException|resolve host|dns error|lookup address/i.test(text)) {
    const retryable = /EAI_AGAIN/.test(text)
    return new DruidsyncError("connect", `host ${host} was not found`, {
      hint: 'check "host"',
      cause,
      retryable,
    })
  }
  if (/ECONNREFUSED|ConnectionRefused|refused|Unable to connect/i.test(text)) {
    return new DruidsyncError("connect", `${url.host} refused the connection`, {
      hint: 'is Druid running there? check "host" and "port" (router 8888, broker 8082)',
      cause,
      retryable: true,
    })
  }
  if (/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|unreachable/i.test(text)) {
    return new DruidsyncError("connect", `${url.host} cannot be reached: ${error.message}`, {
      cause,
      retryable: true,
    })
  }
  return new DruidsyncError("connect", `the connection to ${url.host} failed: ${error.message}`, {
    cause,
    retryable: true,
    // A TLS port hangs up on plain HTTP without a word, or answers with bytes that are no HTTP.
    ...(isTls ? {} : { hint: 'if that port speaks TLS, set "protocol": "https"' }),
  })
}
