/**
 * A proxy between druidsync and any Druid that breaks what it is told to break, at one place in the protocol, once or
 * for good. Everything else passes through as it is.
 */
import http from "node:http"
import https from "node:https"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import type { Fault } from "./faults.ts"
import { type Answer, type Request, requestsOf } from "./message.ts"
import { type Kind, kindOf, sqlOf } from "./place.ts"
import { Wire } from "./wire.ts"

/** What is to break, and where. */
export interface Plan {
  readonly fault: Fault
  readonly kind: Kind
  /** only requests whose SQL this holds of; default: all of the kind */
  readonly of?: ((sql: string) => boolean) | undefined
  /** which of these requests; 1 is the first since `arm` */
  readonly n: number
  /** `once`: just that request; `stays`: that one and all of these after it */
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
  /** an answer of this kind from before the first `arm`: old by now, and the same however requests overtake each other */
  readonly earlier: Answer | undefined
  /** refuses all connections until the proxy is opened again */
  readonly refuse: () => Promise<void>
}

export class FaultProxy {
  readonly seen: Seen[] = []
  #plan: Plan | undefined
  #counts = new Map<Kind, number>()
  /** requests that the plan is about */
  #met = 0
  #isRecording = true
  /** the first answer to each question, by kind and SQL */
  readonly #answers = new Map<Kind, Map<string, Answer>>()
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
    this.#isRecording = false
    this.#met = 0
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
    const hit = this.#isHit(kind, request)
    this.seen.push({ kind, n, request, hit })
    if (!hit) return this.#pass(kind, request, wire)
    await this.#plan!.fault.apply({
      kind,
      request,
      wire,
      ask: () => this.#ask(request, wire),
      earlier: this.#earlier(kind, request),
      refuse: () => this.#refuse(),
    })
  }

  #isHit(kind: Kind, request: Request): boolean {
    const plan = this.#plan
    if (plan?.kind !== kind || plan.of?.(sqlOf(request)) === false) return false
    this.#met++
    return plan.mode === "once" ? this.#met === plan.n : this.#met >= plan.n
  }

  /** To another question, where there was one: to the one that comes first in the order of their SQL. */
  #earlier(kind: Kind, request: Request): Answer | undefined {
    const answers = this.#answers.get(kind) ?? new Map<string, Answer>()
    const sql = sqlOf(request)
    const [other] = [...answers.keys()].filter((one) => one !== sql).sort()
    return answers.get(other ?? sql)
  }

  /** Streams the answer through. Before the first `arm` each is kept as the earlier answer to its question. */
  async #pass(kind: Kind, request: Request, wire: Wire): Promise<void> {
    if (this.#isRecording) {
      const answer = await this.#ask(request, wire)
      const answers = this.#answers.get(kind) ?? new Map<string, Answer>()
      this.#answers.set(kind, answers)
      const sql = sqlOf(request)
      if (answer.status === 200 && !answers.has(sql)) answers.set(sql, answer)
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
