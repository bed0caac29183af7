/**
 * One response body on its way out: buffered, chunked, compressed where the client asks for it, ended as Druid ends
 * it, or cut where a behaviour says so.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { createGzip, type Gzip } from "node:zlib"
import type { Behaviour } from "./behaviour.ts"
import type { LoggedRequest } from "./log.ts"

const CHUNK = 64 * 1024

/** Thrown inside an endpoint once nothing more is to be written: cut on purpose, or the client is gone. */
export class Stopped extends Error {}

export interface BodyOptions {
  readonly role: "router" | "broker"
  readonly gzip: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly fault: (Behaviour & { do: "cut" | "hang" }) | undefined
}

export class ResponseBody {
  readonly #response: ServerResponse
  readonly #entry: LoggedRequest
  readonly #options: BodyOptions
  readonly #closed: Promise<unknown>
  readonly #gzip: Gzip | undefined
  #pending = ""
  #started = false

  constructor(
    response: ServerResponse,
    entry: LoggedRequest,
    closed: Promise<unknown>,
    options: BodyOptions,
  ) {
    this.#response = response
    this.#entry = entry
    this.#options = options
    this.#closed = closed
    if (options.gzip) {
      this.#gzip = createGzip()
      this.#gzip.on("data", (chunk: Buffer) => this.#response.write(chunk))
    }
  }

  /** Nothing was sent yet: the answer may still become an error. */
  get untouched(): boolean {
    return !this.#started
  }

  /** Adds text that is no row. The promise, if there is one, has to be awaited before going on. */
  text(text: string): Promise<void> | undefined {
    this.#pending += text
    return this.#pending.length >= CHUNK ? this.flush() : undefined
  }

  /** Adds a data row. */
  row(text: string): Promise<void> | undefined {
    const at = this.#options.fault?.at
    if (at && "rows" in at && this.#entry.rowsSent >= at.rows) return this.#fail()
    this.#entry.rowsSent++
    return this.text(text)
  }

  /** Sends what is buffered. @throws Stopped where the body is cut or the client is gone */
  async flush(): Promise<void> {
    const at = this.#options.fault?.at
    const bytes = Buffer.from(this.#pending)
    this.#pending = ""
    if (at && "bytes" in at && this.#entry.bytesSent + bytes.length > at.bytes) {
      await this.#write(bytes.subarray(0, Math.max(0, at.bytes - this.#entry.bytesSent)))
      return this.#fail()
    }
    await this.#write(bytes)
  }

  /** Adds the end marker and ends the response. */
  async end(marker: string): Promise<void> {
    const fault = this.#options.fault
    if (fault?.at && "rows" in fault.at) return this.#fail()
    this.#pending += marker
    if (!this.#started && this.#options.role === "router" && !this.#gzip && !fault) {
      const bytes = Buffer.from(this.#pending)
      this.#entry.bytesSent += bytes.length
      this.#response.writeHead(200, { ...this.#options.headers, "Content-Length": String(bytes.length) })
      this.#response.end(bytes)
    } else {
      await this.flush()
      await this.#finish(undefined)
    }
    await this.#closedOrFinished()
    this.#entry.complete = this.#response.writableFinished
  }

  /** Ends the body too early but properly, as Druid does when a query fails in mid-stream. */
  async breakOff(message: string): Promise<never> {
    await this.#write(Buffer.from(this.#pending))
    await this.#finish(message)
    await this.#closedOrFinished()
    throw new Stopped(message)
  }

  async #fail(): Promise<never> {
    const fault = this.#options.fault!
    await this.#write(Buffer.from(this.#pending))
    this.#pending = ""
    if (fault.do === "hang") {
      await this.#pushed()
      await this.#closed
    } else if (fault.end === "clean") {
      await this.#finish(fault.message ?? "url[http://127.0.0.1:8083/druid/v2/] timed out")
      await this.#closedOrFinished()
    } else {
      await this.#pushed()
      destroySocket(this.#response)
    }
    throw new Stopped("cut on purpose")
  }

  /** @param error why the body is not whole; undefined where it is */
  async #finish(error: string | undefined): Promise<void> {
    this.#start()
    if (this.#gzip) await new Promise<void>((done) => this.#gzip!.once("end", done).end())
    if (this.#options.role === "broker")
      this.#response.addTrailers({
        "X-Druid-Response-Complete": String(error === undefined),
        ...(error === undefined ? {} : { "X-Error-Message": error }),
      })
    this.#response.end()
  }

  #start(): void {
    if (this.#started) return
    this.#started = true
    const { role, headers } = this.#options
    this.#response.writeHead(200, {
      ...headers,
      ...(role === "broker" ? { Trailer: "X-Druid-Response-Complete" } : {}),
      ...(this.#gzip ? { "Content-Encoding": "gzip" } : {}),
      "Transfer-Encoding": "chunked",
    })
  }

  /** Resolves once the bytes are on their way and the client takes more. */
  async #write(bytes: Buffer): Promise<void> {
    this.#start()
    if (this.#response.destroyed) throw new Stopped("the client is gone")
    this.#entry.bytesSent += bytes.length
    if (bytes.length === 0) return
    if (!(this.#gzip ?? this.#response).write(bytes)) await this.#drained(this.#gzip ?? this.#response)
    if (this.#gzip && this.#response.writableNeedDrain) await this.#drained(this.#response)
    if (this.#response.destroyed) throw new Stopped("the client is gone")
  }

  /** The stream takes more, or the client is gone. */
  async #drained(stream: Gzip | ServerResponse): Promise<void> {
    await Promise.race([new Promise<void>((done) => stream.once("drain", () => done())), this.#closed])
  }

  /** Everything written so far is on its way. */
  async #pushed(): Promise<void> {
    const gzip = this.#gzip
    if (gzip) await new Promise<void>((done) => gzip.flush(() => done()))
    await new Promise<void>((done) => {
      if (this.#response.destroyed) done()
      else this.#response.write("", () => done())
    })
  }

  async #closedOrFinished(): Promise<void> {
    if (this.#response.writableFinished || this.#response.destroyed) return
    const finished = new Promise((done) => this.#response.once("finish", done))
    await Promise.race([finished, this.#closed])
  }
}

/** The client takes gzip: Jetty then compresses. */
export function wantsGzip(request: IncomingMessage): boolean {
  return /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""))
}

/** Closes the connection under a response. */
export function destroySocket(response: ServerResponse): void {
  const socket = response.socket ?? response.req.socket
  socket?.destroy()
  response.destroy()
}
