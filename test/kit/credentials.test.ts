import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { inspect } from "node:util"
import { DruidsyncError } from "../../src/base/errors.ts"
import { Secret } from "../../src/config/secret.ts"
import type { Access } from "../../src/config/settings.ts"
import { createTransport } from "../../src/druid/transport.ts"
import { credentialsFor } from "../../src/kit/credentials.ts"
import { CLIENT, TokenServer } from "../support/token-server/token-server.ts"

let server: TokenServer
let nowMs = 0
beforeEach(async () => {
  nowMs = Date.UTC(2024, 0, 1)
  server = await TokenServer.start()
})
afterEach(() => server.stop())

const transport = createTransport({
  connectTimeoutMs: 5_000,
  firstByteTimeoutMs: 5_000,
  idleTimeoutMs: 5_000,
  maxSockets: 2,
})

function credentials(access: Partial<Access>) {
  return credentialsFor({
    access: { auth: undefined, headers: {}, reread: undefined, ...access },
    transport,
    userAgent: "druidsync/test",
    nowMs: () => nowMs,
    hidden: [],
  })
}

const fromServer = (scope?: string) =>
  credentials({
    auth: {
      kind: "oauth2",
      tokenUrl: server.url,
      clientId: CLIENT.clientId,
      clientSecret: new Secret(CLIENT.clientSecret),
      scope,
    },
  })

describe("tokens from a token server", () => {
  it("are asked for once, by the client credentials grant, and kept", async () => {
    const { headers } = fromServer("druid.read")
    const both = await Promise.all([headers(), headers()])
    expect(both.map(({ authorization }) => authorization)).toEqual(
      Array(2).fill("Bearer token-1-of-the-server"),
    )
    nowMs += 20_000
    await headers()
    expect(server.requests.map(({ form }) => form)).toEqual([
      { grant_type: "client_credentials", scope: "druid.read" },
    ])
  })

  it("are replaced before they run out", async () => {
    server.lifetime = 8
    const { headers } = fromServer()
    await headers()
    nowMs += 5_900
    await headers()
    expect(server.given.length).toBe(1)
    nowMs += 200
    expect(await headers()).toEqual({ authorization: "Bearer token-2-of-the-server" })
  })

  it("are replaced when Druid refuses them, once for all requests that were refused", async () => {
    server.lifetime = undefined
    const { headers, renew } = fromServer()
    const first = await headers()
    expect(await Promise.all([renew(first), renew(first), renew(first)])).toEqual([true, true, true])
    expect(server.given.length).toBe(2)
    expect(await renew(first)).toBe(true)
    expect(server.given.length).toBe(2)
  })

  it("go on to be used while they are good and the server cannot be asked", async () => {
    const { headers } = fromServer()
    await headers()
    server.instead = { status: 503, body: "" }
    nowMs += 50_000
    expect(await headers()).toEqual({ authorization: "Bearer token-1-of-the-server" })
    nowMs += 11_000
    const error = await headers().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: "server", retryable: true })
  })

  it("are had from servers that take name and secret in the form alone, too", async () => {
    server.formOnly = true
    server.lifetime = 4
    const { headers } = fromServer()
    await headers()
    nowMs += 4_000
    await headers()
    expect(server.given.length).toBe(2)
    expect(server.requests.length).toBe(3)
  })

  it("are waited for until the request is aborted; other requests, and the next, still get a token", async () => {
    const { headers } = fromServer()
    const over = new AbortController()
    const held = Promise.withResolvers<void>()
    server.hold = () => held.promise
    const hurried = headers(over.signal)
    const patient = headers()
    over.abort(new Error("the time is over"))
    expect(await hurried.catch((error) => error.message)).toBe("the time is over")
    held.resolve()
    expect((await patient).authorization).toBe("Bearer token-1-of-the-server")
  })

  it("that nobody waits for any more are asked for again by the next request that needs one", async () => {
    const { headers } = fromServer()
    const over = new AbortController()
    server.hold = async () => over.abort(new Error("the time is over"))
    expect(await headers(over.signal).catch((error) => error.message)).toBe("the time is over")
    server.hold = () => Promise.resolve()
    expect((await headers()).authorization).toStartWith("Bearer token-")
  })

  it("that cannot be had are an error without a secret, whatever the server says", async () => {
    const wrong = [
      {
        status: 400,
        body: JSON.stringify({ error: "invalid_scope", error_description: CLIENT.clientSecret }),
      },
      { status: 200, body: JSON.stringify({ access_token: "with a space" }) },
      { status: 200, body: "<html>" },
      { status: 200, body: JSON.stringify({ access_token: "abc", token_type: "mac" }) },
      { status: 302, body: "" },
    ]
    for (const instead of wrong) {
      server.instead = instead
      const error = await fromServer()
        .headers()
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(DruidsyncError)
      expect(error).toMatchObject({ code: "auth", exitCode: 4, retryable: false })
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(CLIENT.clientSecret)
    }
  })

  it("are blotted out of messages, old ones and new, as the client's secret is", async () => {
    const { headers, renew, secrets } = fromServer()
    await renew(await headers())
    await headers()
    for (const secret of [...server.given, CLIENT.clientSecret]) expect(secrets()).toContain(secret)
  })
})

describe("credentials by reference", () => {
  const bearer = (token: string): Pick<Access, "auth"> => ({
    auth: { kind: "bearer", token: new Secret(token) },
  })

  it("are read again when Druid refuses them, once for all requests that were refused", async () => {
    let reads = 0
    const reread = async () => {
      reads++
      return { ...bearer("the second token"), headers: {}, reread }
    }
    const { headers, renew, secrets } = credentials({ ...bearer("the first token"), reread })
    const first = await headers()
    expect(await Promise.all([renew(first), renew(first)])).toEqual([true, true])
    expect(await renew(first)).toBe(true)
    expect(reads).toBe(1)
    expect(await headers()).toEqual({ authorization: "Bearer the second token" })
    expect(secrets()).toContain("the first token")
    expect(secrets()).toContain("the second token")
  })

  it("that give the same again, or nothing, do not help", async () => {
    const same = async () => ({ ...bearer("the first token"), headers: {}, reread: undefined })
    const one = credentials({ ...bearer("the first token"), reread: same })
    expect(await one.renew(await one.headers())).toBe(false)
    const two = credentials({ ...bearer("the first token"), reread: async () => undefined })
    expect(await two.renew(await two.headers())).toBe(false)
    const three = credentials(bearer("the first token"))
    expect(await three.renew(await three.headers())).toBe(false)
  })

  it("may be headers of other names", async () => {
    const { headers, secrets } = credentials({ headers: { "x-api-key": new Secret("the key") } })
    expect(await headers()).toEqual({ "x-api-key": "the key" })
    expect(secrets()).toContain("the key")
  })
})
