/** Asks a fake over HTTP the way druidsync does, and shows the answer to the last byte. */
import { request as httpRequest, type IncomingHttpHeaders } from "node:http"
import { startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import type { Site } from "../support/fake-druid/http/site.ts"

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly trailers: NodeJS.Dict<string>
  readonly body: string
  /** the connection ended before the body did */
  readonly broken: boolean
}

/** One request; never rejects for a connection that breaks, since that is what tests look at. */
export function send(
  site: Site,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
) {
  return new Promise<Answer>((done) => {
    const chunks: Buffer[] = []
    const broken = () =>
      done({ status: 0, headers: {}, trailers: {}, body: Buffer.concat(chunks).toString(), broken: true })
    const given = body === undefined ? headers : { "Content-Type": "application/json", ...headers }
    const sent = httpRequest(site.url + path, { method, headers: given, agent: false }, (response) => {
      const { statusCode: status = 0, headers: answered, trailers } = response
      let ended = false
      const finish = (broke: boolean) => {
        if (ended) return
        ended = true
        done({ status, headers: answered, trailers, body: Buffer.concat(chunks).toString(), broken: broke })
      }
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () => finish(!response.complete))
      response.on("error", () => finish(true))
      response.on("close", () => finish(!response.complete))
    })
    sent.on("error", broken)
    sent.end(body)
  })
}

const FORMAT = { resultFormat: "arrayLines", header: true, typesHeader: true, sqlTypesHeader: true }

/** A query with druidsync's format, and what is given over it. */
export function sql(
  site: Site,
  query: string,
  more: Record<string, unknown> = {},
  headers?: Record<string, string>,
) {
  return send(site, "POST", "/druid/v2/sql", JSON.stringify({ query, ...FORMAT, ...more }), headers)
}

/** The data rows of an answer in arrayLines, as text. */
export async function rowsOf(answer: Promise<Answer>): Promise<string[]> {
  const { body, status } = await answer
  if (status !== 200) throw new Error(`${status}: ${body}`)
  if (!body.endsWith("\n\n")) throw new Error("The body lacks its blank line")
  return body.split("\n").slice(3, -2)
}

/** One line of JSON: the answer's error message. */
export async function messageOf(answer: Promise<Answer>): Promise<string> {
  const { status, body } = await answer
  return `${status} ${(JSON.parse(body) as { errorMessage: string }).errorMessage}`
}

export const fakeDruid = await startFakeDruid()
