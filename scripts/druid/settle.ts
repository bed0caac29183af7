/** What the cluster says about a datasource's segments, and waiting until it says one thing. */
import type { Druid } from "./cluster.ts"
import { DruidHttpError, request } from "./http.ts"
import { major } from "./services.ts"
import { countRows, literal, sql } from "./sql.ts"
import { poll } from "./wait.ts"

/** A row of `sys.segments`; flags are 0 or 1, `start` and `end` ISO texts. */
export interface Segment {
  segment_id: string
  start: string
  end: string
  version: string
  partition_num: number
  /** 0 while unknown. */
  num_rows: number
  num_replicas: number
  size: number
  is_active: number
  is_published: number
  is_available: number
  is_realtime: number
  is_overshadowed: number
  /** −1 unknown, 0 cold (never queryable); −1 throughout before Druid 28, which has no such column. */
  replication_factor: number
  shard_spec: string
}

/** All of time, as Druid writes it. */
export const ETERNITY = "-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z"

/** The rows of `sys.segments` for a datasource, the inactive ones too. */
export async function segments(druid: Druid, datasource: string): Promise<Segment[]> {
  const factor = major(druid.settings.version) >= 28 ? "replication_factor" : "-1 AS replication_factor"
  return sql<Segment>(
    druid,
    `SELECT segment_id, "start", "end", version, partition_num, num_rows, num_replicas, size, is_active, is_published,
       is_available, is_realtime, is_overshadowed, ${factor}, shard_spec
     FROM sys.segments WHERE datasource = ${literal(datasource)}`,
  )
}

/** Segment ids that the metadata store holds as used: ahead of everything the coordinator has polled. */
export async function usedSegmentIds(druid: Druid, datasource: string): Promise<string[]> {
  const url = `${druid.coordinatorUrl}/druid/coordinator/v1/metadata/datasources/${encodeURIComponent(datasource)}/segments`
  try {
    return (await request(url, { body: [ETERNITY] })) as string[]
  } catch (error) {
    if (error instanceof DruidHttpError && error.status === 404) return [] // not known there: it has none
    throw error
  }
}

/** A datasource at rest. */
export interface Settled {
  rows: number
  /** Active segments. */
  segments: Segment[]
}

/** How long to wait for rest, in milliseconds (default two minutes), and how many looks in a row must agree (3). */
export interface SettleOptions {
  deadlineMs?: number
  times?: number
}

/**
 * Waits until the datasource is at rest: every used segment of the metadata store is listed, every active one is
 * available (or cold by its load rules), none is realtime, and `COUNT(*)` equals the sum of `num_rows`, several times
 * in a row. Where days lie over a part of a month, the month's hidden rows are counted in its `num_rows` for good:
 * there `COUNT(*)` may be less, by no more than those. An unknown or emptied datasource is at rest with no rows.
 * @throws Error saying what was still missing at the deadline.
 */
export async function waitSettled(
  druid: Druid,
  datasource: string,
  options: SettleOptions = {},
): Promise<Settled> {
  const { deadlineMs = 120_000, times = 3 } = options
  let agreed = 0
  let last: Settled | undefined
  return poll(`${datasource} to settle`, { deadlineMs, everyMs: 150 }, async () => {
    const look = await lookAt(druid, datasource).catch((error) => {
      agreed = 0
      throw error
    })
    agreed = last && sameSegments(last, look) ? agreed + 1 : 1
    last = look
    return agreed >= times ? look : undefined
  })
}

/** One look. @throws Error saying what is not at rest. */
async function lookAt(druid: Druid, datasource: string): Promise<Settled> {
  const used = await usedSegmentIds(druid, datasource)
  const listed = await segments(druid, datasource)
  const published = new Set(listed.filter((s) => s.is_published === 1).map((s) => s.segment_id))
  const unlisted = used.filter((id) => !published.has(id))
  if (unlisted.length > 0) throw new Error(`${unlisted.length} used segments are not listed yet`)
  const usedIds = new Set(used)
  const stale = [...published].filter((id) => !usedIds.has(id))
  if (stale.length > 0) throw new Error(`${stale.length} listed segments are not used any more`)
  const active = listed.filter((s) => s.is_active === 1)
  const realtime = active.filter((s) => s.is_realtime === 1)
  if (realtime.length > 0) throw new Error(`${realtime.length} segments are realtime`)
  const missing = active.filter((s) => s.is_available === 0 && s.replication_factor !== 0)
  if (missing.length > 0) throw new Error(`${missing.length} segments are not available`)
  const served = active.filter((s) => s.is_available === 1)
  const sum = (some: readonly Segment[]) => some.reduce((total, s) => total + s.num_rows, 0)
  const expected = sum(served)
  const rows = await countRows(druid, datasource)
  if (rows !== expected) {
    const partly = served.filter((s) => served.some((other) => covers(other, s)))
    const isKnown = partly.every((s) => s.num_rows > 0)
    if (!isKnown || rows > expected || rows < expected - sum(partly))
      throw new Error(`COUNT(*) is ${rows}, the sum of num_rows ${expected}`)
  }
  return { rows, segments: active }
}

/** True where a newer version hides a part of the other segment's time. */
function covers(newer: Segment, older: Segment): boolean {
  if (newer.version <= older.version) return false
  return Date.parse(newer.start) < Date.parse(older.end) && Date.parse(older.start) < Date.parse(newer.end)
}

function sameSegments(a: Settled, b: Settled): boolean {
  const key = (settled: Settled) =>
    settled.segments
      .map((s) => `${s.segment_id} ${s.num_rows} ${s.is_available} ${s.replication_factor}`)
      .sort()
      .join("\n")
  return a.rows === b.rows && key(a) === key(b)
}
