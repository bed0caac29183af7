/**
 * Queries: what is sent for one, and one try at it. Each carries an id of its own, so that it can be cancelled: a request
 * that is aborted closes its connection, which is what stops a scan that streams, and the cancel by id stops one that
 * computes. An answer that names another id is not ours.
 */
import { cutResponse, DruidsyncError } from "../base/errors.ts"
import { printable } from "../base/printable.ts"
import { dropBody, piecesOf, textOf } from "./body.ts"
import type { QueryContext } from "./context.ts"
import { FrameReader, type Header, linesOf } from "./framing.ts"
import type { Http, Message, RequestOptions } from "./http.ts"
import type { Transport } from "./transport.ts"

export const SQL_PATH = "/druid/v2/sql"
export const NATIVE_PATH = "/druid/v2"
export const CANDIDATES_PATH = "/druid/v2/candidates"

/** A message, and what its answer has to say to be ours. */
export interface Query extends Message {
  /** undefined: Druid makes one up */
  readonly id: string | undefined
  /** response header in which Druid names the query that it answers */
  readonly idHeader: string
  /** where to cancel it; undefined if closing the connection has to do */
  readonly cancelPath: string | undefined
}

/** @param header ask for the three header lines: names, native types, SQL types */
export function sqlQuery(sql: string, header: boolean, id: string, context: QueryContext): Query {
  const body = JSON.stringify({
    query: sql,
    resultFormat: "arrayLines",
    ...(header ? { header: true, typesHeader: true, sqlTypesHeader: true } : {}),
    // Ours win over the config's: without them values would change or the query could not be cancelled.
    context: { ...context.keys(), sqlQueryId: id, sqlStringifyArrays: false },
  })
  const cancelPath = `${SQL_PATH}/${encodeURIComponent(id)}`
  return { method: "POST", path: SQL_PATH, body, id, idHeader: "x-druid-sql-query-id", cancelPath }
}

/** @param path where native queries are taken, or where a broker tells which segments it would read for one */
export function nativeQuery(
  query: Readonly<Record<string, unknown>>,
  id: string,
  context: QueryContext,
  path = NATIVE_PATH,
): Query {
  // Where Druid checks the keys of the context, an id is one of them: then it makes one up, and none is expected.
  const ours = context.isBare ? {} : { queryId: id }
  return {
    method: "POST",
    path,
    body: JSON.stringify({ ...query, context: { ...context.keys(), ...ours } }),
    id: context.isBare ? undefined : id,
    idHeader: "x-druid-query-id",
    cancelPath: undefined,
  }
}

/** A cancel that is not answered is given up after this, ms. */
const CANCEL_MS = 2_000

/** Runs queries, each once. */
export class Queries {
  readonly #http: Http
  readonly #transport: Transport
  readonly #cancels = new Set<Promise<unknown>>()

  constructor(http: Http, transport: Transport) {
    this.#http = http
    this.#transport = transport
  }

  /**
   * One try; whatever ends it early also cancels the query in Druid.
   * @throws DruidsyncError, also what `read` throws, with what was being done in front; the signal's reason
   */
  async run<T>(query: Query, request: RequestOptions, read: (response: Response) => Promise<T>): Promise<T> {
    try {
      const response = await this.#http.send(query, request)
      return await this.#understood(query, response, read).catch((error: unknown) => {
        throw this.#http.named(error, request)
      })
    } catch (error) {
      if (query.cancelPath !== undefined && mayStillRun(error, request.signal)) this.#cancel(query.cancelPath)
      throw error
    }
  }

  async #understood<T>(
    { id, idHeader, cancelPath }: Query,
    response: Response,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const answered = response.headers.get(idHeader)
    // Out of some cache, or mixed up on the way: it looks complete. Proxies may drop the header: its absence says nothing.
    if (id !== undefined && answered !== null && answered !== id) {
      dropBody(response)
      throw new DruidsyncError("not-druid", "the answer belongs to another request", {
        retryable: true,
        hint: "some proxy or cache between here and Druid mixes up answers: let POST requests pass it",
      })
    }
    try {
      return await read(response)
    } catch (error) {
      const isDruids = cancelPath !== undefined && answered === id
      const isNotDruid = error instanceof DruidsyncError && error.code === "not-druid"
      throw isDruids && isNotDruid ? cutResponse("it arrived damaged", error) : error
    }
  }

  #cancel(path: string): void {
    const options = { action: "cancelling a query", signal: AbortSignal.timeout(CANCEL_MS) }
    const cancel = this.#http
      .send({ method: "DELETE", path }, options)
      // A courtesy: the closed connection and the query's own timeout end it too.
      .then(dropBody, () => undefined)
      .finally(() => this.#cancels.delete(cancel))
    this.#cancels.add(cancel)
  }

  /** requests sent so far */
  get requests(): number {
    return this.#http.requests
  }

  /** Resolves when the cancels under way are answered or given up. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#cancels)
  }

  /** A complete answer's lines. */
  async lines(response: Response): Promise<string[]> {
    const body = await textOf(response)
    this.checkTrailers(response)
    return linesOf(body)
  }

  /** The header lines of an answer without rows. */
  async header(response: Response): Promise<Header> {
    const frame = new FrameReader()
    for await (const piece of piecesOf(response)) frame.push(piece)
    this.checkTrailers(response)
    const header = frame.end()
    // Nothing but the blank line: whatever else comes is no answer to a query that asks for no row.
    if (frame.rowBytes !== 1) throw cutResponse("something came where no rows were asked for")
    return header
  }

  /** A broker says in its trailers how the query ended; a router says nothing. Call it when the body was read. */
  checkTrailers(response: Response): void {
    const trailers = this.#transport.trailersOf(response)
    if (trailers["x-druid-response-complete"] !== "false") return
    const why = trailers["x-error-message"]
    throw cutResponse(
      `Druid reports: ${why === undefined ? "no reason given" : printable(this.#http.blot(why)).slice(0, 500)}`,
    )
  }
}

/** Druid answered with a refusal: the query is over. Everything else may leave it running. */
function mayStillRun(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return true
  return error instanceof DruidsyncError && ["timeout", "response-cut"].includes(error.code)
}
