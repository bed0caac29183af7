/**
 * What the way through a proxy must do, case by case. A plain program, as `transport-cases.ts` is: prints one JSON line
 * `{ case: outcome }`. Arguments: paths of a certificate for druid.test, of its key, and of the authority's certificate.
 */
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import http, { type RequestListener } from "node:http"
import https from "node:https"
import net, { type AddressInfo, type LookupFunction, type Server } from "node:net"
import process from "node:process"
import { DruidsyncError } from "../../src/base/errors.ts"
import { tlsThroughProxy } from "../../src/druid/agents.ts"
import { createTransport, type TransportOptions } from "../../src/druid/transport.ts"
import { startForwardProxy } from "../support/forward-proxy/forward-proxy.ts"

const [cert, key, ca] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"))

const LIMITS: TransportOptions = {
  connectTimeoutMs: 10_000,
  firstByteTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  maxSockets: 4,
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  return (server.address() as AddressInfo).port
}

async function outcome(work: () => Promise<string>): Promise<string> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DruidsyncError)
      return `${error.code}${error.retryable ? " retryable" : ""}: ${error.message}`
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  }
}

const answer: RequestListener = async (request, response) => {
  let bytes = 0
  for await (const piece of request) bytes += piece.length
  const { host, authorization, "proxy-authorization": login } = request.headers
  response.writeHead(200, { trailer: "X-Druid-Response-Complete" })
  response.write(
    `${request.method} ${request.url} of ${host?.replace(/:\d+$/, "")}, ${bytes} bytes, ${authorization}, ${login}`,
  )
  response.addTrailers({ "X-Druid-Response-Complete": "true" })
  response.end()
}

interface Scene {
  readonly http: string
  readonly https: string
  readonly proxy: Awaited<ReturnType<typeof startForwardProxy>>
  /** sends the same request through the proxy so many times; the last answer, with its trailer */
  send(url: string, times?: number, limits?: Partial<TransportOptions>): Promise<string>
  /** what the proxy saw, without ports */
  seen(): string
}

/** A Druid, with TLS and without, that only the proxy knows. */
async function scene(login: string | undefined, work: (scene: Scene) => Promise<string>): Promise<string> {
  const plain = http.createServer(answer)
  const secure = https.createServer({ cert, key }, answer)
  const proxy = await startForwardProxy(login)
  const open: ReturnType<typeof createTransport>[] = []
  const [port, securePort] = [await listen(plain), await listen(secure)]
  const send: Scene["send"] = async (url, times = 1, limits = {}) => {
    const transport = createTransport({ ...LIMITS, tls: { ca }, proxyFor: () => proxy.url, ...limits })
    open.push(transport)
    let said = ""
    for (let n = 0; n < times; n++) {
      const response = await transport.fetch(url, {
        method: "POST",
        body: "x".repeat(200_000),
        headers: { authorization: "Bearer secret" },
      })
      said = `${response.status} ${await response.text()}`
      const trailer = transport.trailersOf(response)["x-druid-response-complete"]
      if (trailer !== undefined) said += `, complete: ${trailer}`
    }
    return said
  }
  try {
    return await outcome(() =>
      work({
        http: `http://druid.test:${port}/druid/v2/sql?a=1`,
        https: `https://druid.test:${securePort}/druid/v2/sql?a=1`,
        proxy,
        send,
        seen: () => proxy.seen.map((one) => one.replace(/:\d+/g, "")).join("; "),
      }),
    )
  } finally {
    for (const transport of open) transport.close()
    proxy.stop()
    for (const server of [plain, secure]) {
      server.closeAllConnections()
      server.close()
    }
  }
}

const withoutPorts = (text: string) => text.replace(/:\d{3,}/g, "")

const cases: Record<string, () => Promise<string>> = {
  "http goes to the proxy in absolute form": () =>
    scene(undefined, async ({ http, send, seen }) => `${await send(http)} | ${seen()}`),

  "https goes through a tunnel, which is used again, and the proxy reads nothing": () =>
    scene(undefined, async ({ https, send, seen }) => `${await send(https, 3)} | ${seen()}`),

  "a login is for the proxy alone: http": () => scene("ann:p-ss", async ({ http, send }) => send(http)),

  "a login is for the proxy alone: https": () => scene("ann:p-ss", async ({ https, send }) => send(https)),

  "a proxy that wants a login, https": () =>
    scene("ann:p-ss", async ({ https, send, proxy }) => {
      const proxyFor = () => `http://127.0.0.1:${proxy.port}`
      return withoutPorts(await outcome(() => send(https, 1, { proxyFor })))
    }),

  "a proxy that wants a login, http: an answer like others": () =>
    scene("ann:p-ss", async ({ http, send, proxy }) =>
      send(http, 1, { proxyFor: () => `http://127.0.0.1:${proxy.port}` }),
    ),

  "a proxy that opens no tunnel": () =>
    scene(undefined, async ({ https, send, proxy }) => {
      proxy.refuseWith = 403
      const forbidden = withoutPorts(await outcome(() => send(https)))
      proxy.refuseWith = 503
      return `${forbidden} | ${withoutPorts(await outcome(() => send(https)))}`
    }),

  "a proxy that does not run": () =>
    scene(undefined, async ({ http, https, send }) => {
      const dead = { proxyFor: () => "http://user:geheim@127.0.0.1:9" }
      const both = [await outcome(() => send(http, 1, dead)), await outcome(() => send(https, 1, dead))]
      return both
        .map((one) => withoutPorts(one).replace(/: connect.*|: Unable.*|: Connection.*/i, ""))
        .join(" | ")
    }),

  "a proxy that does not answer a CONNECT is given up": async () => {
    const sockets: net.Socket[] = []
    const silent = net.createServer((socket) => void sockets.push(socket))
    const port = await listen(silent)
    try {
      return await scene(undefined, async ({ https, send }) =>
        withoutPorts(
          await outcome(() =>
            send(https, 1, { connectTimeoutMs: 300, proxyFor: () => `http://127.0.0.1:${port}` }),
          ),
        ),
      )
    } finally {
      for (const socket of sockets) socket.destroy()
      silent.close()
    }
  },

  "a certificate for another name is refused behind the proxy, too": () =>
    scene(undefined, async ({ https, send }) =>
      outcome(() => send(https.replace("druid.test", "other.test"))).then((text) => text.split(" ")[0]!),
    ),

  "no proxy for this address: directly": () =>
    scene(undefined, async ({ http, send, seen }) => {
      const url = http.replace("druid.test", "127.0.0.1")
      return `${await send(url, 1, { proxyFor: () => undefined })} |${seen()}`
    }),

  "a TLS connection through the proxy shows the server's certificate": () =>
    scene(undefined, async ({ https, proxy }) => {
      const { hostname: host, port } = new URL(https)
      const options = { host, port: Number(port), servername: host, rejectUnauthorized: false }
      const socket = await tlsThroughProxy(proxy.url, options, 10_000)
      await new Promise((done) => socket.once("secureConnect", done))
      const name = socket.getPeerCertificate().subject.CN
      socket.destroy()
      return String(name)
    }),

  "a TLS connection through a proxy that does not answer is given up": async () => {
    const sockets: net.Socket[] = []
    const silent = net.createServer((socket) => void sockets.push(socket))
    const port = await listen(silent)
    try {
      const options = { host: "druid.test", port: 443, servername: "druid.test" }
      return await outcome(async () => {
        await tlsThroughProxy(`http://127.0.0.1:${port}`, options, 300)
        return "connected"
      }).then(withoutPorts)
    } finally {
      for (const socket of sockets) socket.destroy()
      silent.close()
    }
  },

  "an IPv6 address that does not answer, before an IPv4 one that does": async () => {
    // A queue for connections that nobody takes and that is full: further ones get no answer.
    const script = [
      "import socket, time",
      "s = socket.socket(socket.AF_INET6); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)",
      's.bind(("::1", 0)); s.listen(0); held = []',
      "for i in range(4):",
      "  c = socket.socket(socket.AF_INET6); c.setblocking(False); c.connect_ex(s.getsockname()); held.append(c)",
      "print(s.getsockname()[1], flush=True); time.sleep(60)",
    ]
    const dead = spawn("python3", ["-c", script.join("\n")], { stdio: ["ignore", "pipe", "inherit"] })
    const server = http.createServer((_, response) => response.end("alive"))
    // Far more than a second is still no test of the machine's speed.
    const transport = createTransport({
      ...LIMITS,
      connectTimeoutMs: 5_000,
      lookup: ((_name: string, options: { all?: boolean }, answer: (...given: unknown[]) => void) =>
        options.all === true
          ? answer(null, [
              { address: "::1", family: 6 },
              { address: "127.0.0.1", family: 4 },
            ])
          : answer(null, "::1", 6)) as unknown as LookupFunction,
    })
    try {
      const port = await new Promise<number>((done) =>
        dead.stdout.once("data", (bytes: Buffer) => done(Number(bytes.toString()))),
      )
      await new Promise<void>((done) => server.listen(port, "127.0.0.1", done))
      return await outcome(async () => (await transport.fetch(`http://druid.test:${port}/`)).text())
    } finally {
      dead.kill()
      transport.close()
      server.closeAllConnections()
      server.close()
    }
  },
}

const results: Record<string, string> = {}
for (const [name, run] of Object.entries(cases)) results[name] = await run()
console.log(JSON.stringify(results))
process.exit(0)
