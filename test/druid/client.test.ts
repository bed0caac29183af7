import { afterEach, describe, expect, it } from "bun:test"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import http from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { DruidsyncError } from "../../src/base/errors.ts"
import { type ClientOptions, createClient, type DruidClient } from "../../src/druid/client.ts"
import type { Credentials } from "../../src/druid/http.ts"
import { createTransport } from "../../src/druid/transport.ts"

const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, "../fixtures", name))
const PASSWORD = "hunter2-£-geheim"
const BASIC = `Basic ${Buffer.from(`ann:${PASSWORD}`).toString("base64")}`

interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

interface Setup {
  readonly client: DruidClient
  readonly seen: Seen[]
  readonly folder: string
  /** resolves with the next request that the condition holds for */
  readonly waitFor: (condition: (seen: Seen) => boolean) => Promise<Seen>
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const fixed = (headers: Record<string, string>, secrets: string[]): Credentials => ({
  headers: async () => headers,
  renew: async () => false,
  secrets: () => secrets,
})

async function setup(
  answer: (seen: Seen, response: http.ServerResponse) => void,
  given: Partial<ClientOptions> = {},
): Promise<Setup> {
  const seen: Seen[] = []
  const waiting: { condition: (one: Seen) => boolean; resolve: (one: Seen) => void }[] = []
  const server = http.createServer(async (request, response) => {
    let body = ""
    for await (const piece of request) body += piece
    const one = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body }
    seen.push(one)
    for (const { condition, resolve } of waiting) if (condition(one)) resolve(one)
    answer(one, response)
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const folder = mkdtempSync(join(tmpdir(), "druidsync-client-"))
  const transport = createTransport({
    connectTimeoutMs: 1_000,
    firstByteTimeoutMs: 300,
    idleTimeoutMs: 300,
    maxSockets: 4,
  })
  let id = 0
  const client = createClient({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`,
    credentials: fixed({ authorization: BASIC }, [BASIC.slice(6), PASSWORD]),
    transport,
    gzip: false,
    queryTimeoutMs: 60_000,
    priority: -10,
    userAgent: "druidsync/test",
    newId: () => `id-${++id}`,
    ...given,
  })
  closers.push(() => {
    void client.close()
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const waitFor = (condition: (one: Seen) => boolean) => {
    const there = seen.find(condition)
    return there !== undefined
      ? Promise.resolve(there)
      : new Promise<Seen>((resolve) => waiting.push({ condition, resolve }))
  }
  return { client, seen, folder, waitFor }
}

async function failure(work: Promise<unknown>): Promise<DruidsyncError> {
  const error = await work.then(
    () => new Error("it passed"),
    (thrown: unknown) => thrown,
  )
  if (error instanceof DruidsyncError) return error
  throw error
}

const action = { action: "reading" }
const isDelete = ({ method }: Seen) => method === "DELETE"

describe("a request", () => {
  it("carries its own query id, a low priority, a timeout, and the types asked for", async () => {
    const { client, seen } = await setup((_, response) => response.end("[1]\n\n"), {
      context: { useCache: false, priority: 5, sqlQueryId: "stolen", sqlStringifyArrays: true },
    })
    await client.rows("SELECT 1", action)
    expect(seen[0]).toMatchObject({
      method: "POST",
      path: "/base/druid/v2/sql",
      headers: { authorization: BASIC, "user-agent": "druidsync/test", "accept-encoding": "identity" },
    })
    expect(JSON.parse(seen[0]!.body)).toEqual({
      query: "SELECT 1",
      resultFormat: "arrayLines",
      context: {
        useCache: false,
        priority: 5,
        timeout: 60_000,
        sqlQueryId: "druidsync-id-1",
        sqlStringifyArrays: false,
      },
    })
    expect(client.requests).toBe(1)
  })

  it("for rows of a table asks for the three header lines", async () => {
    const { client, seen } = await setup((_, response) => response.end(fixture("no-rows.arraylines")))
    expect((await client.header("SELECT", action)).druidTypes).toEqual(["LONG", "STRING"])
    expect(JSON.parse(seen[0]!.body)).toMatchObject({ header: true, typesHeader: true, sqlTypesHeader: true })
  })
})

describe("rows in a spool file", () => {
  it("are the response's own bytes without its header lines, readable for us alone", async () => {
    const whole = fixture("whole.arraylines")
    const { client, folder } = await setup((_, response) => {
      response.write(whole.subarray(0, 77))
      response.end(whole.subarray(77))
    })
    const path = join(folder, "a.jsonl")
    let told = 0
    const spooled = await client.spool("SELECT", path, {
      ...action,
      onBytes: (bytes) => {
        told += bytes
      },
    })
    const bytes = readFileSync(path)
    expect(bytes.toString()).toBe(whole.toString().split("\n").slice(3).join("\n"))
    expect(spooled.bytes).toBe(bytes.length)
    expect(told).toBe(bytes.length)
    expect(spooled.header.names.length).toBe(6)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it("never overwrite a file that is there", async () => {
    const { client, folder } = await setup((_, response) => response.end(fixture("whole.arraylines")))
    const path = join(folder, "a.jsonl")
    await client.spool("SELECT", path, action)
    expect((await failure(client.spool("SELECT", path, action))).code).toBe("file")
  })

  for (const name of ["cut-after-row", "cut-in-row", "cut-in-header"]) {
    it(`are refused where the response is not complete, though HTTP is: ${name}`, async () => {
      const { client, folder } = await setup((_, response) => response.end(fixture(`${name}.arraylines`)))
      expect(await failure(client.spool("SELECT", join(folder, "a"), action))).toMatchObject({
        code: "response-cut",
        retryable: true,
      })
    })
  }

  it("are refused where the broker's trailer says that it failed, however complete they look", async () => {
    const { client, folder } = await setup((_, response) => {
      response.writeHead(200, { trailer: "X-Druid-Response-Complete, X-Error-Message" })
      response.write(fixture("whole.arraylines"))
      response.addTrailers({
        "X-Druid-Response-Complete": "false",
        "X-Error-Message": `Channel disconnected ${PASSWORD}`,
      })
      response.end()
    })
    const error = await failure(client.spool("SELECT", join(folder, "a"), action))
    expect(error).toMatchObject({ code: "response-cut", retryable: true })
    expect(error.message).toContain("Channel disconnected [secret]")
  })

  it("are taken where the trailer says that all is well", async () => {
    const { client, folder } = await setup((_, response) => {
      response.writeHead(200, { trailer: "X-Druid-Response-Complete" })
      response.write(fixture("whole.arraylines"))
      response.addTrailers({ "X-Druid-Response-Complete": "true" })
      response.end()
    })
    expect((await client.spool("SELECT", join(folder, "a"), action)).bytes).toBeGreaterThan(1_000)
  })

  it("of a page that is not Druid's are none", async () => {
    const { client, folder } = await setup((_, response) => response.end("<html>\n<body>\nlog in\n</body>"))
    expect(await failure(client.spool("SELECT", join(folder, "a"), action))).toMatchObject({
      code: "not-druid",
      retryable: false,
    })
  })
})

describe("a small answer", () => {
  /** A clock that jumps, and what was told of each pause. */
  function retries() {
    const told: { readonly code: string; readonly waitMs: number; readonly attempt: number }[] = []
    const slept: number[] = []
    const sleep = async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted()
      slept.push(ms)
    }
    const onRetry = ({ code }: DruidsyncError, waitMs: number, attempt: number) =>
      told.push({ code, waitMs, attempt })
    return { told, slept, retries: { clock: { sleep }, onRetry } }
  }

  it("is asked for again after 2, 4 and 8 s of the clock that is given, under a new id, each pause told", async () => {
    const { told, slept, retries: given } = retries()
    const answers = [
      (response: http.ServerResponse) => response.writeHead(503).end(),
      (response: http.ServerResponse) => response.end("[1]\n"),
      (response: http.ServerResponse) => response.writeHead(429, { "retry-after": "9" }).end(),
      (response: http.ServerResponse) => response.end("[1]\n\n"),
    ]
    const { client, seen } = await setup(
      (one, response) => (isDelete(one) ? response.end() : answers.shift()!(response)),
      { retries: given },
    )
    expect(await client.rows("SELECT 1", action)).toEqual([[1]])
    expect(told).toEqual([
      { code: "server", waitMs: 2_000, attempt: 1 },
      { code: "response-cut", waitMs: 4_000, attempt: 2 },
      { code: "too-many-requests", waitMs: 9_000, attempt: 3 },
    ])
    expect(slept).toEqual([2_000, 4_000, 9_000])
    const ids = seen.filter((one) => !isDelete(one)).map(({ body }) => JSON.parse(body).context.sqlQueryId)
    expect(ids).toEqual([1, 2, 3, 4].map((n) => `druidsync-id-${n}`))
  })

  it("that proves damaged only when it is made sense of is asked for again, too", async () => {
    const { slept, retries: given } = retries()
    const { client } = await setup((_, response) => response.end("[1]\n\n"), { retries: given })
    let reads = 0
    const read = () => {
      if (++reads < 3) throw new DruidsyncError("response-cut", "a row is in it twice", { retryable: true })
      return "understood"
    }
    expect(await client.rows("SELECT 1", action, read)).toBe("understood")
    expect(slept).toEqual([2_000, 4_000])
  })

  it("fails with the last error when three more tries fail, and at once where another try cannot help", async () => {
    const { slept, retries: given } = retries()
    const { client, seen } = await setup((_, response) => response.writeHead(503).end(), { retries: given })
    expect(await failure(client.rows("SELECT 1", action))).toMatchObject({ code: "server" })
    expect([seen.length, slept.length]).toEqual([4, 3])
    const wrong = await setup((_, response) => response.writeHead(401).end(), { retries: given })
    expect(await failure(wrong.client.rows("SELECT 1", action))).toMatchObject({ code: "auth" })
    expect([wrong.seen.length, slept.length]).toEqual([1, 3])
  })

  it("is asked for once where the caller starts again with more than it, and no pause outlasts an interruption", async () => {
    const { slept, retries: given } = retries()
    const { client, seen } = await setup((_, response) => response.writeHead(503).end(), { retries: given })
    await failure(client.rows("SELECT 1", { ...action, once: true }))
    expect([seen.length, slept]).toEqual([1, []])
    const stop = new AbortController()
    const reason = new DruidsyncError("interrupted", "interrupted", { exitCode: 130 })
    const sleep = async (_: number, signal?: AbortSignal) => {
      stop.abort(reason)
      signal?.throwIfAborted()
    }
    const other = await setup((_, response) => response.writeHead(503).end(), {
      retries: { clock: { sleep } },
    })
    expect(await failure(other.client.rows("SELECT 1", { ...action, signal: stop.signal }))).toBe(reason)
    expect(other.seen.length).toBe(1)
  })
})

describe("a query that is given up", () => {
  it("because we were interrupted before its answer: its connection closes and it is cancelled by id", async () => {
    const { client, waitFor } = await setup((one, response) => {
      if (isDelete(one)) response.writeHead(202).end()
    })
    const stop = new AbortController()
    const pending = failure(client.rows("SELECT 1", { ...action, signal: stop.signal }))
    await waitFor(({ method }) => method === "POST")
    const reason = new DruidsyncError("interrupted", "interrupted", { exitCode: 130 })
    stop.abort(reason)
    expect(await pending).toBe(reason)
    expect(await waitFor(isDelete)).toMatchObject({
      path: "/base/druid/v2/sql/druidsync-id-1",
      headers: { authorization: BASIC },
    })
  })

  it("because we were interrupted while its rows came: the same", async () => {
    let closed: () => void = () => undefined
    const whenClosed = new Promise<void>((done) => {
      closed = done
    })
    const { client, folder, waitFor } = await setup((one, response) => {
      if (isDelete(one)) response.writeHead(202).end()
      else {
        response.on("close", closed)
        response.write(fixture("cut-in-row.arraylines"))
      }
    })
    const stop = new AbortController()
    const reason = new DruidsyncError("interrupted", "interrupted", { exitCode: 130 })
    const pending = failure(
      client.spool("SELECT", join(folder, "a"), {
        ...action,
        signal: stop.signal,
        onBytes: () => stop.abort(reason),
      }),
    )
    expect(await pending).toBe(reason)
    await whenClosed
    expect((await waitFor(isDelete)).path).toBe("/base/druid/v2/sql/druidsync-id-1")
  })

  it("because Druid hangs is cancelled too", async () => {
    const { client, waitFor } = await setup((one, response) => {
      if (isDelete(one)) response.writeHead(202).end()
    })
    expect(await failure(client.rows("SELECT 1", action))).toMatchObject({ code: "timeout", retryable: true })
    expect((await waitFor(isDelete)).path).toBe("/base/druid/v2/sql/druidsync-id-1")
  })

  it("because Druid refused it is over: nothing is cancelled", async () => {
    const { client, seen } = await setup((_, response) =>
      response.writeHead(400).end(fixture("refusals/400-unknown-datasource.body")),
    )
    expect((await failure(client.rows("SELECT 1", action))).code).toBe("unknown-datasource")
    await client.close()
    expect(seen.filter(isDelete)).toEqual([])
  })
})

describe("an answer", () => {
  it("to another request, out of some cache, is not ours", async () => {
    const { client } = await setup((_, response) =>
      response.writeHead(200, { "x-druid-sql-query-id": "druidsync-other" }).end("[7]\n\n"),
    )
    expect(await failure(client.rows("SELECT 1", action))).toMatchObject({
      code: "not-druid",
      retryable: true,
    })
  })

  it("that redirects is not followed, and the credentials stay at home", async () => {
    const { client, seen } = await setup((_, response) =>
      response.writeHead(307, { location: "http://127.0.0.1:9/steal" }).end(),
    )
    const error = await failure(client.rows("SELECT 1", action))
    expect(error).toMatchObject({ code: "not-druid", exitCode: 4 })
    expect(seen.length).toBe(1)
  })

  it("to a native query is JSON, or not Druid's", async () => {
    const { client } = await setup((one, response) =>
      response.end(one.path.endsWith("/v2") ? '[{"columns":{}}]' : "<html>"),
    )
    expect(await client.native({ queryType: "segmentMetadata" }, action)).toEqual([{ columns: {} }])
    expect((await failure(client.get("/status", action))).code).toBe("not-druid")
  })
})

describe("credentials", () => {
  const everything = (error: unknown) => inspect(error, { depth: 10, showHidden: true })

  it("are in no error, whatever the server repeats of them", async () => {
    const echoes: ((response: http.ServerResponse) => void)[] = [
      (response) => response.writeHead(500).end(`you sent ${BASIC} which is ${PASSWORD}`),
      (response) => response.writeHead(401).end(JSON.stringify({ error: "no", errorMessage: PASSWORD })),
      (response) => response.writeHead(302, { location: `/login?was=${BASIC.slice(6)}` }).end(),
      (response) => response.end(`not rows but ${PASSWORD}`),
      (response) => response.end(`["${PASSWORD}"\n\n`),
      (response) => void response.destroy(),
    ]
    for (const echo of echoes) {
      const { client } = await setup((_, response) => echo(response))
      const text = everything(await failure(client.rows("SELECT 1", action)))
      expect(text).not.toContain(PASSWORD)
      expect(text).not.toContain(BASIC.slice(6))
    }
  })

  it("that no header can carry are refused without being shown", async () => {
    const token = "geheim\nX-Other: 1"
    const { client, seen } = await setup((_, response) => response.end("[1]\n\n"), {
      credentials: fixed({ authorization: `Bearer ${token}` }, [token]),
    })
    const error = await client.rows("SELECT 1", action).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(DruidsyncError)
    expect(everything(error)).not.toContain("geheim")
    expect(seen).toEqual([])
  })
})
