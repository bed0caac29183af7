/** One Druid behind a base path of the server: its world, its log, its hooks and its manners. */
import { World } from "../model/world.ts"
import type { ScanPart } from "../sql/answer.ts"
import type { Access } from "../sql/catalog.ts"
import type { Behaviour } from "./behaviour.ts"
import type { DataNode } from "./data-node.ts"
import { forbidden, noCredentials, type Reply, rejectedCredentials, timeoutTooLong } from "./errors.ts"
import type { Exchange } from "./exchange.ts"
import { type LoggedRequest, type RequestKind, RequestLog } from "./log.ts"

// biome-ignore lint/suspicious/noConfusingVoidType: hooks that only look need no return
type HookResult = Behaviour | undefined | void

export interface Hooks {
  /**
   * Before each request is answered: may change the world, wait, or return a behaviour.
   * @param n 1 for the first request of this kind
   */
  beforeRequest?: (
    kind: RequestKind,
    n: number,
    request: LoggedRequest,
    site: Site,
  ) => HookResult | Promise<HookResult>
  /**
   * In the middle of a scan, before it reads each segment. What is dropped, moved or unserved here, and was not read
   * yet, is missing from the answer, whose end looks complete.
   */
  duringScan?: (event: ScanEvent, world: World) => void | Promise<void>
  /** After an answer has gone out (or was cut). */
  afterRequest?: (request: LoggedRequest, site: Site) => void
}

export interface ScanEvent {
  /** 1 for the first scan */
  readonly n: number
  /** segments that were read before this one */
  readonly segmentsRead: number
  readonly rowsSent: number
  readonly part: ScanPart
  readonly request: LoggedRequest
}

export type Credentials = { readonly user: string; readonly password: string } | { readonly bearer: string }

/** Keys of the context that Druid never asks about. */
const ALWAYS_ALLOWED: ReadonlySet<string> = new Set(["sqlQueryId", "sqlStringifyArrays"])

export class Site {
  /** "" or "/name" */
  readonly basePath: string
  readonly log = new RequestLog()
  world = new World()
  hooks: Hooks = {}
  /** the router (default) drops trailers; the broker sends them */
  role: "router" | "broker" = "router"
  /** compress for clients that ask for it, as Druid does */
  gzip = true
  version = "33.0.0"
  /** undefined: everyone may come in */
  credentials: Credentials | undefined
  /** datasources that the caller may not see */
  readonly denied = new Set<string>()
  /** `sys.segments`: allowed, forbidden (403) or absent (400, as in a very old release) */
  segments: Access["segments"] = "allowed"
  /** keys of the query context that a caller may set (`authorizeQueryContextParams`); undefined: any */
  contextKeys: ReadonlySet<string> | undefined
  /** `druid.server.http.maxQueryTimeout`, ms */
  maxQueryTimeoutMs: number | undefined
  /** `druid.sql.planner.requireTimeCondition` */
  requireTimeCondition = false
  /** by datasource: columns that SQL does not show, though segments have them */
  readonly hiddenColumns = new Map<string, ReadonlySet<string>>()
  /** by datasource: the condition, in SQL, of the rows that the caller may see */
  readonly rowPolicies = new Map<string, string>()
  /** columns that `sys.segments` does not have */
  readonly segmentsWithout = new Set<string>()
  /** `EXPLAIN` says which column of the native query is which of the SQL: 33.0.0 does, 25.0.0 does not */
  explainsColumns = true
  /** processes that can be asked for their segments themselves; none: `candidates` names no server that answers */
  dataNodes: readonly DataNode[] = []
  readonly #origin: () => string
  readonly #running = new Map<string, { cancel(): void; whenCancelled: Promise<"cancelled"> }>()
  readonly #exchanges = new Set<Exchange>()

  constructor(basePath: string, origin: () => string) {
    this.basePath = basePath
    this.#origin = origin
  }

  /** Where clients find it, without a slash at the end. */
  get url(): string {
    return this.#origin() + this.basePath
  }

  /** A new empty world, no hooks, no log, everything as at first; answers under way are cut off. */
  reset(world = new World()): World {
    for (const exchange of this.#exchanges) exchange.response.destroy()
    this.#exchanges.clear()
    this.#running.clear()
    this.log.clear()
    this.hooks = {}
    this.role = "router"
    this.gzip = true
    this.version = "33.0.0"
    this.credentials = undefined
    this.denied.clear()
    this.contextKeys = undefined
    this.maxQueryTimeoutMs = undefined
    this.requireTimeCondition = false
    this.segments = "allowed"
    this.segmentsWithout.clear()
    this.hiddenColumns.clear()
    this.rowPolicies.clear()
    this.explainsColumns = true
    this.dataNodes = []
    this.world = world
    return world
  }

  /** Responses that are not out yet. */
  get openResponses(): number {
    return this.#exchanges.size
  }

  access(exchange: Exchange): Access {
    return {
      denied: new Set([...this.denied, ...exchange.denied]),
      segments: this.segments,
      segmentsWithout: this.segmentsWithout,
      requireTimeCondition: this.requireTimeCondition,
      hiddenColumns: this.hiddenColumns,
      rowPolicies: this.rowPolicies,
    }
  }

  /** 401 for wrong or missing credentials. */
  refusal(authorization: string | undefined): Reply | undefined {
    const wanted = this.credentials
    if (!wanted) return undefined
    if (authorization === undefined) return noCredentials()
    const expected =
      "bearer" in wanted
        ? `Bearer ${wanted.bearer}`
        : `Basic ${Buffer.from(`${wanted.user}:${wanted.password}`).toString("base64")}`
    return authorization === expected ? undefined : rejectedCredentials()
  }

  /** 403 for keys of the context that may not be set, 400 for a timeout that is too long. */
  contextRefusal(context: Readonly<Record<string, unknown>>): Reply | undefined {
    const allowed = this.contextKeys
    const isFree = (key: string) => ALWAYS_ALLOWED.has(key) || allowed?.has(key) === true
    if (allowed !== undefined && !Object.keys(context).every(isFree)) return forbidden()
    const most = this.maxQueryTimeoutMs
    return most !== undefined && Number(context.timeout) > most
      ? timeoutTooLong(Number(context.timeout), most)
      : undefined
  }

  opened(exchange: Exchange): void {
    this.#exchanges.add(exchange)
  }

  closed(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
    this.hooks.afterRequest?.(exchange.entry, this)
  }

  /** A query is running under this id, until the function returned is called. */
  running(queryId: string): () => void {
    let cancel = () => {}
    const whenCancelled = new Promise<"cancelled">((done) => {
      cancel = () => done("cancelled")
    })
    const query = { cancel, whenCancelled }
    this.#running.set(queryId, query)
    return () => {
      if (this.#running.get(queryId) === query) this.#running.delete(queryId)
    }
  }

  whenCancelled(queryId: string | undefined): Promise<"cancelled"> {
    return this.#running.get(queryId ?? "")?.whenCancelled ?? new Promise(() => {})
  }

  /** false for an id that is unknown or was cancelled before. A scan that streams already goes on. */
  cancel(queryId: string): boolean {
    const query = this.#running.get(queryId)
    this.#running.delete(queryId)
    query?.cancel()
    return query !== undefined
  }
}
