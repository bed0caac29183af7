/** `POST /druid/v2/candidates`: which segments the broker would read for a native query, and where they are. */
import { type Interval, intersection, interval, isoInterval } from "../model/time.ts"
import type { Exchange } from "./exchange.ts"

export async function candidatesEndpoint(exchange: Exchange): Promise<void> {
  const body = await exchange.text()
  const query = JSON.parse(body) as {
    dataSource: { name: string }
    intervals: { intervals: string[] }
    context?: Record<string, unknown>
  }
  const datasource = query.dataSource.name
  await exchange.begin("candidates", { body, datasource, context: query.context ?? {} })
  const { site } = exchange
  if (site.access(exchange).denied.has(datasource)) return exchange.forbid()
  const wanted: Interval[] = query.intervals.intervals.map(interval)
  const parts = site.world.datasource(datasource)?.brokerParts() ?? []
  return exchange.json(
    parts.flatMap(({ segment, interval: visible }) =>
      wanted.flatMap((span) => {
        const shared = intersection(visible, span)
        if (shared === undefined || segment.tombstone) return []
        return {
          interval: isoInterval(shared),
          version: segment.version,
          partitionNumber: segment.partition,
          size: segment.rows.count * 100,
          locations: site.dataNodes.filter((node) => node.serves(segment)).map((node) => node.location),
        }
      }),
    ),
  )
}
