import { beforeEach, describe, expect, it } from "bun:test"
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import {
  cut,
  deny,
  destroy,
  errors,
  hang,
  reply,
  type World,
  waitFor,
} from "../support/fake-druid/fake-druid.ts"
import { fakeDruid as fake, messageOf, rowsOf, send, sql } from "./ask.ts"

let world: World
beforeEach(() => {
  world = fake.reset()
  world.append("d", [
    { __time: "2020-01-01", page: "aaaa" },
    { __time: "2020-01-02", page: "bbbb" },
    { __time: "2020-01-03", page: "cccc" },
  ])
})

const SCAN = "SELECT page FROM d"
const HEADER = '["page"]\n["STRING"]\n["VARCHAR"]\n'
const onScan = (behaviour: ReturnType<typeof cut>) => {
  fake.hooks.beforeRequest = (kind) => (kind === "scan" ? behaviour : undefined)
}

describe("a body that is cut", () => {
  it("cleanly, like a query that runs into its timeout: 200, properly ended, whole rows, no blank line", async () => {
    onScan(cut({ rows: 2 }))
    const answer = await sql(fake, SCAN)
    expect(answer).toMatchObject({
      status: 200,
      broken: false,
      body: `${HEADER}["aaaa"]\n["bbbb"]\n`,
      trailers: {},
    })
    expect(fake.log.of("scan")[0]).toMatchObject({ rowsSent: 2, complete: false, clientClosed: false })
  })

  it("cleanly through a broker: the trailers tell", async () => {
    fake.role = "broker"
    onScan(cut({ rows: 0 }, "clean", "Channel disconnected"))
    const answer = await sql(fake, SCAN)
    expect(answer.body).toBe(HEADER)
    expect(answer.trailers).toEqual({
      "x-druid-response-complete": "false",
      "x-error-message": "Channel disconnected",
    })
  })

  it("cleanly after the last row: only the blank line is missing", async () => {
    onScan(cut({ rows: 3 }))
    expect((await sql(fake, SCAN)).body).toBe(`${HEADER}["aaaa"]\n["bbbb"]\n["cccc"]\n`)
  })

  it("cleanly under gzip", async () => {
    onScan(cut({ rows: 1 }))
    const headers = { "Content-Type": "application/json", "Accept-Encoding": "gzip" }
    const body = JSON.stringify({ query: SCAN, resultFormat: "arrayLines" })
    const response = await fetch(`${fake.url}/druid/v2/sql`, { method: "POST", headers, body })
    expect(await response.text()).toBe('["aaaa"]\n')
  })

  it("in the middle of a row, with the connection: a dying broker", async () => {
    for (const role of ["router", "broker"] as const) {
      fake.role = role
      onScan(cut({ bytes: HEADER.length + 4 }, "close"))
      expect(await sql(fake, SCAN)).toMatchObject({ status: 200, broken: true, body: `${HEADER}["aa` })
    }
  })

  it("in a header line, and before any byte of the body", async () => {
    onScan(cut({ bytes: 3 }, "clean"))
    expect(await sql(fake, SCAN)).toMatchObject({ broken: false, body: '["p' })
    onScan(cut({ bytes: 0 }, "close"))
    expect(await sql(fake, SCAN)).toMatchObject({ broken: true, body: "" })
  })

  it("not at all where the body is shorter", async () => {
    onScan(cut({ bytes: 10_000 }, "close"))
    expect((await rowsOf(sql(fake, SCAN))).length).toBe(3)
  })
})

describe("other misbehaviour", () => {
  it("closes the connection before any header", async () => {
    onScan(destroy())
    expect(await sql(fake, SCAN)).toMatchObject({ status: 0, broken: true })
  })

  it("answers errors of every shape", async () => {
    const all = [
      errors.queryTimeout(),
      errors.resourceLimit(),
      errors.cancelled(),
      errors.connectionReset(),
      errors.coordinatorDown(),
      errors.tooManyRequests("7"),
      errors.noCredentials(),
      errors.druidException(400, "no"),
      errors.legacyError(400, "Unknown exception", "no", "x"),
    ]
    for (const error of all) {
      onScan(reply(error))
      const answer = await sql(fake, SCAN)
      expect([answer.status, JSON.parse(answer.body).error]).toEqual([
        error.status,
        JSON.parse(error.body!).error,
      ])
    }
    onScan(reply(errors.html(502, "Bad Gateway")))
    expect(await sql(fake, SCAN)).toMatchObject({
      status: 502,
      body: expect.stringContaining("<h2>HTTP ERROR 502"),
    })
  })

  it("hangs after some rows until the client leaves, and notes that", async () => {
    onScan(hang({ rows: 1 }))
    const controller = new AbortController()
    const response = await fetch(`${fake.url}/druid/v2/sql`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Encoding": "identity" },
      body: JSON.stringify({ query: SCAN, resultFormat: "arrayLines" }),
      signal: controller.signal,
    })
    const { value } = await response.body!.getReader().read()
    expect(new TextDecoder().decode(value)).toBe('["aaaa"]\n')
    const gone = new Promise<void>((done) => {
      fake.hooks.afterRequest = () => done()
    })
    controller.abort()
    await gone
    expect(fake.log.of("scan")[0]).toMatchObject({
      rowsSent: 1,
      clientClosed: true,
      complete: false,
      done: true,
    })
  })

  it("waits for what the test says", async () => {
    const order: string[] = []
    let go = () => {}
    const gate = new Promise<void>((done) => {
      go = done
    })
    fake.hooks.beforeRequest = (kind) => {
      order.push(kind)
      setTimeout(go, 0)
      return waitFor(gate, cut({ rows: 1 }))
    }
    expect((await sql(fake, SCAN)).body).toBe(`${HEADER}["aaaa"]\n`)
    expect(order).toEqual(["scan"])
  })

  it("resets with answers under way", async () => {
    onScan(hang())
    const answer = sql(fake, SCAN)
    while (fake.log.count("scan") === 0) await new Promise((tick) => setTimeout(tick, 1))
    fake.reset()
    expect((await answer).broken).toBeTrue()
    expect(fake.openResponses).toBe(0)
  })
})

describe("a world that changes under a scan", () => {
  it("leaves out segments that moved, with a complete-looking end and nothing to be seen in sys.segments", async () => {
    fake.hooks.duringScan = ({ segmentsRead }, world) => {
      if (segmentsRead === 1) world.move("d")
    }
    fake.role = "broker"
    const before = world.segments("d")
    const answer = await sql(fake, SCAN)
    expect(answer.body).toBe(`${HEADER}["aaaa"]\n\n`)
    expect(answer.trailers).toEqual({ "x-druid-response-complete": "true" })
    expect(world.segments("d")).toEqual(before)
    expect(world.count("d")).toBe(3)
  })

  it("leaves out what was dropped, and keeps what was replaced and still served", async () => {
    fake.hooks.duringScan = ({ segmentsRead }, world) => {
      if (segmentsRead === 1)
        world.overwrite("d", "2020-01-02/2020-01-03", [{ __time: "2020-01-02", page: "new" }])
      if (segmentsRead === 2) world.markUnused("d", "2020-01-03/2020-01-04")
    }
    expect(await rowsOf(sql(fake, SCAN))).toEqual(['["aaaa"]', '["bbbb"]'])
    fake.hooks = {}
    expect(await rowsOf(sql(fake, SCAN))).toEqual(['["aaaa"]', '["new"]'])
  })
})

describe("who may see what", () => {
  it("401 without credentials as JSON, with wrong ones as HTML", async () => {
    fake.credentials = { user: "u", password: "p" }
    expect(await sql(fake, SCAN)).toMatchObject({
      status: 401,
      body: expect.stringContaining("Unauthorized request"),
    })
    const wrong = await sql(fake, SCAN, {}, { Authorization: `Basic ${btoa("u:wrong")}` })
    expect([wrong.status, wrong.headers["content-type"]]).toEqual([401, "text/html;charset=iso-8859-1"])
    expect((await sql(fake, SCAN, {}, { Authorization: `Basic ${btoa("u:p")}` })).status).toBe(200)
    fake.credentials = { bearer: "token" }
    expect((await sql(fake, SCAN, {}, { Authorization: "Bearer token" })).status).toBe(200)
  })

  it("forbidden datasources are left out without a word, and 403 when asked", async () => {
    world.append("e", [{ __time: 1, page: "x" }])
    fake.denied.add("d")
    const listed = await rowsOf(sql(fake, "SELECT datasource FROM sys.segments"))
    expect(listed).toEqual(['["e"]'])
    const columns = await rowsOf(
      sql(fake, "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'druid'"),
    )
    expect(columns).toEqual(['["e"]', '["e"]'])
    const refused = await sql(fake, SCAN)
    expect([refused.status, refused.body]).toEqual([
      403,
      '{"Access-Check-Result":"Unauthorized, denied by test"}',
    ])
    fake.denied.clear()
    onScan(deny("d"))
    expect((await sql(fake, SCAN)).status).toBe(403)
  })

  it("sys.segments forbidden, or absent", async () => {
    fake.segments = "forbidden"
    expect((await sql(fake, "SELECT datasource FROM sys.segments")).status).toBe(403)
    fake.segments = "absent"
    expect(await messageOf(sql(fake, "SELECT datasource FROM sys.segments"))).toContain(
      "Object 'segments' not found",
    )
    expect(
      await rowsOf(sql(fake, "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'sys'")),
    ).toEqual([])
  })
})

describe("cancelling", () => {
  it("404 for an id that does not run", async () => {
    const answer = await send(fake, "DELETE", "/druid/v2/sql/nope")
    expect([answer.status, answer.body]).toEqual([404, ""])
    expect(fake.log.of("cancel")[0]!.queryId).toBe("nope")
  })

  it("202 for a query that still computes, which then answers 500", async () => {
    onScan(hang())
    const answer = sql(fake, SCAN, { context: { sqlQueryId: "q1" } })
    while (fake.log.count("scan") === 0) await new Promise((tick) => setTimeout(tick, 1))
    expect((await send(fake, "DELETE", "/druid/v2/sql/q1")).status).toBe(202)
    expect(await messageOf(answer)).toBe("500 Query cancelled")
    expect((await send(fake, "DELETE", "/druid/v2/sql/q1")).status).toBe(404)
  })

  it("202 for a scan that streams already, without effect", async () => {
    let status = 0
    fake.hooks.duringScan = async ({ segmentsRead }) => {
      if (segmentsRead === 1) status = (await send(fake, "DELETE", "/druid/v2/sql/q2")).status
    }
    expect((await rowsOf(sql(fake, SCAN, { context: { sqlQueryId: "q2" } }))).length).toBe(3)
    expect(status).toBe(202)
  })
})

describe("sites", () => {
  it("are Druids of their own below a base path", async () => {
    const other = fake.site("h1")
    other.world.append("o", [{ __time: 1, page: "other" }])
    expect(await rowsOf(sql(other, "SELECT page FROM o"))).toEqual(['["other"]'])
    expect((await sql(fake, "SELECT page FROM o")).status).toBe(400)
    expect([other.log.count("scan"), fake.log.count("scan"), other.url]).toEqual([1, 1, `${fake.url}/h1`])
    expect(other.log.of("scan")[0]!.path).toBe("/druid/v2/sql")
    fake.removeSite("h1")
    expect((await send(fake, "GET", "/h1/status")).status).toBe(404)
  })
})

describe("a million rows", () => {
  const COUNT = 1_000_000
  const fill = () =>
    world.virtual("big", {
      interval: "2021-01-01/2022-01-01",
      count: COUNT,
      columns: { page: "STRING", n: "LONG" },
      time: (i) => 1609459200000n + BigInt(i) * 1000n,
      row: (i) => [1609459200000n + BigInt(i) * 1000n, `page ${i % 1000}`, BigInt(i)],
    })

  it("are counted without being made, and streamed without being held", async () => {
    fill()
    const within =
      "TIMESTAMP_TO_MILLIS(__time) >= 1609459201000 AND TIMESTAMP_TO_MILLIS(__time) < 1609459204000"
    expect(await rowsOf(sql(fake, "SELECT COUNT(*) FROM big"))).toEqual([`[${COUNT}]`])
    expect(await rowsOf(sql(fake, `SELECT n FROM big WHERE ${within}`))).toEqual(["[1]", "[2]", "[3]"])
    const response = await fetch(`${fake.url}/druid/v2/sql`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Encoding": "identity" },
      body: JSON.stringify({
        query: "SELECT TIMESTAMP_TO_MILLIS(__time), n FROM big",
        resultFormat: "arrayLines",
      }),
    })
    let lines = 0
    for await (const chunk of response.body!)
      lines +=
        Buffer.from(chunk as Uint8Array)
          .toString("latin1")
          .split("\n").length - 1
    expect(lines).toBe(COUNT + 1)
    expect(fake.log.rowsFetched).toBe(COUNT + 3)
  }, 60_000)

  it("stop at once when the client closes the connection", async () => {
    fill()
    const gone = new Promise<void>((done) => {
      fake.hooks.afterRequest = () => done()
    })
    const body = JSON.stringify({ query: "SELECT * FROM big" })
    const socket = connect(fake.port, fake.host)
    socket.write(
      `POST /druid/v2/sql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    socket.once("data", () => socket.destroy())
    await gone
    const [scan] = fake.log.of("scan")
    expect(scan).toMatchObject({ clientClosed: true, complete: false, done: true })
    expect(scan!.rowsSent).toBeLessThan(COUNT)
    await text(socket).catch(() => {})
  })
})
