/** A real HTTP server that gives tokens for a client's name and secret, each good for some seconds of the test's clock. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http"
import type { AddressInfo } from "node:net"

export interface TokenRequest {
  readonly headers: IncomingHttpHeaders
  readonly form: Readonly<Record<string, string>>
}

export class TokenServer {
  readonly requests: TokenRequest[] = []
  /** tokens given so far */
  readonly given: string[] = []
  /** `expires_in`; undefined: it is not said */
  lifetime: number | undefined = 60
  /** takes name and secret in the form alone */
  formOnly = false
  /** answers with this instead */
  instead: { readonly status: number; readonly body: string } | undefined
  /** awaited before each answer */
  hold: () => Promise<void> = () => Promise.resolve()
  readonly #server: Server

  private constructor() {
    this.#server = createServer(async (request, response) => {
      let body = ""
      for await (const piece of request) body += piece
      const form = Object.fromEntries(new URLSearchParams(body))
      this.requests.push({ headers: request.headers, form })
      await this.hold()
      const { status, body: answer } = this.instead ?? this.#answer(form, request.headers.authorization)
      response.writeHead(status, { "content-type": "application/json" }).end(answer)
    })
  }

  static async start(): Promise<TokenServer> {
    const server = new TokenServer()
    await new Promise<void>((done) => server.#server.listen(0, "127.0.0.1", done))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/oauth2/token`
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #answer(form: Readonly<Record<string, string>>, authorization: string | undefined) {
    const basic = `Basic ${Buffer.from("our+client:s%C3%A9cret%2F1").toString("base64")}`
    const isIn = this.formOnly
      ? form.client_id === "our client" && form.client_secret === "sécret/1"
      : authorization === basic
    if (!isIn) return { status: 401, body: JSON.stringify({ error: "invalid_client" }) }
    const token = `token-${this.given.length + 1}-of-the-server`
    this.given.push(token)
    const { lifetime: expires_in } = this
    return {
      status: 200,
      body: JSON.stringify({ access_token: token, token_type: "Bearer", expires_in }),
    }
  }
}

/** What the server accepts, as the configuration has it. */
export const CLIENT = { clientId: "our client", clientSecret: "sécret/1" } as const
