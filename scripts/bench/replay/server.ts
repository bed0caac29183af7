/**
 * HTTP by hand over a plain socket: what is sent was made before, in chunks of the size that Druid sends, so that the
 * server takes as little of the processor as it can and the client alone is measured.
 */
import type { Socket } from "bun"
import type { Answer, Answers } from "./answers.ts"

/** Druid (Jetty) sends chunks of 16 KiB. */
const CHUNK_BYTES = 16_384
const CHUNK_HEAD = Buffer.from(`${CHUNK_BYTES.toString(16)}\r\n`)
const CRLF = Buffer.from("\r\n")
const LAST = Buffer.from("0\r\n\r\n")
const COMMON = "Content-Type: application/json\r\nVary: Accept-Encoding, User-Agent\r\n"

interface Connection {
  input: Buffer
  /** what is being sent, piece by piece */
  source: Iterator<Buffer> | undefined
  pending: Buffer | undefined
}

export interface ReplayServer {
  readonly port: number
  readonly requests: () => number
  stop(): void
}

export function serve(answers: Answers, port: number): ReplayServer {
  let requests = 0
  const server = Bun.listen<Connection>({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket) {
        socket.data = { input: Buffer.alloc(0), source: undefined, pending: undefined }
      },
      data(socket, bytes) {
        const connection = socket.data
        connection.input =
          connection.input.length === 0 ? Buffer.from(bytes) : Buffer.concat([connection.input, bytes])
        const request = takeRequest(connection)
        if (request === undefined) return
        requests++
        let answer: Answer
        try {
          answer = answers.answer(request.method, request.path, request.body)
        } catch (error) {
          answer = { kind: "whole", status: 500, body: Buffer.from(JSON.stringify({ error: String(error) })) }
        }
        connection.source = wire(answer)
        send(socket)
      },
      drain(socket) {
        send(socket)
      },
    },
  })
  return { port: server.port, requests: () => requests, stop: () => server.stop(true) }
}

function takeRequest(connection: Connection) {
  const end = connection.input.indexOf("\r\n\r\n")
  if (end < 0) return undefined
  const head = connection.input.toString("latin1", 0, end)
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  if (connection.input.length < end + 4 + length) return undefined
  const body = connection.input.toString("utf8", end + 4, end + 4 + length)
  connection.input = connection.input.subarray(end + 4 + length)
  const [method = "", path = ""] = head.split(" ", 2)
  return { method, path, body }
}

/** The answer as it goes over the wire. */
function* wire(answer: Answer): Generator<Buffer> {
  if (answer.kind === "whole") {
    const head = `HTTP/1.1 ${answer.status} OK\r\n${COMMON}Content-Length: ${answer.body.length}\r\n\r\n`
    yield Buffer.concat([Buffer.from(head), answer.body])
    return
  }
  yield Buffer.from(`HTTP/1.1 200 OK\r\n${COMMON}Transfer-Encoding: chunked\r\n\r\n`)
  // With a thousand columns it is longer than a chunk.
  if (answer.head.length > 0) {
    yield Buffer.concat([Buffer.from(`${answer.head.length.toString(16)}\r\n`), answer.head, CRLF])
  }
  let rest: Buffer = Buffer.alloc(0)
  for (const piece of answer.pieces) {
    const chunks = Math.floor((rest.length + piece.length) / CHUNK_BYTES)
    const out = Buffer.allocUnsafe(chunks * (CHUNK_BYTES + CHUNK_HEAD.length + CRLF.length))
    let at = 0
    let from = 0
    for (let n = 0; n < chunks; n++) {
      at += CHUNK_HEAD.copy(out, at)
      const ofRest = rest.copy(out, at)
      at += ofRest
      if (ofRest > 0) rest = rest.subarray(ofRest)
      const length = CHUNK_BYTES - ofRest
      piece.copy(out, at, from, from + length)
      at += length
      from += length
      at += CRLF.copy(out, at)
    }
    if (at > 0) yield out
    rest = Buffer.concat([rest, piece.subarray(from)])
  }
  const end = Buffer.concat([rest, Buffer.from("\n")])
  yield Buffer.concat([Buffer.from(`${end.length.toString(16)}\r\n`), end, CRLF, LAST])
}

function send(socket: Socket<Connection>): void {
  const connection = socket.data
  for (;;) {
    if (connection.pending === undefined) {
      const next = connection.source?.next()
      if (next === undefined || next.done) {
        connection.source = undefined
        socket.flush()
        return
      }
      connection.pending = next.value
    }
    const sent = socket.write(connection.pending)
    if (sent < 0) return
    connection.pending = sent === connection.pending.length ? undefined : connection.pending.subarray(sent)
    if (connection.pending !== undefined) return
  }
}
