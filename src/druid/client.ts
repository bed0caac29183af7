/**
 * Druid's HTTP API: every answer is either proven complete or an error. Small answers are asked for again where that may
 * help (`ask.ts`); rows for a spool file are asked for once, since a slice starts again as a whole, with its counts.
 */
import { randomUUID } from "node:crypto"
import { rm } from "node:fs/promises"
import { DruidsyncError } from "../base/errors.ts"
import { ask, type Retries } from "./ask.ts"
import { textOf } from "./body.ts"
import { type ContextOptions, QueryContext } from "./context.ts"
import { spoolBatches } from "./direct/batches.ts"
import { type Header, parseLine } from "./framing.ts"
import { Http, type HttpOptions, type RequestOptions } from "./http.ts"
import {
  CANDIDATES_PATH,
  NATIVE_PATH,
  nativeQuery,
  Queries,
  type Query,
  SQL_PATH,
  sqlQuery,
} from "./query.ts"
import { type Spooled, type SpoolFile, spoolRows } from "./spool.ts"

export interface ClientOptions extends Omit<HttpOptions, "nowMs">, ContextOptions {
  readonly newId?: () => string
  readonly nowMs?: () => number
  /** undefined: nothing is asked again */
  readonly retries?: Retries | undefined
  /** called once for each setting that Druid accepts only in another form */
  readonly onNotice?: ((message: string) => void) | undefined
}

export interface AskOptions extends RequestOptions {
  /** true: asked once, for a caller that starts again with more than this question */
  readonly once?: boolean | undefined
}

export interface SpoolOptions extends RequestOptions {
  /** called with the number of row bytes that arrived */
  readonly onBytes?: (bytes: number) => void
}

export interface DruidClient {
  /** Rows of a small query. @throws DruidsyncError */
  rows(sql: string, options: AskOptions): Promise<unknown[][]>
  /** What `read` makes of them: where it finds the answer damaged, it is asked for again. @throws DruidsyncError */
  rows<T>(sql: string, options: AskOptions, read: (rows: unknown[][]) => T): Promise<T>
  /** The same, each row as the line of JSON that it came in. @throws DruidsyncError */
  lines<T>(sql: string, options: AskOptions, read: (lines: string[]) => T): Promise<T>
  /** Names and types of a query's columns, from its header lines. @throws DruidsyncError */
  header(sql: string, options: AskOptions): Promise<Header>
  /**
   * Streams a query's rows into a new file, the header lines left out. The file is the caller's to remove. Asked once.
   * @throws DruidsyncError
   */
  spool(sql: string, path: string, options: SpoolOptions): Promise<Spooled>
  /**
   * The same for a small question with a long answer: what `read` makes of the file. Where it finds the answer damaged, it is
   * asked for again. The file is gone afterwards.
   * @param newPath path of a file that is not there yet
   * @throws DruidsyncError
   */
  spooled<T>(
    sql: string,
    newPath: () => Promise<string>,
    options: AskOptions,
    read: (spooled: Spooled) => Promise<T>,
  ): Promise<T>
  /** A native query (`POST /druid/v2`), answered with JSON. @throws DruidsyncError */
  native(query: Readonly<Record<string, unknown>>, options: AskOptions): Promise<unknown>
  /** Which segments the broker would read for a native query, and where they are. @throws DruidsyncError */
  candidates(query: Readonly<Record<string, unknown>>, options: AskOptions): Promise<unknown>
  /**
   * Streams the batches of a native scan, asked of a data node itself, into a spool file, one batch a line. Asked once.
   * @param address `host:port` of the data node; the protocol is the configured one
   * @returns bytes of batches
   * @throws DruidsyncError `response-cut` if the scan did not come to its end
   */
  scan(
    address: string,
    query: Readonly<Record<string, unknown>>,
    file: SpoolFile,
    options: SpoolOptions,
  ): Promise<number>
  /** A native query with a small answer, asked of a data node itself, once. @throws DruidsyncError */
  askNode(
    address: string,
    query: Readonly<Record<string, unknown>>,
    options: RequestOptions,
  ): Promise<unknown>
  /** `GET` of a JSON document, such as `/status`. @throws DruidsyncError */
  get(path: string, options: AskOptions): Promise<unknown>
  /** Resolves when the cancels under way are answered or given up (2 s), and no connection is open any more. */
  close(): Promise<void>
  /** requests sent so far */
  readonly requests: number
}

export function createClient(options: ClientOptions): DruidClient {
  const { transport } = options
  const http = new Http({ ...options, nowMs: options.nowMs ?? Date.now })
  const queries = new Queries(http, transport)
  const context = new QueryContext(options, options.onNotice ?? (() => undefined))
  const ofNodes = new Map<string, Queries>()
  const queriesOf = (address: string): Queries => {
    const known = ofNodes.get(address)
    if (known !== undefined) return known
    const { protocol } = new URL(options.baseUrl)
    const node = new Http({
      ...options,
      baseUrl: `${protocol}//${address}`,
      nowMs: options.nowMs ?? Date.now,
    })
    const made = new Queries(node, transport)
    ofNodes.set(address, made)
    return made
  }
  const newId = () => `druidsync-${(options.newId ?? randomUUID)()}`
  const retriesFor = ({ once }: AskOptions) => (once === true ? undefined : options.retries)

  /** One try, and the same in another context where this one is refused; each under an id of its own. */
  const run = <T>(
    make: () => Query,
    request: RequestOptions,
    read: (response: Response) => Promise<T>,
    of = queries,
  ): Promise<T> => context.mending(() => of.run(make(), request, read))

  const answered = <T>(
    path: string,
    make: () => Query,
    request: AskOptions,
    read: (response: Response) => Promise<T>,
  ): Promise<T> => ask(path, () => run(make, request, read), request, retriesFor(request))

  const sqlAnswer = <T>(
    sql: string,
    header: boolean,
    request: AskOptions,
    read: (response: Response) => Promise<T>,
  ) => answered(SQL_PATH, () => sqlQuery(sql, header, newId(), context), request, read)

  async function rows<T>(
    sql: string,
    request: AskOptions,
    read: (rows: unknown[][]) => T = (rows) => rows as T,
  ): Promise<T> {
    return sqlAnswer(sql, false, request, async (response) =>
      read((await queries.lines(response)).map(parseLine)),
    )
  }

  async function spoolOf(response: Response, path: string, onBytes?: (bytes: number) => void) {
    const frame = await spoolRows(response, path, onBytes)
    queries.checkTrailers(response)
    return { path, header: frame.end(), bytes: frame.rowBytes }
  }

  return {
    get requests() {
      return [...ofNodes.values()].reduce((sum, one) => sum + one.requests, http.requests)
    },
    rows,
    lines: (sql, request, read) =>
      sqlAnswer(sql, false, request, async (response) => read(await queries.lines(response))),
    header: (sql, request) => sqlAnswer(sql, true, request, (response) => queries.header(response)),
    spool: (sql, path, request) =>
      run(
        () => sqlQuery(sql, true, newId(), context),
        request,
        (response) => spoolOf(response, path, request.onBytes),
      ),
    spooled: (sql, newPath, request, read) =>
      sqlAnswer(sql, true, request, async (response) => {
        const path = await newPath()
        try {
          return await read(await spoolOf(response, path))
        } finally {
          await rm(path, { force: true })
        }
      }),
    native: (query, request) =>
      answered(
        NATIVE_PATH,
        () => nativeQuery(query, newId(), context),
        request,
        async (response) => parseJson(await textOf(response)),
      ),
    candidates: (query, request) =>
      answered(
        CANDIDATES_PATH,
        () => nativeQuery(query, newId(), context, CANDIDATES_PATH),
        request,
        async (response) => parseJson(await textOf(response)),
      ),
    scan: (address, query, file, request) =>
      run(
        () => nativeQuery(query, newId(), context),
        request,
        async (response) => {
          const bytes = await spoolBatches(response, file, request.onBytes)
          queries.checkTrailers(response)
          return bytes
        },
        queriesOf(address),
      ),
    askNode: (address, query, request) =>
      run(
        () => nativeQuery(query, newId(), context),
        request,
        async (response) => parseJson(await textOf(response)),
        queriesOf(address),
      ),
    get: (path, request) =>
      ask(
        path,
        async () => {
          const response = await http.send({ method: "GET", path }, request)
          try {
            return parseJson(await textOf(response))
          } catch (error) {
            throw http.named(error, request)
          }
        },
        request,
        retriesFor(request),
      ),
    close: async () => {
      // Without waiting, the end of the process would come before the cancels are sent.
      await queries.settled()
      transport.close()
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const what = /^\s*</.test(text) ? "a web page" : "something that is not JSON"
    throw new DruidsyncError("not-druid", `the server answered with ${what}`, { cause })
  }
}
