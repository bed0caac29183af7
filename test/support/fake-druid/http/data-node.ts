/**
 * A data node of a site: a port of its own, on which `POST /druid/v2` scans the segments that the query names. What it does
 * not serve is skipped without a word, as by a real one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { type StoredSegment, segmentId } from "../model/segment.ts"
import { intersection, interval } from "../model/time.ts"
import { parse } from "../sql/parse.ts"
import type { Part } from "../sql/parts.ts"
import { planDatasource } from "../sql/select-datasource.ts"
import { Stopped } from "./body.ts"
import { legacyError } from "./errors.ts"
import { Exchange } from "./exchange.ts"
import { nativeEncoder } from "./json.ts"
import type { Site } from "./site.ts"

interface SegmentScan {
  readonly dataSource: { readonly name: string }
  readonly intervals: { readonly segments: readonly { itvl: string; ver: string; part: number }[] }
  readonly virtualColumns: readonly { readonly sql: string; readonly names: readonly string[] }[]
  readonly columns: readonly string[]
  readonly batchSize: number
  readonly limit?: number
  readonly context: Readonly<Record<string, unknown>>
}

export class DataNode {
  readonly #site: Site
  readonly #server: Server
  /** which segments it answers for; default: all that are served */
  has: (segment: StoredSegment) => boolean = () => true
  /** as the broker names its kind */
  type = "historical"
  /** `host:port` that the broker names; default: its own */
  shownAs: string | undefined

  private constructor(site: Site) {
    this.#site = site
    this.#server = createServer((request, response) => void this.#handle(request, response))
  }

  /** Starts one more data node of the site, on a free port of loopback. */
  static async start(site: Site): Promise<DataNode> {
    const node = new DataNode(site)
    await new Promise<void>((done) => node.#server.listen(0, "127.0.0.1", done))
    site.dataNodes = [...site.dataNodes, node]
    return node
  }

  async stop(): Promise<void> {
    this.#site.dataNodes = this.#site.dataNodes.filter((node) => node !== this)
    const closed = new Promise((done) => this.#server.close(done))
    this.#server.closeAllConnections()
    await closed
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** As `candidates` shows it. */
  get location(): object {
    const { type } = this
    const address = this.shownAs ?? this.address
    return {
      name: address,
      host: address,
      hostAndTlsPort: null,
      maxSize: 1,
      type,
      tier: "_default_tier",
      priority: 0,
    }
  }

  serves(segment: StoredSegment): boolean {
    return segment.served && this.has(segment)
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(this.#site, request, response, request.url ?? "/")
    this.#site.opened(exchange)
    try {
      await this.#scan(exchange)
    } catch (thrown) {
      if (!(thrown instanceof Stopped)) {
        console.error("The fake data node failed:", thrown)
        response.destroy()
      }
    } finally {
      exchange.finish()
      this.#site.closed(exchange)
    }
  }

  async #scan(exchange: Exchange): Promise<void> {
    const body = await exchange.text()
    const query = JSON.parse(body) as SegmentScan
    const datasource = query.dataSource.name
    const queryId = query.context.queryId as string | undefined
    await exchange.begin("segmentScan", { body, datasource, context: query.context, queryId })
    const { site, entry } = exchange
    const access = site.access(exchange)
    if (access.denied.has(datasource)) return exchange.forbid()
    const [virtual] = query.virtualColumns
    if (virtual === undefined)
      return exchange.reply(legacyError(400, "Unknown exception", "not compiled by this fake", ""))
    const out = exchange.body(queryId === undefined ? {} : { "X-Druid-Query-Id": queryId })
    await out.text("[")
    let batches = 0
    for (const [segmentsRead, { segment, within }] of this.#parts(datasource, query).entries()) {
      const plan = planDatasource(parse(virtual.sql), datasource, site.world, access, [{ segment, within }])
      if (!("parts" in plan.answer)) throw new Error("a scan was expected")
      const places = query.columns.map((name) => virtual.names.indexOf(name))
      const encoders = places.map((place) => nativeEncoder(plan.columns[place]!))
      let rows: string[] = []
      const batch = async () => {
        if (rows.length === 0) return
        const head = `{"segmentId":${JSON.stringify(segmentId(segment))},"columns":${JSON.stringify(query.columns)},"events":[`
        await out.text(`${batches++ === 0 ? "" : ","}${head}`)
        for (const [n, row] of rows.entries()) {
          const full = out.row(`${n === 0 ? "" : ","}${row}`)
          if (full) await full
        }
        await out.text("]}")
        rows = []
      }
      for (const part of plan.answer.parts) {
        if (site.hooks.duringScan) {
          if (entry.rowsSent > 0) await out.flush()
          await site.hooks.duringScan(
            { n: entry.nOfKind, segmentsRead, rowsSent: entry.rowsSent, part, request: entry },
            site.world,
          )
        }
        if (!part.isThere() || !this.serves(segment)) continue
        for (const row of part.rows()) {
          if (entry.rowsSent + rows.length >= (query.limit ?? Number.POSITIVE_INFINITY)) break
          rows.push(`[${places.map((place, n) => encoders[n]!(row[place]!)).join(",")}]`)
          if (rows.length >= query.batchSize) await batch()
        }
      }
      await batch()
    }
    await out.end("]")
  }

  #parts(datasource: string, { intervals }: SegmentScan): Part[] {
    const all = [...(this.#site.world.datasource(datasource)?.segments ?? [])]
    return intervals.segments.flatMap(({ itvl, ver, part }) => {
      const wanted = interval(itvl)
      return all.flatMap((segment) => {
        const within = intersection(segment.interval, wanted)
        const isIt = segment.version === ver && segment.partition === part && within !== undefined
        return isIt && this.serves(segment) ? [{ segment, within }] : []
      })
    })
  }
}
