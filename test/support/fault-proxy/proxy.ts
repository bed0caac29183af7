/**
 * A proxy between druidsync and any Druid that breaks what it is told to break, at one place in the protocol, once or
 * for good. Everything else passes through as it is.
 */
import http from "node:http"
import https from "node:https"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import type { Fault } from "./faults.ts"
import { type Answer, type Request, requestsOf } from "./message.ts"
import { type Kind, kindOf } from "./place.ts"
import { Wire } from "./wire.ts"

/** What is to break, and where. */
export interface Plan {
  readonly fault: Fault
  /** kind of request, and which one of its kind (1 is the first since `arm`) */
  readonly kind: Kind
  readonly n: number
  /** `once`: just that request; `stays`: that one and all of its kind after it */
  readonly mode: "once" | "stays"
}

export interface Seen {
  readonly kind: Kind
  /** 1 for the first of its kind since the last `arm` */
  readonly n: number
  readonly request: Request
  /** met the fault */
  readonly hit: boolean
}

/** What a fault works with. */
export interface Exchange {
  readonly kind: Kind
  readonly request: Request
  readonly wire: Wire
  /** asks the Druid behind, and reads its answer whole */
  readonly ask: () => Promise<Answer>
  /** the first answer of this kind that was ever seen here: old by now */
  readonly earlier: Answer | undefined
  /** refuses all connections until the proxy is opened again */
  readonly refuse: () => Promise<void>
}

export class FaultProxy {
  readonly seen: Seen[] = []
  #plan: Plan | undefined
  #counts = new Map<Kind, number>()
  readonly #answers = new Map<Kind, Answer>()
  readonly #sockets = new Set<Socket>()
  readonly #agent: http.Agent
  readonly #target: URL
  #server: Server
  #port = 0
  /** requests under way now, and the most there ever were since `arm` */
  inFlight = 0
  mostInFlight = 0

  /** @param target base URL of the Druid behind */
  constructor(target: string) {
    this.#target = new URL(target)
    this.#agent =
      this.#target.protocol === "https:"
        ? new https.Agent({ keepAlive: true })
        : new http.Agent({ keepAlive: true })
    this.#server = this.#newServer()
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}${this.#target.pathname.replace(/\/$/, "")}`
  }

  /** Listens, on the same port as before if there was one. */
  async open(): Promise<void> {
    if (this.#server.listening) return
    this.#server = this.#newServer()
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject)
      this.#server.listen(this.#port, "127.0.0.1", resolve)
    })
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Sets what breaks from now on (nothing without a plan) and forgets what was seen. */
  arm(plan?: Plan): void {
    this.#plan = plan
    this.#counts = new Map()
    this.seen.length = 0
    this.mostInFlight = this.inFlight
  }

  /** How many requests of this kind came since `arm`. */
  count(kind: Kind): number {
    return this.#counts.get(kind) ?? 0
  }

  async stop(): Promise<void> {
    await this.#refuse()
    this.#agent.destroy()
  }

  #newServer(): Server {
    return createServer((socket) => {
      socket.on("error", () => undefined)
      socket.on("close", () => this.#sockets.delete(socket))
      this.#sockets.add(socket)
      socket.setMaxListeners(0)
      void this.#serve(socket)
    })
  }

  async #refuse(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #serve(socket: Socket): Promise<void> {
    const wire = new Wire(socket)
    for await (const request of requestsOf(socket)) {
      this.inFlight++
      this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
      try {
        await this.#exchange(request, wire)
      } catch {
        // The Druid behind broke off, or the client did: the client sees a connection that ends.
        wire.reset()
      } finally {
        this.inFlight--
      }
      if (wire.gone) return
    }
  }

  async #exchange(request: Request, wire: Wire): Promise<void> {
    const kind = kindOf(request)
    const n = this.count(kind) + 1
    this.#counts.set(kind, n)
    const plan = this.#plan
    const hit =
      plan !== undefined && plan.kind === kind && (plan.mode === "once" ? n === plan.n : n >= plan.n)
    this.seen.push({ kind, n, request, hit })
    if (!hit) return this.#pass(kind, request, wire)
    await plan.fault.apply({
      kind,
      request,
      wire,
      ask: () => this.#ask(request, wire),
      earlier: this.#answers.get(kind),
      refuse: () => this.#refuse(),
    })
  }

  /** Streams the answer through; small ones are kept as the earlier answer of their kind. */
  async #pass(kind: Kind, request: Request, wire: Wire): Promise<void> {
    if (!this.#answers.has(kind)) {
      const answer = await this.#ask(request, wire)
      if (answer.status === 200) this.#answers.set(kind, answer)
      return wire.answer(answer)
    }
    const message = await this.#send(request, wire)
    const status = message.statusCode ?? 502
    const headers = headersOf(message)
    await wire.head(status, { ...headers, "transfer-encoding": "chunked" })
    for await (const piece of message) {
      if (wire.gone) {
        message.destroy()
        return
      }
      await wire.chunk(piece as Buffer)
    }
    await wire.lastChunk(message.trailers as Record<string, string>)
  }

  async #ask(request: Request, wire: Wire): Promise<Answer> {
    const message = await this.#send(request, wire)
    const pieces: Buffer[] = []
    for await (const piece of message) pieces.push(piece as Buffer)
    return {
      status: message.statusCode ?? 502,
      headers: headersOf(message),
      body: Buffer.concat(pieces),
      trailers: message.trailers as Record<string, string>,
    }
  }

  #send(request: Request, wire: Wire): Promise<http.IncomingMessage> {
    const { connection: _, host: __, ...headers } = request.headers
    return new Promise((resolve, reject) => {
      const sent = (this.#target.protocol === "https:" ? https : http).request(
        new URL(request.path, this.#target),
        { method: request.method, headers: { ...headers, host: this.#target.host }, agent: this.#agent },
        resolve,
      )
      sent.on("error", reject)
      // A client that hangs up stops the query behind, as with any proxy.
      void wire.whenGone().then(() => sent.destroy())
      sent.end(request.body)
    })
  }
}

function headersOf(message: http.IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(message.headers)) {
    if (/^(connection|keep-alive|transfer-encoding|content-length)$/.test(name) || value === undefined)
      continue
    headers[name] = Array.isArray(value) ? value.join(", ") : value
  }
  return headers
}

/** Starts a proxy before a Druid. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const proxy = new FaultProxy(target)
  await proxy.open()
  return proxy
}
