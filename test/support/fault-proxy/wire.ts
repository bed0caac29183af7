/** The answering side of a connection, byte by byte: whole answers, and every way to leave one unfinished. */
import type { Socket } from "node:net"
import { gunzipSync } from "node:zlib"
import type { Answer } from "./message.ts"

const REASONS: Readonly<Record<number, string>> = { 200: "OK" }

export class Wire {
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** The client went away. */
  get gone(): boolean {
    return this.#socket.destroyed
  }

  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve()
      else this.#socket.write(bytes, () => resolve())
    })
  }

  /** Status line and headers. Framing is the caller's: give `content-length` or `transfer-encoding`. */
  head(status: number, headers: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    return this.write(`HTTP/1.1 ${status} ${REASONS[status] ?? "Status"}\r\n${lines.join("")}\r\n`)
  }

  chunkedHead({ status, headers }: Answer, more: Readonly<Record<string, string>> = {}): Promise<void> {
    return this.head(status, { ...headers, ...more, "transfer-encoding": "chunked" })
  }

  async chunk(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    await this.write(
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]),
    )
  }

  /** The proper end of a chunked body. */
  lastChunk(trailers: Readonly<Record<string, string>> = {}): Promise<void> {
    const lines = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\r\n`)
    return this.write(`0\r\n${lines.join("")}\r\n`)
  }

  /** An answer whole. */
  async answer(answer: Answer): Promise<void> {
    if (Object.keys(answer.trailers).length > 0) {
      await this.chunkedHead(answer)
      await this.chunk(answer.body)
      await this.lastChunk(answer.trailers)
      return
    }
    if (answer.status === 204) return this.head(204, answer.headers)
    await this.head(answer.status, { ...answer.headers, "content-length": String(answer.body.length) })
    await this.write(answer.body)
  }

  /** Ends the connection in an orderly way (FIN). */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve()
      else {
        this.#socket.end(() => resolve())
        this.#socket.destroySoon()
      }
    })
  }

  /** Ends it with a RST where the runtime can, else at once. */
  reset(): void {
    const socket = this.#socket as Socket & { resetAndDestroy?: () => void }
    if (socket.resetAndDestroy === undefined) socket.destroy()
    else socket.resetAndDestroy()
  }

  /** Resolves when the client is gone: what hangs, hangs until then. */
  whenGone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve()
      else this.#socket.once("close", () => resolve())
    })
  }
}

/** The body's bytes without compression. */
export function plain(answer: Answer): Buffer {
  return answer.headers["content-encoding"] === "gzip" ? gunzipSync(answer.body) : answer.body
}

/** The same answer with other bytes, uncompressed. */
export function withBody(answer: Answer, body: string | Uint8Array): Answer {
  const { "content-encoding": _, ...headers } = answer.headers
  return { ...answer, headers, body: Buffer.from(body as string), trailers: {} }
}
