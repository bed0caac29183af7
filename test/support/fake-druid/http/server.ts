/** The HTTP server: one port, any number of sites, each a Druid of its own below its base path. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createServer as createTlsServer, type ServerOptions } from "node:https"
import type { AddressInfo } from "node:net"
import { Stopped } from "./body.ts"
import { candidatesEndpoint } from "./candidates-endpoint.ts"
import { html, jsonReply } from "./errors.ts"
import { Exchange } from "./exchange.ts"
import { nativeEndpoint } from "./native-endpoint.ts"
import { Site } from "./site.ts"
import { cancelEndpoint, sqlEndpoint } from "./sql-endpoint.ts"

export interface FakeDruidOptions {
  /** default: any free one */
  port?: number
  /** certificate and key: serve HTTPS */
  tls?: ServerOptions
  role?: Site["role"]
}

/** A running fake. It is itself the site without a base path. */
export class FakeDruid extends Site {
  readonly #server: Server
  readonly #sites = new Map<string, Site>()
  readonly #secure: boolean

  constructor(options: FakeDruidOptions) {
    super("", () => `${this.#secure ? "https" : "http"}://127.0.0.1:${this.port}`)
    this.#secure = options.tls !== undefined
    this.role = options.role ?? "router"
    const handle = (request: IncomingMessage, response: ServerResponse) =>
      void this.#handle(request, response)
    this.#server = options.tls ? createTlsServer(options.tls, handle) : createServer(handle)
    this.#server.keepAliveTimeout = 60_000
  }

  get host(): string {
    return "127.0.0.1"
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  listen(port: number): Promise<void> {
    return new Promise((done, failed) => {
      this.#server.once("error", failed)
      this.#server.listen(port, this.host, done)
    })
  }

  /** The site below `/name`, made when asked for the first time: a Druid of its own on the same port. */
  site(name: string): Site {
    let site = this.#sites.get(name)
    if (!site) {
      const root = this.url
      site = new Site(`/${name}`, () => root)
      this.#sites.set(name, site)
    }
    return site
  }

  /** Forgets a site, cutting off what it is answering. */
  removeSite(name: string): void {
    this.#sites.get(name)?.reset()
    this.#sites.delete(name)
  }

  async stop(): Promise<void> {
    for (const site of [this, ...this.#sites.values()]) site.reset()
    const closed = new Promise((done) => this.#server.close(done))
    this.#server.closeAllConnections()
    await closed
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [site, path] = this.#route(request.url ?? "/")
    const exchange = new Exchange(site, request, response, path)
    site.opened(exchange)
    try {
      await endpoint(exchange)
    } catch (thrown) {
      if (!(thrown instanceof Stopped)) await broken(exchange, thrown)
    } finally {
      exchange.finish()
      site.closed(exchange)
    }
  }

  #route(url: string): [Site, string] {
    const [, first = ""] = url.split("/")
    const site = this.#sites.get(decodeURIComponent(first))
    return site ? [site, url.slice(first.length + 1)] : [this, url]
  }
}

/** Starts a fake on a free port. */
export async function startFakeDruid(options: FakeDruidOptions = {}): Promise<FakeDruid> {
  const fake = new FakeDruid(options)
  await fake.listen(options.port ?? 0)
  return fake
}

async function endpoint(exchange: Exchange): Promise<void> {
  const { request, site } = exchange
  const path = exchange.path.replace(/\?.*/, "").replace(/(?<=.)\/$/, "")
  const isJson = /^application\/json\b/.test(request.headers["content-type"] ?? "")
  if (path === "/druid/v2/sql" || path === "/druid/v2" || path === "/druid/v2/candidates") {
    if (request.method !== "POST") {
      await exchange.begin("unknown")
      return exchange.reply({ status: 405, headers: { Allow: "POST,OPTIONS" } })
    }
    if (!isJson) {
      await exchange.begin("unknown")
      return exchange.reply({ status: 415 })
    }
    if (path === "/druid/v2/candidates") return candidatesEndpoint(exchange)
    return path === "/druid/v2" ? nativeEndpoint(exchange) : sqlEndpoint(exchange)
  }
  const cancel = /^\/druid\/v2\/(?:sql\/)?([^/]+)$/.exec(path)
  if (cancel && request.method === "DELETE") return cancelEndpoint(exchange, decodeURIComponent(cancel[1]!))
  if (path === "/status" && request.method === "GET") {
    await exchange.begin("status")
    return exchange.json({ version: site.version, modules: [], memory: {} })
  }
  if (path === "/status/health" && request.method === "GET") {
    await exchange.begin("status")
    return exchange.json(true)
  }
  await exchange.begin("unknown")
  return exchange.reply(html(404, "Not Found"))
}

/** A fault of the fake itself: loud, in the answer and on stderr. */
async function broken(exchange: Exchange, thrown: unknown): Promise<void> {
  console.error("The fake Druid failed:", thrown)
  if (exchange.response.headersSent) exchange.response.destroy()
  else {
    const { status, headers, body } = jsonReply(500, {
      error: "Fake Druid failed",
      errorMessage: String(thrown),
    })
    exchange.response.writeHead(status, headers).end(body)
  }
}
