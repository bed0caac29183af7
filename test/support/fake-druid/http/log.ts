/** What was asked of the fake: one entry per request, in the order of arrival. */
import type { QueryKind } from "../sql/answer.ts"

export type RequestKind =
  | QueryKind
  | "segmentMetadata"
  | "candidates"
  | "segmentScan"
  | "cancel"
  | "status"
  | "unknown"

/** A request. The fields that tell of the answer are filled in as it goes out. */
export interface LoggedRequest {
  /** 1 for the first request since the log was cleared */
  readonly n: number
  /** 1 for the first of its kind */
  readonly nOfKind: number
  readonly kind: RequestKind
  readonly method: string
  /** path below the site's base path, with the query string */
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** the request's JSON body as it came */
  readonly body: string
  readonly sql: string | undefined
  readonly datasource: string | undefined
  readonly context: Readonly<Record<string, unknown>>
  readonly queryId: string | undefined
  status: number | undefined
  /** data rows put into the body (not header lines) */
  rowsSent: number
  /** bytes of the body before compression */
  bytesSent: number
  /** the body went out whole, with its end */
  complete: boolean
  /** the client closed the connection before the answer was out */
  clientClosed: boolean
  /** nothing more will happen to this request */
  done: boolean
}

export class RequestLog {
  readonly entries: LoggedRequest[] = []
  readonly #counts = new Map<RequestKind, number>()

  add(
    request: Pick<
      LoggedRequest,
      "kind" | "method" | "path" | "headers" | "body" | "sql" | "datasource" | "context" | "queryId"
    >,
  ) {
    const nOfKind = (this.#counts.get(request.kind) ?? 0) + 1
    this.#counts.set(request.kind, nOfKind)
    const entry: LoggedRequest = {
      ...request,
      n: this.entries.length + 1,
      nOfKind,
      status: undefined,
      rowsSent: 0,
      bytesSent: 0,
      complete: false,
      clientClosed: false,
      done: false,
    }
    this.entries.push(entry)
    return entry
  }

  of(...kinds: RequestKind[]): LoggedRequest[] {
    return this.entries.filter((entry) => kinds.includes(entry.kind))
  }

  count(...kinds: RequestKind[]): number {
    return kinds.reduce((sum, kind) => sum + (this.#counts.get(kind) ?? 0), 0)
  }

  /** Data rows that scans sent. */
  get rowsFetched(): number {
    return this.of("scan", "segmentScan").reduce((sum, entry) => sum + entry.rowsSent, 0)
  }

  /** The kinds in order, for one-line assertions: `"columns segments scan"`. */
  get kinds(): string {
    return this.entries.map((entry) => entry.kind).join(" ")
  }

  clear(): void {
    this.entries.length = 0
    this.#counts.clear()
  }
}
