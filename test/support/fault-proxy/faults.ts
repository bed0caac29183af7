/**
 * What can go wrong between druidsync and a Druid, as data: each fault has a name, says in words what happens, and does
 * it to one exchange. Verdicts (what druidsync must make of it) are not here: see `test/faults/verdicts.ts`.
 */
import { setTimeout as delay } from "node:timers/promises"
import { gzipSync } from "node:zlib"
import type { Answer } from "./message.ts"
import type { Kind } from "./place.ts"
import type { Exchange } from "./proxy.ts"
import { plain, type Wire, withBody } from "./wire.ts"

export type Group = "connection" | "cut" | "cut with a proper end" | "status" | "content"

export interface Fault {
  /** unique; used in tests' names and in the matrix */
  readonly name: string
  readonly group: Group
  /** what happens, for the docs: continues "the server …" */
  readonly about: string
  /** places where it can happen; undefined: everywhere */
  readonly at?: (kind: Kind) => boolean
  /** the client has to ask for gzip */
  readonly gzip?: true
  apply(exchange: Exchange): Promise<void>
}

const NEWLINE = 0x0a
const NO_LINES: readonly Kind[] = ["segmentMetadata", "cancel", "candidates", "segmentScan"]
const isLines = (kind: Kind) => !NO_LINES.includes(kind)
/** answers that hold rows which can be told apart: lines of SQL, and the events of a data node's batches */
const hasRows = (kind: Kind) => isLines(kind) || kind === "segmentScan"
const hasHeader = (kind: Kind) => kind === "types" || kind === "scan" || kind === "segments"
/** answers that hold the datasource's name or text values, which are not plain ASCII in the tests */
const hasText = (kind: Kind) => ["columns", "segments", "scan", "segmentScan"].includes(kind)
const hasBody = (kind: Kind) => kind !== "cancel"

/** Where a body is cut: the number of bytes that are sent. */
type Cut = (body: Buffer, kind: Kind) => number

const inHeader: Cut = (body) => Math.ceil(body.indexOf(NEWLINE) / 2)
const inRow: Cut = (body) => {
  const end = endOfRows(body)
  const start = startOfLastRow(body)
  return start + Math.ceil((end - 1 - start) / 2)
}
/** after a whole row in the middle; where there is one row alone, before it */
const betweenRows: Cut = (body, kind) => {
  if (kind === "segmentScan") return body.lastIndexOf("],[") + 1
  const from = hasHeader(kind) ? afterLines(body, 3) : 0
  const middle = from + Math.floor((endOfRows(body) - from) / 2)
  return Math.max(from, body.lastIndexOf(NEWLINE, middle - 1) + 1)
}
const beforeBlankLine: Cut = (body) => body.length - 1
const inCharacter: Cut = (body) => {
  const at = body.findLastIndex((byte) => byte >= 0xc0)
  if (at < 0) throw new Error("no multi-byte character to cut: the test's data is wrong")
  return at + 1
}

function startOfLastRow(body: Buffer): number {
  return body.lastIndexOf(NEWLINE, endOfRows(body) - 2) + 1
}

function endOfRows(body: Buffer): number {
  return body.at(-1) === NEWLINE && body.at(-2) === NEWLINE ? body.length - 1 : body.length
}

function afterLines(body: Buffer, lines: number): number {
  let at = 0
  for (let n = 0; n < lines; n++) at = body.indexOf(NEWLINE, at) + 1
  return at
}

/** Sends the body up to the cut, then ends the connection (`closed`) or just the chunked encoding (`ended`). */
async function sendCut(exchange: Exchange, cut: Cut, how: "closed" | "ended"): Promise<void> {
  const answer = await exchange.ask()
  const body = plain(answer)
  const some = body.subarray(0, cut(body, exchange.kind))
  await sendPart(exchange.wire, withBody(answer, body), some, how)
}

async function sendPart(
  wire: Wire,
  answer: Answer,
  some: Uint8Array,
  how: "closed" | "ended",
): Promise<void> {
  await wire.chunkedHead(answer)
  await wire.chunk(some)
  if (how === "ended") return wire.lastChunk()
  await wire.close()
}

function cuts(name: string, words: string, cut: Cut, at: (kind: Kind) => boolean): Fault[] {
  return [
    {
      name: `cut ${name}`,
      group: "cut",
      about: `closes the connection ${words}`,
      at,
      apply: (exchange) => sendCut(exchange, cut, "closed"),
    },
    {
      name: `ended ${name}`,
      group: "cut with a proper end",
      about: `ends the body properly, status 200, but ${words}`,
      at,
      apply: (exchange) => sendCut(exchange, cut, "ended"),
    },
  ]
}

/** A status of its own, without asking the Druid behind. */
function status(
  name: string,
  about: string,
  code: number,
  headers: Readonly<Record<string, string>>,
  body: string,
  at?: (kind: Kind) => boolean,
): Fault {
  const answer = { status: code, headers, body: Buffer.from(body), trailers: {} }
  return {
    name,
    group: "status",
    about,
    ...(at === undefined ? {} : { at }),
    apply: ({ wire }) => wire.answer(answer),
  }
}

const JSON_TYPE = { "content-type": "application/json" }
const HTML_TYPE = { "content-type": "text/html;charset=iso-8859-1" }
const page = (code: number, title: string) =>
  `<html>\n<head><title>Error ${code} ${title}</title></head>\n<body><h2>HTTP ERROR ${code} ${title}</h2></body>\n</html>\n`

function druidError(error: string, errorClass: string, category: string, errorMessage: string): string {
  const host = "127.0.0.1:8083"
  return JSON.stringify({
    error,
    errorClass,
    host,
    errorCode: "legacyQueryException",
    persona: "OPERATOR",
    category,
    errorMessage,
  })
}

const BUSY = druidError(
  "Query capacity exceeded",
  "org.apache.druid.query.QueryCapacityExceededException",
  "CAPACITY_EXCEEDED",
  "Too many concurrent queries, total query capacity of 1 exceeded.",
)

/** Same answer, other bytes. */
function changed(
  name: string,
  about: string,
  at: (kind: Kind) => boolean,
  change: (body: Buffer, kind: Kind) => string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Fault {
  return {
    name,
    group: "content",
    about,
    at,
    async apply({ ask, wire, kind }) {
      const answer = await ask()
      const body = change(plain(answer), kind)
      const edited = withBody(answer, body)
      await wire.answer({ ...edited, headers: { ...edited.headers, ...headers } })
    },
  }
}

/** The answer with other rows. @param change gets the rows, each as its JSON; of batches, those of the last one */
function withRows(body: Buffer, kind: Kind, change: (rows: readonly string[]) => readonly string[]): string {
  if (kind === "segmentScan") {
    const from = body.lastIndexOf(EVENTS) + EVENTS.length
    const rows = JSON.parse(body.toString("utf8", from - 1, body.length - 2)) as unknown[]
    const changed = change(rows.map((row) => JSON.stringify(row)))
    // A segment that is not there leaves no batch.
    return changed.length === 0 ? "[]" : `${body.toString("utf8", 0, from)}${changed.join(",")}]}]`
  }
  const from = hasHeader(kind) ? afterLines(body, 3) : 0
  const head = body.toString("utf8", 0, from)
  const lines = change(body.toString("utf8", from, endOfRows(body)).split("\n").slice(0, -1))
  // Header lines and rows end with a blank line; an answer without both has two line breaks.
  return head === "" && lines.length === 0 ? "\n\n" : `${head}${lines.map((line) => `${line}\n`).join("")}\n`
}

const EVENTS = '"events":['

const withLast = (rows: readonly string[], change: (row: unknown[]) => unknown[]): readonly string[] => [
  ...rows.slice(0, -1),
  JSON.stringify(change(JSON.parse(rows.at(-1)!) as unknown[])),
]

/** How far the servers' clock of the skew faults is ahead of ours. */
export const SKEW_MS = 86_400_000
const httpDate = (ms: number) => new Date(ms).toUTCString()

/** An address that a redirect leads to; a test listens there to see that nobody comes. */
export const ELSEWHERE = { url: "http://127.0.0.2:9/" }

export const faults: readonly Fault[] = [
  {
    name: "refused",
    group: "connection",
    about: "refuses every connection",
    apply: ({ refuse }) => refuse(),
  },
  {
    name: "reset",
    group: "connection",
    about: "resets the connection when it has read the request",
    apply: async ({ wire }) => wire.reset(),
  },
  {
    name: "closed unanswered",
    group: "connection",
    about: "closes the connection without an answer",
    apply: ({ wire }) => wire.close(),
  },
  {
    name: "hang before headers",
    group: "connection",
    about: "never answers",
    apply: ({ wire }) => wire.whenGone(),
  },
  {
    name: "hang in headers",
    group: "connection",
    about: "stops in the middle of its headers",
    async apply({ wire }) {
      await wire.write("HTTP/1.1 200 OK\r\ncontent-ty")
      await wire.whenGone()
    },
  },
  {
    name: "hang in body",
    group: "connection",
    about: "stops sending in the middle of the body, the connection stays open",
    at: hasBody,
    async apply({ ask, wire, kind }) {
      const answer = await ask()
      const body = plain(answer)
      await wire.chunkedHead(withBody(answer, body))
      await wire.chunk(body.subarray(0, inRow(body, kind)))
      await wire.whenGone()
    },
  },
  {
    name: "reset in body",
    group: "connection",
    about: "resets the connection in the middle of the body",
    at: hasBody,
    async apply({ ask, wire, kind }) {
      const answer = await ask()
      const body = plain(answer)
      await wire.chunkedHead(withBody(answer, body))
      await wire.chunk(body.subarray(0, inRow(body, kind)))
      await delay(5)
      wire.reset()
    },
  },
  {
    name: "trickle",
    group: "connection",
    about: "sends its answer a few bytes at a time",
    at: hasBody,
    async apply({ ask, wire }) {
      const answer = await ask()
      const body = plain(answer)
      await wire.chunkedHead(withBody(answer, body))
      const step = Math.max(1, Math.ceil(body.length / 20))
      for (let at = 0; at < body.length; at += step) {
        await wire.chunk(body.subarray(at, at + step))
        await delay(3)
      }
      await wire.lastChunk()
    },
  },
  {
    name: "not HTTP",
    group: "connection",
    about: "speaks another protocol",
    async apply({ wire }) {
      await wire.write("SSH-2.0-OpenSSH_9.6\r\n")
      await wire.close()
    },
  },
  ...cuts("in a header row", "in the middle of the first header row", inHeader, hasHeader),
  ...cuts("in a row", "in the middle of the last row", inRow, hasBody),
  ...cuts("between rows", "after a whole row, others are missing", betweenRows, hasRows),
  ...cuts("before the blank line", "before the blank line that ends it", beforeBlankLine, isLines),
  ...cuts("inside a character", "inside a character of several bytes", inCharacter, hasText),
  {
    name: "cut inside a gzip block",
    group: "cut",
    about: "closes the connection in the middle of the compressed body",
    at: hasBody,
    gzip: true,
    async apply({ ask, wire }) {
      const { answer, body } = gzipped(await ask())
      await sendPart(wire, answer, body.subarray(0, Math.floor(body.length * 0.6)), "closed")
    },
  },
  {
    name: "ended inside a gzip block",
    group: "cut with a proper end",
    about: "ends the body properly, but in the middle of the compressed data",
    at: hasBody,
    gzip: true,
    async apply({ ask, wire }) {
      const { answer, body } = gzipped(await ask())
      await sendPart(wire, answer, body.subarray(0, Math.floor(body.length * 0.6)), "ended")
    },
  },
  {
    name: "ended between rows, gzip whole",
    group: "cut with a proper end",
    about: "compresses whole and ends properly a body that lacks its last rows",
    at: hasRows,
    gzip: true,
    async apply({ ask, wire, kind }) {
      const answer = await ask()
      const body = plain(answer)
      const { answer: zipped, body: bytes } = gzipped(
        withBody(answer, body.subarray(0, betweenRows(body, kind))),
      )
      await sendPart(wire, zipped, bytes, "ended")
    },
  },
  {
    name: "cut under a Content-Length",
    group: "cut",
    about: "announces a length, sends less and closes the connection",
    at: hasBody,
    async apply({ ask, wire }) {
      const answer = await ask()
      const body = plain(answer)
      await wire.head(200, { ...withBody(answer, body).headers, "content-length": String(body.length) })
      await wire.write(body.subarray(0, body.length - 1))
      await wire.close()
    },
  },
  {
    name: "ended at once",
    group: "cut with a proper end",
    about: "answers 200 with an empty body",
    at: hasBody,
    async apply({ ask, wire }) {
      await wire.answer(withBody(await ask(), ""))
    },
  },
  {
    name: "error in mid-stream",
    group: "cut with a proper end",
    about: "breaks off after a row and appends an error object, status 200",
    at: hasRows,
    async apply({ ask, wire, kind }) {
      const answer = await ask()
      const body = plain(answer)
      const error = druidError(
        "Query timeout",
        "org.apache.druid.query.QueryTimeoutException",
        "TIMEOUT",
        "timed out",
      )
      await wire.answer(
        withBody(answer, Buffer.concat([body.subarray(0, betweenRows(body, kind)), Buffer.from(error)])),
      )
    },
  },
  {
    name: "error in mid-stream, blank line",
    group: "cut with a proper end",
    about: "breaks off after a row, appends an error object and the blank line of a whole answer, status 200",
    at: isLines,
    async apply({ ask, wire, kind }) {
      const answer = await ask()
      const body = plain(answer)
      const error = druidError(
        "Query timeout",
        "org.apache.druid.query.QueryTimeoutException",
        "TIMEOUT",
        "timed out",
      )
      await wire.answer(
        withBody(
          answer,
          Buffer.concat([body.subarray(0, betweenRows(body, kind)), Buffer.from(`${error}\n\n`)]),
        ),
      )
    },
  },
  {
    name: "error with status 200",
    group: "content",
    about: "answers 200 with an error object in place of rows",
    at: hasBody,
    async apply({ ask, wire }) {
      const error = druidError(
        "Unknown exception",
        "java.lang.RuntimeException",
        "RUNTIME_FAILURE",
        "no rows today",
      )
      await wire.answer(withBody(await ask(), error))
    },
  },
  status(
    "400 wrong query",
    "answers 400, the query cannot be planned",
    400,
    JSON_TYPE,
    JSON.stringify({
      error: "druidException",
      errorCode: "general",
      persona: "USER",
      category: "INVALID_INPUT",
      errorMessage: "Query could not be planned",
      context: {},
    }),
  ),
  status(
    "401 JSON",
    "answers 401: the credentials have run out in the middle of the run",
    401,
    { ...JSON_TYPE, "www-authenticate": "Basic" },
    JSON.stringify({
      error: "Unauthorized request",
      errorMessage: null,
      errorClass: null,
      host: "localhost",
    }),
  ),
  status("401 HTML", "answers 401 with a page", 401, HTML_TYPE, page(401, "Unauthorized")),
  status(
    "403",
    "answers 403",
    403,
    JSON_TYPE,
    JSON.stringify({ "Access-Check-Result": "Unauthorized, denied by test" }),
  ),
  status("404", "answers 404 with a page", 404, HTML_TYPE, page(404, "Not Found")),
  status("408", "answers 408", 408, HTML_TYPE, page(408, "Request Timeout")),
  status(
    "408 Retry-After",
    "answers 408 and asks to wait 20 s",
    408,
    { ...HTML_TYPE, "retry-after": "20" },
    page(408, "Request Timeout"),
  ),
  status("429", "answers 429", 429, JSON_TYPE, BUSY),
  status(
    "429 Retry-After",
    "answers 429 and asks to wait 20 s",
    429,
    { ...JSON_TYPE, "retry-after": "20" },
    BUSY,
  ),
  {
    name: "429 Retry-After date, skewed clock",
    group: "status",
    about: "answers 429 and asks to wait 20 s, as a date by its own clock, which is a day ahead",
    apply: ({ wire }) => {
      const serverMs = Date.now() + SKEW_MS
      const headers = { ...JSON_TYPE, date: httpDate(serverMs), "retry-after": httpDate(serverMs + 20_000) }
      return wire.answer({ status: 429, headers, body: Buffer.from(BUSY), trailers: {} })
    },
  },
  status(
    "429 Retry-After nonsense",
    "answers 429 with a Retry-After that says nothing",
    429,
    { ...JSON_TYPE, "retry-after": "soon" },
    BUSY,
  ),
  status(
    "500 server",
    "answers 500: the server failed",
    500,
    JSON_TYPE,
    druidError("Unknown exception", "java.io.IOException", "RUNTIME_FAILURE", "Connection reset"),
  ),
  status(
    "500 wrong query",
    "answers 500: the query itself is wrong",
    500,
    JSON_TYPE,
    druidError("Unknown exception", "java.lang.ArithmeticException", "RUNTIME_FAILURE", "/ by zero"),
  ),
  status("502 HTML", "answers 502 with a page", 502, HTML_TYPE, page(502, "Bad Gateway")),
  status("503", "answers 503 without a body", 503, {}, ""),
  status(
    "503 Retry-After",
    "answers 503 and asks to wait 20 s",
    503,
    { "retry-after": "20" },
    "Service Unavailable",
  ),
  status(
    "504 JSON",
    "answers 504: the query ran into its timeout",
    504,
    JSON_TYPE,
    druidError(
      "Query timeout",
      "org.apache.druid.query.QueryTimeoutException",
      "TIMEOUT",
      "Query did not complete within configured timeout period.",
    ),
  ),
  status("504 HTML", "answers 504 with a page", 504, HTML_TYPE, page(504, "Gateway Timeout")),
  {
    name: "302 to another host",
    group: "status",
    about: "redirects to another host",
    apply: ({ wire }) =>
      wire.answer({ status: 302, headers: { location: ELSEWHERE.url }, body: Buffer.alloc(0), trailers: {} }),
  },
  {
    name: "307 to another host",
    group: "status",
    about: "redirects to another host and asks to send the same there",
    apply: ({ wire }) =>
      wire.answer({ status: 307, headers: { location: ELSEWHERE.url }, body: Buffer.alloc(0), trailers: {} }),
  },
  status("204", "answers 204: no content", 204, {}, "", hasBody),
  status(
    "200 login page",
    "answers 200 with a login page",
    200,
    HTML_TYPE,
    "<!DOCTYPE html>\n<html><form action=/login></form></html>\n\n",
    hasBody,
  ),
  status(
    "200 other JSON",
    "answers 200 with JSON that is not Druid's",
    200,
    JSON_TYPE,
    '{"status":"ok"}\n\n',
    hasBody,
  ),
  changed("wrong content type", "sends the right answer as text/html", hasBody, (body) => body, HTML_TYPE),
  changed("skewed clock", "has a clock that is a day ahead", hasBody, (body) => body, {
    date: httpDate(Date.now() + SKEW_MS),
  }),
  changed("a row twice", "sends one row twice", isRows, (body, kind) =>
    withRows(body, kind, (rows) => rows.toSpliced(1, 0, rows[0]!)),
  ),
  changed("a row left out", "leaves one row out, the blank line is there", isRows, (body, kind) =>
    withRows(body, kind, (rows) => rows.toSpliced(Math.min(1, rows.length - 1), 1)),
  ),
  changed("no row at all", "sends no row, but the blank line", isRows, (body, kind) =>
    withRows(body, kind, () => []),
  ),
  changed("rows in another order", "sends the rows in another order", isRows, (body, kind) =>
    withRows(body, kind, (rows) => rows.toReversed()),
  ),
  changed("bytes twice", "sends the first half of the last row twice", isRows, (body, kind) => {
    const at = inRow(body, kind)
    return Buffer.concat([body.subarray(0, at), body.subarray(startOfLastRow(body))])
  }),
  changed("bytes swapped", "sends the halves of the last row in the wrong order", isRows, (body, kind) => {
    const end = endOfRows(body) - 1
    const start = startOfLastRow(body)
    const middle = inRow(body, kind)
    const parts = [
      body.subarray(0, start),
      body.subarray(middle, end),
      body.subarray(start, middle),
      body.subarray(end),
    ]
    return Buffer.concat(parts)
  }),
  changed("a value of another type", "sends a text where a number belongs", isRows, (body, kind) => {
    const spoilt = (row: unknown[]) => row.map((value) => (typeof value === "number" ? "?" : value))
    return withRows(body, kind, (rows) => withLast(rows, kind === "columns" ? () => [7] : spoilt))
  }),
  changed("a null too many", "sends NULL where a value must be", isRows, (body, kind) =>
    withRows(body, kind, (rows) => withLast(rows, (row) => row.with(0, null))),
  ),
  {
    name: "answer of another request",
    group: "content",
    about: "gives an earlier answer, recorded with its own query id (a cache in front)",
    at: hasBody,
    async apply({ earlier, ask, wire }) {
      await wire.answer(earlier ?? withBody(await ask(), ""))
    },
  },
  {
    name: "stale answer without an id",
    group: "content",
    about: "gives an earlier answer, complete and without any query id",
    at: hasBody,
    async apply({ earlier, ask, wire }) {
      const answer = earlier ?? withBody(await ask(), "")
      const headers = Object.entries(answer.headers).filter(([name]) => !name.startsWith("x-druid-"))
      await wire.answer({ ...answer, headers: Object.fromEntries(headers) })
    },
  },
]

function isRows(kind: Kind): boolean {
  return hasRows(kind) && kind !== "types"
}

function gzipped(answer: Answer): { answer: Answer; body: Buffer } {
  const body = gzipSync(plain(answer))
  const bare = withBody(answer, body)
  return { answer: { ...bare, headers: { ...bare.headers, "content-encoding": "gzip" } }, body }
}
