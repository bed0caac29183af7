/** One HTTP exchange as plain data, read from a socket by hand: what is written back must be ours to the last byte. */
import type { Socket } from "node:net"

/** A request as it came. */
export interface Request {
  readonly method: string
  readonly path: string
  /** names in lower case */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** An answer, whole: the body as it was on the wire, without its chunked encoding. */
export interface Answer {
  readonly status: number
  /** names in lower case; framing headers left out */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly trailers: Readonly<Record<string, string>>
}

const HEAD_END = Buffer.from("\r\n\r\n")

/** Requests of one connection, one after the other; ends when the client goes. */
export async function* requestsOf(socket: Socket): AsyncGenerator<Request> {
  let buffer = Buffer.alloc(0)
  const pieces = piecesOf(socket)
  const more = async () => {
    const piece = await pieces()
    if (piece === undefined) return false
    buffer = Buffer.concat([buffer, piece])
    return true
  }
  for (;;) {
    let end = buffer.indexOf(HEAD_END)
    while (end < 0) {
      if (!(await more())) return
      end = buffer.indexOf(HEAD_END)
    }
    const [first = "", ...lines] = buffer.toString("latin1", 0, end).split("\r\n")
    const headers = Object.fromEntries(
      lines.map((line) => {
        const at = line.indexOf(":")
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]
      }),
    )
    const bodyStart = end + HEAD_END.length
    const length = Number(headers["content-length"] ?? 0)
    while (buffer.length < bodyStart + length) if (!(await more())) return
    const body = Buffer.from(buffer.subarray(bodyStart, bodyStart + length))
    buffer = buffer.subarray(bodyStart + length)
    const [method = "", path = ""] = first.split(" ")
    yield { method, path, headers, body }
  }
}

/** Pulls pieces out of a socket; undefined at its end, however it ends. */
function piecesOf(socket: Socket): () => Promise<Buffer | undefined> {
  const queue: Buffer[] = []
  let waiting: ((piece: Buffer | undefined) => void) | undefined
  let ended = false
  const end = () => {
    ended = true
    waiting?.(undefined)
    waiting = undefined
  }
  socket.on("data", (piece: Buffer) => {
    if (waiting === undefined) queue.push(piece)
    else {
      waiting(piece)
      waiting = undefined
    }
  })
  socket.on("end", end)
  socket.on("close", end)
  return () => {
    const piece = queue.shift()
    if (piece !== undefined || ended) return Promise.resolve(piece)
    return new Promise((resolve) => {
      waiting = resolve
    })
  }
}
