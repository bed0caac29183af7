/** Could segments be read past the broker? Asks what a pull with `direct` would ask, of a few intervals, and reads a row of each node. */
import type { Interval } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import type { DruidClient } from "../client.ts"
import { askCandidates, compileScan, directSql } from "./ask.ts"
import { type NativeScan, segmentsQuery } from "./compile.ts"
import type { Candidate } from "./locate.ts"

/** Everything would go through SQL. */
export interface NoWay {
  readonly kind: "no way"
  readonly why: string
}

/** Data nodes that the broker names, and what can be asked of each. */
export interface FoundNodes {
  readonly kind: "found"
  /** addresses, ascending */
  readonly nodes: readonly string[]
  readonly scan: NativeScan
  readonly segments: ReadonlyMap<string, Candidate>
}

/**
 * Has the broker name the data nodes. None of them is asked anything.
 * @param intervals of this datasource, with something served in them
 * @throws DruidsyncError; the signal's reason
 */
export async function findNodes(
  client: DruidClient,
  protocol: "http" | "https",
  datasource: string,
  intervals: readonly Interval[],
  signal: AbortSignal,
): Promise<FoundNodes | NoWay> {
  const time = { name: "__time", druidType: "LONG", multiValue: false }
  const source = { datasource }
  const scan = await compileScan(client, source, [time], directSql(source, [time]), signal)
  if (scan === undefined)
    return { kind: "no way", why: "this release does not say which column of a native query is which" }
  const candidates = await locate(
    () => askCandidates(client, protocol, datasource, scan, intervals, signal),
    signal,
  )
  if (candidates === undefined) return { kind: "no way", why: "the broker does not tell where segments are" }
  const segments = new Map<string, Candidate>()
  for (const candidate of candidates)
    for (const { address } of candidate.servers) segments.set(address, candidate)
  return { kind: "found", nodes: [...segments.keys()].sort(), scan, segments }
}

/** Reads a row of each data node. @throws DruidsyncError if one does not let us in, or cannot be reached; the signal's reason */
export async function readNodes(
  client: DruidClient,
  { scan, segments }: FoundNodes,
  signal: AbortSignal,
): Promise<void> {
  for (const [address, { interval, version, partition }] of segments) {
    const one = segmentsQuery(scan, [{ interval, version, partition }], undefined)
    await client.askNode(address, { ...one, limit: 1 }, { action: `asking the data node ${address}`, signal })
  }
}

/** @returns undefined if the cluster has no such question, or answers it in another form */
async function locate(
  ask: () => Promise<Candidate[] | undefined>,
  signal: AbortSignal,
): Promise<Candidate[] | undefined> {
  try {
    return await ask()
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof DruidsyncError && ["not-druid", "query"].includes(error.code)) return undefined
    throw error
  }
}
