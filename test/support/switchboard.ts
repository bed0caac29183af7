/** A dead-man's switch that writes down who called, and answers as the test wants. */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface Call {
  readonly method: string
  readonly path: string
  readonly body: string
}

export interface Switchboard {
  readonly url: string
  readonly host: string
  readonly calls: Call[]
  /** default: 200 */
  answer: (call: Call, response: ServerResponse) => void
  stop(): Promise<void>
}

export async function openSwitchboard(): Promise<Switchboard> {
  const calls: Call[] = []
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (piece: Buffer) => (body += piece.toString()))
    request.on("end", () => {
      const call = { method: request.method!, path: request.url!, body }
      calls.push(call)
      board.answer(call, response)
    })
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const { port } = server.address() as AddressInfo
  const board: Switchboard = {
    url: `http://127.0.0.1:${port}/ping/s3cret-uuid`,
    host: `127.0.0.1:${port}`,
    calls,
    answer: (_, response) => void response.end("OK"),
    stop: () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
  return board
}
