import { describe, expect, it } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { DruidsyncError, ExitCode } from "../../src/base/errors.ts"
import { type Refusal, refusal, retryAfter } from "../../src/druid/refusal.ts"

const NOW = Date.UTC(2024, 0, 1)

function refused(
  status: number,
  body: string,
  headers: Record<string, string> = {},
  more: Partial<Refusal> = {},
) {
  return refusal({
    status,
    headers: new Headers(headers),
    body,
    action: 'counting rows of "w"',
    url: "http://druid:8888",
    nowMs: NOW,
    blot: (text: string) => text,
    ...more,
  } as Refusal)
}

/** A refusal as a real Druid wrote it. */
function real(name: string): DruidsyncError {
  const body = readFileSync(join(import.meta.dirname, `../fixtures/refusals/${name}.body`), "utf8")
  return refused(Number(name.slice(0, 3)), body)
}

describe("what a real Druid refuses", () => {
  it("an unknown datasource: exit code 4, with Druid's own words", () => {
    const error = real("400-unknown-datasource")
    expect(error).toMatchObject({ code: "unknown-datasource", exitCode: ExitCode.refused, retryable: false })
    expect(error.message).toBe(
      `counting rows of "w": Druid does not know the datasource: Object 'nope' not found (line [1], column [15]) (HTTP 400)`,
    )
  })

  it("a query that cannot be planned, or a wrong result format: no second try", () => {
    for (const name of ["400-cannot-plan", "400-result-format"])
      expect(real(name)).toMatchObject({ code: "query", retryable: false, exitCode: ExitCode.failed })
  })

  it("a query that ran out of time: another try, or a smaller one", () => {
    expect(real("504-query-timeout")).toMatchObject({ code: "timeout", retryable: true })
    expect(real("504-query-timeout").asksForLess).toBe(true)
  })

  it("a query over a limit: a smaller one, not the same again", () => {
    for (const name of ["400-resource-limit", "500-scatter-gather-limit"]) {
      expect(real(name)).toMatchObject({ code: "query", retryable: false })
      expect(real(name).asksForLess).toBe(true)
    }
  })

  it("a 500 for the query's own fault: no second try", () => {
    expect(real("500-by-zero")).toMatchObject({ code: "query", retryable: false })
    expect(real("500-by-zero").asksForLess).toBe(false)
  })
})

describe("the older shape of errors", () => {
  const legacy = (error: string, errorMessage: string | null, errorClass: string | null = null) =>
    JSON.stringify({ error, errorMessage, errorClass, host: "h:8083" })

  it("is read as well: its message, or its name where it has none", () => {
    expect(refused(500, legacy("Unknown exception", "Connection reset")).message).toContain(
      "Druid failed: Connection reset (HTTP 500)",
    )
    expect(refused(401, legacy("Unauthorized request", null)).message).toContain("Unauthorized request")
  })

  it("says by its class that the query is wrong", () => {
    const parse = legacy("Unknown exception", "at line 1", "org.apache.calcite.sql.parser.SqlParseException")
    expect(refused(500, parse)).toMatchObject({ code: "query", retryable: false })
  })

  it("says what a server that just comes or goes says: another try", () => {
    const coerce = legacy(
      "Unknown exception",
      "Cannot coerce field [nested] from type [LinkedHashMap] to type [DOUBLE]",
    )
    expect(refused(500, coerce)).toMatchObject({ code: "server", retryable: true })
  })
})

describe("a user without permission", () => {
  it("gets exit code 4 and no second try", () => {
    expect(refused(401, "")).toMatchObject({ code: "auth", exitCode: 4, retryable: false })
    const denied = refused(403, JSON.stringify({ "Access-Check-Result": "Unauthorized, denied by test" }))
    expect(denied).toMatchObject({ code: "forbidden", exitCode: 4, retryable: false })
    expect(denied.message).toContain("denied by test")
  })

  it("and is sent to a login page learns that it was", () => {
    const error = refused(302, "", { location: "https://login.example/\u001b[31m" })
    expect(error).toMatchObject({ code: "not-druid", exitCode: 4 })
    expect(error.message).toContain("redirects to https://login.example/")
  })
})

describe("a proxy", () => {
  const page = "<html><head><title>502</title></head><body>\n<h1>Bad Gateway</h1></body></html>"

  it("answers in HTML: its page stays out of the sentence", () => {
    for (const status of [500, 502, 503]) {
      const error = refused(status, page, { "content-type": "text/html" })
      expect(error).toMatchObject({ code: "server", retryable: true })
      expect(error.message).toBe(`counting rows of "w": Druid failed (HTTP ${status})`)
    }
    expect(refused(504, page)).toMatchObject({ code: "timeout", retryable: true })
  })

  it("answers in plain text: that is said, made safe to print and short", () => {
    const error = refused(503, `try\r\nlater \u001b[2J${"x".repeat(5_000)}`)
    expect(error.message).toContain("try later \\u001b[2J")
    expect(error.message.length).toBeLessThan(400)
  })

  it("does not know the path: not Druid, exit code 4", () => {
    expect(refused(404, page)).toMatchObject({ code: "not-druid", exitCode: 4, retryable: false })
    expect(refused(405, "")).toMatchObject({ code: "not-druid" })
    expect(refused(415, "")).toMatchObject({ code: "not-druid" })
  })
})

describe("too much at once", () => {
  it("is tried again when the server says", () => {
    expect(refused(429, "", { "retry-after": "7" })).toMatchObject({
      code: "too-many-requests",
      retryable: true,
      retryAfterMs: 7_000,
    })
    expect(refused(408, "")).toMatchObject({ code: "timeout", retryable: true, retryAfterMs: undefined })
    expect(refused(503, "", { "retry-after": "3" })).toMatchObject({ retryAfterMs: 3_000 })
  })
})

describe("Retry-After", () => {
  it("is seconds or a date, never in the past, at most an hour", () => {
    expect(retryAfter("12", NOW)).toBe(12_000)
    expect(retryAfter(" 0 ", NOW)).toBe(0)
    expect(retryAfter(new Date(NOW + 90_000).toUTCString(), NOW)).toBe(90_000)
    expect(retryAfter(new Date(NOW - 90_000).toUTCString(), NOW)).toBe(0)
    expect(retryAfter("999999999999", NOW)).toBe(3_600_000)
    expect(retryAfter("soon", NOW)).toBeUndefined()
    expect(retryAfter("-5", NOW) ?? 0).toBe(0)
    expect(retryAfter(null, NOW)).toBeUndefined()
  })
})

describe("asking for less", () => {
  it("helps against limits, timeouts and answers cut in the middle, and nothing else", () => {
    const of = (code: DruidsyncError["code"]) => new DruidsyncError(code, "x").asksForLess
    expect(["timeout", "response-cut"].map((code) => of(code as never))).toEqual([true, true])
    for (const code of ["connect", "server", "query", "auth", "disk-full", "tls", "forbidden"] as const)
      expect(of(code)).toBe(false)
    // No wording decides it.
    expect(new DruidsyncError("query", "refused as too big").asksForLess).toBe(false)
  })
})
