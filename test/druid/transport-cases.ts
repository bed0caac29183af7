/**
 * What the transport must do, case by case, against small servers of its own. A plain program without a test runner,
 * so that Bun, Deno and Node run the very same file: prints one JSON line `{ case: outcome }` (see `transport.test.ts`).
 */
import http from "node:http"
import net, { type AddressInfo, type Server } from "node:net"
import { gzipSync } from "node:zlib"
import { DruidsyncError } from "../../src/base/errors.ts"
import { createTransport, type Transport, type TransportOptions } from "../../src/druid/transport.ts"

const LIMITS: TransportOptions = {
  connectTimeoutMs: 400,
  firstByteTimeoutMs: 400,
  idleTimeoutMs: 300,
  maxSockets: 4,
}

/** For cases that are not about time: a busy machine stops for longer than the limits above. */
const PATIENT = { connectTimeoutMs: 10_000, firstByteTimeoutMs: 10_000, idleTimeoutMs: 10_000 }
const MEGABYTE = 1 << 20
const BIG = Buffer.alloc(MEGABYTE, "0123456789abcdef")

/** What became of a request, in words that can be compared. */
async function outcome(work: () => Promise<string>): Promise<string> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DruidsyncError) return `${error.code}${error.retryable ? " retryable" : ""}`
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  return (server.address() as AddressInfo).port
}

/** Runs a request against a server that answers in this way. */
async function against(
  answer: http.RequestListener,
  work: (url: string, transport: Transport) => Promise<string>,
  limits: Partial<TransportOptions> = {},
): Promise<string> {
  const server = http.createServer(answer)
  const transport = createTransport({ ...LIMITS, ...limits })
  try {
    const port = await listen(server)
    return await outcome(() => work(`http://127.0.0.1:${port}/druid/v2/sql`, transport))
  } finally {
    transport.close()
    server.closeAllConnections()
    server.close()
  }
}

async function textOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

const post = { method: "POST", body: '{"query":"SELECT 1"}', headers: { "content-type": "application/json" } }
const fetchText = async (url: string, transport: Transport) => textOf(await transport.fetch(url, post))
const later = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

/** Resolves once it is called. */
function signalOf<T = void>() {
  let done: (value: T) => void = () => undefined
  const when = new Promise<T>((resolve) => {
    done = resolve
  })
  return { when, done }
}

/** `yes` if it happens within a second. */
async function happens(event: Promise<unknown>): Promise<string> {
  return Promise.race([event.then(() => "yes"), later(1_000).then(() => "no")])
}

const cases: Record<string, () => Promise<string>> = {
  "a body in pieces arrives whole": () =>
    against(async (request, response) => {
      let body = ""
      for await (const piece of request) body += piece
      response.write(`${request.method} ${body} `)
      await later(20)
      response.end("end")
    }, fetchText),

  "an answer that takes longer than connecting may is waited for": () =>
    against(
      async (_, response) => {
        await later(350)
        response.end("late")
      },
      fetchText,
      { connectTimeoutMs: 150, firstByteTimeoutMs: 2_000 },
    ),

  "a second answer over the same connection that takes longer than connecting may is waited for": () =>
    against(
      async (_, response) => {
        await later(250)
        response.end("late")
      },
      async (url, transport) => `${await fetchText(url, transport)} ${await fetchText(url, transport)}`,
      { connectTimeoutMs: 120, firstByteTimeoutMs: 2_000 },
    ),

  "a server that does not answer is given up": () => against(() => undefined, fetchText),

  "a server that stops in the middle of a body is given up": () =>
    against((_, response) => void response.write("some"), fetchText),

  "a server that stops after we were slow is given up": () =>
    against(
      // exactly what the queue takes: with its last byte the socket is paused, and nothing more comes
      (_, response) => void response.write(BIG),
      async (url, transport) => {
        const response = await transport.fetch(url, post)
        const reader = response.body!.getReader()
        await later(200)
        for (;;) {
          const { done } = await reader.read()
          if (done) return "ended"
        }
      },
    ),

  "our own slowness is not the server's": () =>
    against(
      (_, response) => {
        for (let n = 0; n < 6; n++) response.write(BIG)
        response.end()
      },
      async (url, transport) => {
        const response = await transport.fetch(url, post)
        const reader = response.body!.getReader()
        let size = 0
        for (let n = 0; ; n++) {
          if (n === 1) await later(700)
          const { done, value } = await reader.read()
          if (done) return `${size / MEGABYTE} MB`
          size += value.length
        }
      },
    ),

  "nothing more is taken from the socket than is read": async () => {
    let written = 0
    return against(
      async (_, response) => {
        for (let n = 0; n < 300 && !response.destroyed; n++) {
          written++
          if (!response.write(BIG)) {
            await Promise.race([
              new Promise((done) => response.once("drain", done)),
              new Promise((done) => response.once("close", done)),
            ])
          }
        }
        response.end()
      },
      async (url, transport) => {
        const response = await transport.fetch(url, post)
        const reader = response.body!.getReader()
        await reader.read()
        await later(400)
        const held = written
        await reader.cancel()
        return held < 60 ? "held back" : `${held} MB taken`
      },
      { idleTimeoutMs: 5_000 },
    )
  },

  "a connection that breaks in the middle of a chunked body is a cut": () =>
    against(
      async (_, response) => {
        response.write("[1]\n")
        await later(30)
        response.destroy()
      },
      fetchText,
      PATIENT,
    ),

  "a body shorter than its Content-Length is a cut": () =>
    against(
      async (_, response) => {
        response.writeHead(200, { "content-length": "100" })
        response.write("short")
        await later(30)
        response.destroy()
      },
      fetchText,
      PATIENT,
    ),

  "a connection that breaks before the answer can be tried again": () =>
    against((request) => request.socket.destroy(), fetchText),

  "gzip is unpacked": () =>
    against((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" })
      response.end(gzipSync("[1]\n\n"))
    }, fetchText),

  "gzip that ends early inside a proper response is a cut": () =>
    against(
      (_, response) => {
        response.writeHead(200, { "content-encoding": "gzip" })
        response.end(gzipSync("[1]\n".repeat(1000)).subarray(0, -12))
      },
      fetchText,
      PATIENT,
    ),

  "gzip whose connection breaks is a cut": () =>
    against(
      async (_, response) => {
        response.writeHead(200, { "content-encoding": "gzip" })
        response.write(gzipSync(BIG).subarray(0, 500))
        await later(30)
        response.destroy()
      },
      fetchText,
      PATIENT,
    ),

  "bytes that are no gzip are a cut": () =>
    against((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" })
      response.end("no gzip at all")
    }, fetchText),

  "trailers are kept": () =>
    against(
      (_, response) => {
        response.writeHead(200, { trailer: "X-Druid-Response-Complete" })
        response.write("[1]\n")
        response.addTrailers({ "X-Druid-Response-Complete": "false" })
        response.end()
      },
      async (url, transport) => {
        const response = await transport.fetch(url, post)
        await textOf(response)
        return String(transport.trailersOf(response)["x-druid-response-complete"])
      },
    ),

  "a redirect is not followed": async () => {
    const asked: string[] = []
    const result = await against(
      (request, response) => {
        asked.push(request.url ?? "")
        response.writeHead(302, { location: "/elsewhere" })
        response.end()
      },
      async (url, transport) => {
        const response = await transport.fetch(url, post)
        return `${response.status} ${response.headers.get("location")}`
      },
    )
    return `${result}, ${asked.length} request`
  },

  "answers without a body are answers": () =>
    against(
      (request, response) => {
        response.writeHead(Number(request.url!.slice(-3)))
        response.end()
      },
      async (url, transport) => {
        const status = async (n: number) => (await transport.fetch(`${url}/${n}`, post)).status
        return `${await status(204)} ${await status(205)} ${await status(304)}`
      },
    ),

  "an abort before the answer closes the connection": async () => {
    const arrived = signalOf()
    const closed = signalOf()
    return against(
      (request) => {
        request.socket.on("close", () => closed.done())
        arrived.done()
      },
      async (url, transport) => {
        const stop = new AbortController()
        const pending = transport.fetch(url, { ...post, signal: stop.signal })
        await arrived.when
        stop.abort(new Error("enough"))
        const error = await pending.then(
          () => "answered",
          (thrown: Error) => thrown.message,
        )
        return `${error}, closed: ${await happens(closed.when)}`
      },
      { firstByteTimeoutMs: 5_000 },
    )
  },

  "an abort in the middle of a body closes the connection": async () => {
    const closed = signalOf()
    return against(
      (_, response) => {
        response.on("close", () => closed.done())
        response.write("some")
      },
      async (url, transport) => {
        const stop = new AbortController()
        const response = await transport.fetch(url, { ...post, signal: stop.signal })
        const reader = response.body!.getReader()
        await reader.read()
        const next = reader.read()
        stop.abort(new Error("enough"))
        const error = await next.then(
          () => "ended",
          (thrown: Error) => thrown.message,
        )
        return `${error}, closed: ${await happens(closed.when)}`
      },
      { idleTimeoutMs: 5_000 },
    )
  },

  "a reader that goes away closes the connection": async () => {
    const closed = signalOf()
    return against(
      (_, response) => {
        response.on("close", () => closed.done())
        response.write("some")
      },
      async (url, transport) => {
        const response = await transport.fetch(url, post)
        const reader = response.body!.getReader()
        await reader.read()
        await reader.cancel()
        return `closed: ${await happens(closed.when)}`
      },
      { idleTimeoutMs: 5_000 },
    )
  },

  "connections are used again": async () => {
    const server = http.createServer((_, response) => response.end("ok"))
    let connections = 0
    server.on("connection", () => connections++)
    const transport = createTransport(LIMITS)
    try {
      const port = await listen(server)
      for (let n = 0; n < 5; n++) await fetchText(`http://127.0.0.1:${port}/`, transport)
      return `${connections}`
    } finally {
      transport.close()
      server.closeAllConnections()
      server.close()
    }
  },

  "nobody listens: refused, may be tried again": async () => {
    const server = net.createServer()
    const port = await listen(server)
    await new Promise((done) => server.close(done))
    const transport = createTransport(LIMITS)
    return outcome(() => fetchText(`http://127.0.0.1:${port}/`, transport))
  },

  "a host that does not exist": () =>
    outcome(() =>
      fetchText("http://no-such-host.invalid:8888/", createTransport({ ...LIMITS, connectTimeoutMs: 5_000 })),
    ).then((text) => text.replace(" retryable", "")),

  "TLS that is never answered: could not connect": async () => {
    const sockets: net.Socket[] = []
    const server = net.createServer((socket) => void sockets.push(socket))
    const port = await listen(server)
    const transport = createTransport(LIMITS)
    try {
      return await outcome(() => fetchText(`https://127.0.0.1:${port}/`, transport))
    } finally {
      transport.close()
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  },
}

const results: Record<string, string> = {}
for (const [name, run] of Object.entries(cases)) results[name] = await run()
console.log(JSON.stringify(results))
