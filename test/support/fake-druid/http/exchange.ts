/** One request and its answer, as endpoints see it. */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Behaviour } from "./behaviour.ts"
import { type BodyOptions, destroySocket, ResponseBody, Stopped, wantsGzip } from "./body.ts"
import { cancelled, forbidden, type Reply } from "./errors.ts"
import type { LoggedRequest, RequestKind } from "./log.ts"
import type { Site } from "./site.ts"

export class Exchange {
  readonly site: Site
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** path below the site's base path */
  readonly path: string
  /** the client went away, or the site was reset */
  readonly closed: Promise<void>
  entry!: LoggedRequest
  /** datasources denied for this request alone */
  denied: readonly string[] = []
  /** of every answer, whatever it will be */
  headers: Readonly<Record<string, string>> = {}
  #fault: BodyOptions["fault"]
  #answered = false

  constructor(site: Site, request: IncomingMessage, response: ServerResponse, path: string) {
    this.site = site
    this.request = request
    this.response = response
    this.path = path
    this.closed = new Promise((done) => {
      response.once("close", () => {
        if (this.entry && !this.#answered && !response.writableFinished) this.entry.clientClosed = true
        done()
      })
    })
  }

  async text(): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of this.request) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString("utf8")
  }

  /** Logs the request, checks credentials, asks the hook. @throws Stopped where all is said by then */
  async begin(
    kind: RequestKind,
    details: Partial<Pick<LoggedRequest, "body" | "sql" | "datasource" | "context" | "queryId">> = {},
  ): Promise<void> {
    this.entry = this.site.log.add({
      kind,
      method: this.request.method ?? "",
      path: this.path,
      headers: this.request.headers,
      body: "",
      sql: undefined,
      datasource: undefined,
      context: {},
      queryId: undefined,
      ...details,
    })
    const refusal = this.site.refusal(this.request.headers.authorization)
    if (refusal) return this.reply(refusal)
    const contextRefusal = this.site.contextRefusal(this.entry.context)
    if (contextRefusal) return this.reply(contextRefusal)
    const behaviour = await this.site.hooks.beforeRequest?.(kind, this.entry.nOfKind, this.entry, this.site)
    if (behaviour) await this.#follow(behaviour)
  }

  async #follow(behaviour: Behaviour): Promise<void> {
    switch (behaviour.do) {
      case "reply":
        // What is put in place of an answer knows nothing of the query, unless it says so.
        this.headers = {}
        return this.reply(behaviour.reply)
      case "destroy":
        this.#answered = true
        destroySocket(this.response)
        throw new Stopped("destroyed on purpose")
      case "deny":
        this.denied = behaviour.datasources
        return
      case "wait":
        await this.orCancelled(behaviour.for)
        if (behaviour.next) await this.#follow(behaviour.next)
        return
      case "hang":
        if (!behaviour.at) await this.orCancelled(new Promise(() => {}))
        this.#fault = behaviour
        return
      case "cut":
        this.#fault = behaviour
    }
  }

  /** Waits, unless the client leaves (throws) or the query is cancelled (answers that, and throws). */
  async orCancelled(wait: Promise<unknown>): Promise<void> {
    const wasCancelled = this.site.whenCancelled(this.entry.queryId)
    const end = await Promise.race([wait.then(() => "done"), this.closed.then(() => "closed"), wasCancelled])
    if (end === "closed") throw new Stopped("the client is gone")
    if (end === "cancelled") await this.reply(cancelled())
  }

  /** Answers with a whole body at once, and is done. @throws Stopped always */
  async reply({ status, headers = {}, body = "" }: Reply): Promise<never> {
    const bytes = Buffer.from(body)
    this.entry.status = status
    this.entry.bytesSent = bytes.length
    this.response.writeHead(status, {
      ...this.headers,
      ...headers,
      "Content-Length": String(bytes.length),
    })
    this.response.end(this.request.method === "HEAD" ? undefined : bytes)
    throw new Stopped("answered")
  }

  forbid(): Promise<never> {
    return this.reply(forbidden())
  }

  /** A streamed body with the behaviour asked for. */
  body(headers: Readonly<Record<string, string>>): ResponseBody {
    this.entry.status = 200
    return new ResponseBody(this.response, this.entry, this.closed, {
      role: this.site.role,
      gzip: this.site.gzip && wantsGzip(this.request),
      headers: { "Content-Type": "application/json", Vary: "Accept-Encoding, User-Agent", ...headers },
      fault: this.#fault,
    })
  }

  /** A JSON answer that a behaviour may cut like any other body. */
  async json(value: unknown, headers: Readonly<Record<string, string>> = {}): Promise<never> {
    const body = this.body(headers)
    await body.text(JSON.stringify(value))
    await body.end("")
    throw new Stopped("answered")
  }

  /** Nothing more will come. */
  finish(): void {
    this.#answered = true
    if (this.entry) this.entry.done = true
  }
}
