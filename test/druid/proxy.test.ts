import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { authority } from "../support/nginx/pki.ts"
import { RUNTIMES } from "./runtimes.ts"

const CASES = join(import.meta.dirname, "proxy-cases.ts")

/** What must come of each case of `proxy-cases.ts`, under every runtime. */
const EXPECTED = {
  "http goes to the proxy in absolute form":
    "200 POST /druid/v2/sql?a=1 of druid.test, 200000 bytes, Bearer secret, undefined | POST http://druid.test/druid/v2/sql?a=1 with Bearer secret",
  "https goes through a tunnel, which is used again, and the proxy reads nothing":
    "200 POST /druid/v2/sql?a=1 of druid.test, 200000 bytes, Bearer secret, undefined, complete: true | CONNECT druid.test",
  "a login is for the proxy alone: http":
    "200 POST /druid/v2/sql?a=1 of druid.test, 200000 bytes, Bearer secret, undefined",
  "a login is for the proxy alone: https":
    "200 POST /druid/v2/sql?a=1 of druid.test, 200000 bytes, Bearer secret, undefined, complete: true",
  "a proxy that wants a login, https": "connect: the proxy 127.0.0.1 wants a login (HTTP 407)",
  "a proxy that wants a login, http: an answer like others": "407 <html>the proxy says no</html>",
  "a proxy that opens no tunnel":
    "connect: the proxy 127.0.0.1 does not let us through to druid.test (HTTP 403) | connect retryable: the proxy 127.0.0.1 does not let us through to druid.test (HTTP 503)",
  "a proxy that does not run":
    "connect retryable: the proxy 127.0.0.1:9 cannot be used | connect retryable: the proxy 127.0.0.1:9 cannot be used",
  "a proxy that does not answer a CONNECT is given up":
    "connect retryable: the proxy 127.0.0.1 did not connect within 0.3 s",
  "a certificate for another name is refused behind the proxy, too": "tls:",
  "no proxy for this address: directly":
    "200 POST /druid/v2/sql?a=1 of 127.0.0.1, 200000 bytes, Bearer secret, undefined, complete: true |",
  "a TLS connection through the proxy shows the server's certificate": "druid.test",
  "a TLS connection through a proxy that does not answer is given up":
    "connect retryable: the proxy 127.0.0.1 did not connect within 0.3 s",
  "an IPv6 address that does not answer, before an IPv4 one that does": "alive",
}

let folder = ""
let files: readonly string[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "druidsync-proxy-"))
  const own = authority(folder, "own")
  const { cert, key } = own.issue("druid.test", ["DNS:druid.test"])
  files = [cert, key, own.cert]
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("the way through a proxy is the same", () => {
  for (const [name, run] of Object.entries(RUNTIMES)) {
    it(`under ${name}`, async () => {
      expect(await run(CASES, ...files)).toEqual(EXPECTED)
    }, 60_000)
  }
})
