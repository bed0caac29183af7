/** A forward proxy as companies have them: plain requests in absolute form, tunnels by CONNECT. Every name is this machine. */
import http from "node:http"
import net, { type AddressInfo, type Socket } from "node:net"

export interface ForwardProxy {
  /** `http://127.0.0.1:port`, or with the login that it wants */
  readonly url: string
  readonly port: number
  /** `POST http://host/path` and `CONNECT host:port`, each with what the proxy could read of credentials */
  readonly seen: string[]
  /** answers everything with this */
  refuseWith: number | undefined
  stop(): void
}

/** @param login `user:password` that it asks for */
export async function startForwardProxy(login?: string): Promise<ForwardProxy> {
  const sockets = new Set<Socket>()
  const wanted = login === undefined ? undefined : `Basic ${Buffer.from(login).toString("base64")}`
  const seen: string[] = []
  const statusFor = ({ headers }: http.IncomingMessage): number | undefined =>
    proxy.refuseWith ?? (wanted !== undefined && headers["proxy-authorization"] !== wanted ? 407 : undefined)
  const note = (what: string, { headers }: http.IncomingMessage) =>
    seen.push(headers.authorization === undefined ? what : `${what} with ${headers.authorization}`)

  const server = http.createServer((request, response) => {
    note(`${request.method} ${request.url}`, request)
    const status = statusFor(request)
    if (status !== undefined) return void response.writeHead(status).end("<html>the proxy says no</html>")
    const { port, pathname, search } = new URL(request.url ?? "")
    const { "proxy-authorization": _, "proxy-connection": __, ...headers } = request.headers
    const onward = http.request(
      { host: "127.0.0.1", port, path: pathname + search, method: request.method, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    onward.on("error", () => response.destroy())
    request.pipe(onward)
  })
  server.on("connect", (request: http.IncomingMessage, client: Socket, head: Buffer) => {
    note(`CONNECT ${request.url}`, request)
    const status = statusFor(request)
    if (status !== undefined) return void client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`)
    const onward = net.connect(Number(request.url?.split(":").at(-1)), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n")
      onward.write(head)
      onward.pipe(client)
      client.pipe(onward)
    })
    sockets.add(onward)
    onward.on("error", () => client.destroy())
    client.on("error", () => onward.destroy())
  })
  server.on("connection", (socket) => sockets.add(socket))
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const { port } = server.address() as AddressInfo
  const proxy: ForwardProxy = {
    url: `http://${login === undefined ? "" : `${login}@`}127.0.0.1:${port}`,
    port,
    seen,
    refuseWith: undefined,
    stop: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
  return proxy
}
