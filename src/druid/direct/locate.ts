/**
 * Which segments a broker would read for a query, and which servers have them: the answer of `POST /druid/v2/candidates`,
 * checked. Visible intervals are in it already, and a chunk of which a core partition is missing is not. Pure.
 */
import type { Interval, Segment } from "../../base/domain.ts"
import { parseDruidTime } from "../../base/time.ts"
import type { SegmentDescriptor } from "./compile.ts"

/** A segment that a broker would read, and where. `interval`: the part of it that queries see. */
export interface Candidate extends Pick<Segment, "interval" | "version" | "partition" | "sizeBytes"> {
  /** data nodes that serve it, by address; never empty, in the broker's order */
  readonly servers: readonly DataNode[]
}

/** A data node as the cluster names it. */
export interface DataNode {
  /** `host:port` */
  readonly address: string
  /** historicals serve what never changes; other kinds (indexers, peons) may still take rows in */
  readonly isHistorical: boolean
}

/** Segments that are read from one data node, with one request. */
export interface NodeShare {
  readonly address: string
  readonly segments: readonly SegmentDescriptor[]
}

/**
 * Reads the broker's list.
 * @param protocol the configured one: the data node's port for it is taken, and a node without one is left out
 * @returns undefined if the answer is no such list, or a segment has no server that can be asked
 */
export function candidatesIn(answer: unknown, protocol: "http" | "https"): Candidate[] | undefined {
  if (!Array.isArray(answer)) return undefined
  const found: Candidate[] = []
  for (const one of answer as readonly RawCandidate[]) {
    const interval = intervalIn(one.interval)
    const servers = (one.locations ?? []).flatMap((location) => nodeOf(location, protocol))
    const isWhole =
      interval !== undefined && typeof one.version === "string" && Number.isSafeInteger(one.partitionNumber)
    if (!isWhole || servers.length === 0) return undefined
    found.push({
      interval,
      version: one.version as string,
      partition: one.partitionNumber as number,
      sizeBytes: Number(one.size ?? 0),
      servers,
    })
  }
  return found
}

/**
 * Decides who reads what: each segment comes from the server that has the fewest bytes to send so far, so that replicas share the work.
 * @param isAvoided says of an address whether it failed a moment ago: it is taken only where there is no other
 */
export function sharesOf(
  candidates: readonly Candidate[],
  isAvoided: (address: string) => boolean = () => false,
): NodeShare[] {
  const loads = new Map<string, number>()
  const shares = new Map<string, SegmentDescriptor[]>()
  for (const { interval, version, partition, sizeBytes, servers } of candidates) {
    const healthy = servers.filter(({ address }) => !isAvoided(address))
    const among = healthy.length > 0 ? healthy : servers
    const least = among.reduce((a, b) => ((loads.get(b.address) ?? 0) < (loads.get(a.address) ?? 0) ? b : a))
    loads.set(least.address, (loads.get(least.address) ?? 0) + sizeBytes)
    const share = shares.get(least.address) ?? []
    share.push({ interval, version, partition })
    shares.set(least.address, share)
  }
  return [...shares].map(([address, segments]) => ({ address, segments }))
}

interface RawCandidate {
  readonly interval?: unknown
  readonly version?: unknown
  readonly partitionNumber?: unknown
  readonly size?: unknown
  readonly locations?: readonly RawLocation[]
}

interface RawLocation {
  readonly host?: unknown
  readonly hostAndTlsPort?: unknown
  readonly type?: unknown
}

function nodeOf({ host, hostAndTlsPort, type }: RawLocation, protocol: "http" | "https"): DataNode[] {
  const address = protocol === "https" ? hostAndTlsPort : host
  return typeof address === "string" && address !== ""
    ? [{ address, isHistorical: type === "historical" }]
    : []
}

function intervalIn(text: unknown): Interval | undefined {
  const [start, end, more] = typeof text === "string" ? text.split("/") : []
  if (start === undefined || end === undefined || more !== undefined) return undefined
  try {
    return { start: parseDruidTime(start), end: parseDruidTime(end) }
  } catch {
    // No interval of Druid's: the whole answer counts as none.
    return undefined
  }
}
