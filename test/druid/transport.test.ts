import { describe, expect, it } from "bun:test"
import { join } from "node:path"
import { RUNTIMES } from "./runtimes.ts"

const CASES = join(import.meta.dirname, "transport-cases.ts")

/** What must come of each case of `transport-cases.ts`, under every runtime. */
const EXPECTED = {
  "a body in pieces arrives whole": 'POST {"query":"SELECT 1"} end',
  "an answer that takes longer than connecting may is waited for": "late",
  "a second answer over the same connection that takes longer than connecting may is waited for": "late late",
  "a server that does not answer is given up": "timeout retryable",
  "a server that stops in the middle of a body is given up": "timeout retryable",
  "a server that stops after we were slow is given up": "timeout retryable",
  "our own slowness is not the server's": "6 MB",
  "nothing more is taken from the socket than is read": "held back",
  "a connection that breaks in the middle of a chunked body is a cut": "response-cut retryable",
  "a body shorter than its Content-Length is a cut": "response-cut retryable",
  "a connection that breaks before the answer can be tried again": "connect retryable",
  "gzip is unpacked": "[1]\n\n",
  "gzip that ends early inside a proper response is a cut": "response-cut retryable",
  "gzip whose connection breaks is a cut": "response-cut retryable",
  "bytes that are no gzip are a cut": "response-cut retryable",
  "trailers are kept": "false",
  "a redirect is not followed": "302 /elsewhere, 1 request",
  "answers without a body are answers": "204 205 304",
  "an abort before the answer closes the connection": "enough, closed: yes",
  "an abort in the middle of a body closes the connection": "enough, closed: yes",
  "a reader that goes away closes the connection": "closed: yes",
  "connections are used again": "1",
  "nobody listens: refused, may be tried again": "connect retryable",
  "a host that does not exist": "connect",
  "TLS that is never answered: could not connect": "connect retryable",
}

describe("the transport does the same", () => {
  for (const [name, run] of Object.entries(RUNTIMES)) {
    it(`under ${name}`, async () => {
      expect(await run(CASES)).toEqual(EXPECTED)
    }, 60_000)
  }
})
