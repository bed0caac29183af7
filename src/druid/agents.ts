/**
 * Connections that are kept open, by the way they take: directly, or through a proxy. The agents do the same under Node,
 * Bun, Deno and in the executable (tried: `test/druid/proxy-cases.ts`).
 */
import { EventEmitter } from "node:events"
import http from "node:http"
import https from "node:https"
import { isIP, type LookupFunction } from "node:net"
import type { ConnectionOptions, TLSSocket } from "node:tls"
import { HttpProxyAgent } from "http-proxy-agent"
import { HttpsProxyAgent } from "https-proxy-agent"
import { connectionError, proxyRefusal, timeoutError } from "./connection-errors.ts"

export interface AgentOptions {
  /** connections kept open on each way */
  readonly maxSockets: number
  /** address of the proxy for a request, with its login; undefined: none */
  readonly proxyFor?: ((url: URL) => string | undefined) | undefined
  /** default: the system's. Where a name has several addresses, all are tried, one 250 ms after the other. */
  readonly lookup?: LookupFunction | undefined
}

/** A TLS connection to a server, through a proxy. @throws DruidsyncError `connect` if the proxy does not open it */
export async function tlsThroughProxy(
  proxy: string,
  server: { readonly host: string; readonly port: number } & ConnectionOptions,
  timeoutMs: number,
): Promise<TLSSocket> {
  const request = new EventEmitter() as http.ClientRequest
  let status = 200
  request.once("proxyConnect", ({ statusCode }: { statusCode: number }) => {
    status = statusCode
  })
  const url = new URL("https://_")
  url.hostname = isIP(server.host) === 6 ? `[${server.host}]` : server.host
  url.port = String(server.port)
  const { host } = new URL(proxy)
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(timeoutError(url, "connect", timeoutMs, { host })), timeoutMs)
  try {
    const agent = new HttpsProxyAgent(proxy, { signal: limit.signal })
    const socket = await agent.connect(request, { ...server, secureEndpoint: true })
    if (status === 200) return socket as TLSSocket
    socket.destroy()
  } catch (error) {
    limit.signal.throwIfAborted()
    throw connectionError(url, error as Error, { host })
  } finally {
    clearTimeout(timer)
  }
  throw proxyRefusal(url, { host }, status)
}

/** How one request goes. */
export interface Way {
  readonly agent: http.Agent
  /** undefined: directly. Holds no login. */
  readonly proxy: { readonly host: string } | undefined
}

export class Agents {
  readonly #options: AgentOptions
  readonly #agents = new Map<string, http.Agent>()

  constructor(options: AgentOptions) {
    this.#options = options
  }

  /** The way to this address. */
  wayTo(url: URL): Way {
    const proxy = this.#options.proxyFor?.(url)
    const { protocol } = url
    const key = `${protocol} ${proxy ?? ""}`
    const agent = this.#agents.get(key) ?? this.#create(protocol, proxy)
    this.#agents.set(key, agent)
    return { agent, proxy: proxy === undefined ? undefined : { host: new URL(proxy).host } }
  }

  #create(protocol: string, proxy: string | undefined): http.Agent {
    const { maxSockets, lookup } = this.#options
    const pool = {
      keepAlive: true,
      maxSockets,
      autoSelectFamily: true,
      ...(lookup === undefined ? {} : { lookup }),
    }
    const isTls = protocol === "https:"
    if (proxy === undefined) return isTls ? new https.Agent(pool) : new http.Agent(pool)
    // TLS goes through a tunnel (CONNECT), so the proxy sees neither credentials nor rows. Certificates for Druid come
    // with each request: the proxy gets none of them.
    return isTls ? new HttpsProxyAgent(proxy, pool) : new HttpProxyAgent(proxy, pool)
  }

  /** Closes connections that are idle. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy()
  }
}
