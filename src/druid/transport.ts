/**
 * A `fetch` over `node:http` and `node:https`, the same under Bun, Deno and Node. The runtimes' own `fetch` differ in
 * how a private CA or a client certificate is given, hide HTTP trailers, and follow redirects; this one takes TLS
 * settings, keeps trailers, never follows a redirect (credentials stay with the host that they were meant for), and
 * reads from the socket only as fast as the body is read. What a status means is the caller's business.
 */
import http from "node:http"
import https from "node:https"
import { createGunzip } from "node:zlib"
import { messageOf } from "../base/errors.ts"
import { type AgentOptions, Agents } from "./agents.ts"
import { connectionError, cutError, proxyRefusal, timeoutError } from "./connection-errors.ts"

/** Certificates and keys are PEM. */
export type TlsOptions = {
  readonly [K in "ca" | "cert" | "key" | "passphrase" | "serverName"]?: string | undefined
}

export interface TransportOptions extends AgentOptions {
  readonly tls?: TlsOptions | undefined
  /** until the connection stands, TLS included */
  readonly connectTimeoutMs: number
  /** from the connection to the first byte of the response */
  readonly firstByteTimeoutMs: number
  /** between two reads of the body */
  readonly idleTimeoutMs: number
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
  const agents = new Agents(options)
  const { ca, cert, key, passphrase, serverName } = options.tls ?? {}
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
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
      const { agent, proxy } = agents.wayTo(url)
      const body = typeof init.body === "string" ? Buffer.from(init.body) : undefined
      const headers: Record<string, string> = Object.fromEntries(new Headers(init.headers ?? {}))
      if (body !== undefined) headers["content-length"] = String(body.length)
      const request = (isTls ? https : http).request(url, {
        method: init.method ?? "GET",
        headers,
        agent,
        ...(isTls ? tls : {}),
      })
      let settled = false
      /** the proxy, while it is the one that is spoken to: an agent hands over a socket when it has got through */
      let partner = proxy
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
        timer = setTimeout(() => fail(timeoutError(url, what, ms, partner)), ms)
      }
      const onAbort = () => fail(signal?.reason)
      signal?.addEventListener("abort", onAbort, { once: true })
      limit(options.connectTimeoutMs, "connect")
      request.on("socket", (socket) => {
        partner = undefined
        const ready = isTls ? "secureConnect" : "connect"
        if (socket.connecting) {
          socket.once(ready, () => settled || limit(options.firstByteTimeoutMs, "answer"))
        } else limit(options.firstByteTimeoutMs, "answer")
      })
      request.on("proxyConnect", ({ statusCode }: { statusCode: number }) => {
        if (statusCode !== 200 && proxy !== undefined) fail(proxyRefusal(url, proxy, statusCode))
      })
      request.on("error", (error) => fail(connectionError(url, error, partner)))
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
      agents.close()
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
  /** Restarts the clock. It stops while we do not read from the socket: time spent on our own disk is not idle time of Druid. */
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
