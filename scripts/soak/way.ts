/**
 * The way to Druid as companies have it: everything goes through a proxy, and tokens run out within seconds, some of them
 * earlier than was said. One server plays the proxy, the token server, and the door before Druid.
 */
import http from "node:http"
import type { AddressInfo } from "node:net"
import type { Tally } from "./tally.ts"

/** Known to the proxy alone: nothing gets there in another way. */
const DRUID = "druid.soak"
const LOGIN = "login.soak"
const CLIENT = { clientId: "soak", clientSecret: "the secret of the soak" }

/** How long a token lets in on an idle machine: a pull, of about a second there, outlives it. */
const LIFETIME_MS = 600
/** What is said of every other token, s: it is refused long before that. */
const CLAIMED_S = 3_600

export class Way {
  readonly #server: http.Server
  readonly #behind: number
  readonly #tally: Tally
  readonly #lifetimeMs: number
  /** token → when it was given */
  readonly #given = new Map<string, number>()

  private constructor(behind: number, tally: Tally, lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs
    this.#behind = behind
    this.#tally = tally
    this.#server = http.createServer((request, response) => this.#answer(request, response))
  }

  /**
   * @param behind port on this machine to which the proxy leads
   * @param slow how many times longer tokens live
   */
  static async open(behind: number, tally: Tally, slow: number): Promise<Way> {
    const way = new Way(behind, tally, LIFETIME_MS * slow)
    await new Promise<void>((done) => way.#server.listen(0, "127.0.0.1", done))
    return way
  }

  /** Keys of the configuration that lead along it. */
  get config(): Readonly<Record<string, unknown>> {
    const { port } = this.#server.address() as AddressInfo
    return {
      host: DRUID,
      port: 8888,
      protocol: "http",
      proxy: `http://127.0.0.1:${port}`,
      token: { oauth2: { tokenUrl: `http://${LOGIN}/token`, ...CLIENT } },
    }
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    request.on("error", () => undefined)
    response.on("error", () => undefined)
    const url = URL.parse(request.url ?? "")
    if (url?.hostname === LOGIN) void this.#login(request, response)
    else if (url?.hostname !== DRUID) reply(response, 400, { error: "asked without the proxy" })
    else if (this.#letsIn(request.headers.authorization)) this.#pass(request, url, response)
    else {
      this.#tally.add("tokens", "refused")
      reply(response, 401, { error: "the token has run out" })
    }
  }

  async #login(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = ""
    for await (const piece of request) body += String(piece)
    const form = new URLSearchParams(body)
    const basic = Buffer.from(`${CLIENT.clientId}:${CLIENT.clientSecret}`).toString("base64")
    const isKnown =
      form.get("client_secret") === CLIENT.clientSecret || request.headers.authorization === `Basic ${basic}`
    if (!isKnown || form.get("grant_type") !== "client_credentials")
      return reply(response, 401, { error: "invalid_client" })
    const token = `soak-${crypto.randomUUID()}`
    this.#given.set(token, performance.now())
    const isHonest = this.#given.size % 2 === 0
    this.#tally.add("tokens", isHonest ? "given" : "given, and said to last longer than they do")
    const expires = isHonest ? this.#lifetimeMs / 1000 : CLAIMED_S
    reply(response, 200, { access_token: token, token_type: "Bearer", expires_in: expires })
  }

  #letsIn(authorization: string | undefined): boolean {
    const given = this.#given.get(authorization?.replace(/^Bearer /, "") ?? "")
    return given !== undefined && performance.now() - given < this.#lifetimeMs
  }

  /** A connection that breaks behind it breaks before it. */
  #pass(request: http.IncomingMessage, url: URL, response: http.ServerResponse): void {
    const { "proxy-connection": _, authorization: __, ...headers } = request.headers
    const target = { host: "127.0.0.1", port: this.#behind, path: url.pathname + url.search }
    const sent = http.request({ ...target, method: request.method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on("error", () => response.destroy())
      answer.on("aborted", () => response.destroy())
      answer.pipe(response)
    })
    sent.on("error", () => response.destroy())
    response.on("close", () => sent.destroy())
    request.pipe(sent)
  }
}

function reply(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(JSON.stringify(body))
}
