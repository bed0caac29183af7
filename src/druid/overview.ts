/**
 * What a cluster has at a glance: every datasource that the user may see, its segments summed up per interval. Druid adds
 * up, so that a cluster with millions of segments answers with a row per time chunk.
 */
import type { Interval } from "../base/domain.ts"
import { DruidsyncError } from "../base/errors.ts"
import { MAX_TIME, MIN_TIME } from "../base/time.ts"
import { integerCell, isoCell, onlyRow, textCell, wholeRow } from "./cells.ts"
import type { DruidClient } from "./client.ts"
import { readBounds } from "./counts.ts"
import { readListing } from "./listing.ts"
import { DATASOURCE_NAMES_SQL, overviewSql } from "./metadata-sql.ts"

/** Active segments of one interval, summed up. */
export interface ChunkOverview {
  readonly interval: Interval
  readonly segments: number
  /** as Druid reports them: realtime segments lag, segments that were just loaded count as 0 */
  readonly rows: number
  /** in deep storage; realtime segments count as 0 */
  readonly bytes: number
  readonly realtime: number
  /** published, wanted, and served by nobody now */
  readonly unavailable: number
  /** published, and wanted by no load rule */
  readonly cold: number
  /** served, but their rows are not counted yet */
  readonly uncounted: number
}

/** Names of the datasources of which anything can be queried, by name. */
export function readDatasourceNames(
  client: DruidClient,
  signal?: AbortSignal,
  once?: boolean,
): Promise<string[]> {
  const options = { action: "reading INFORMATION_SCHEMA", signal, once }
  return client.rows(DATASOURCE_NAMES_SQL, options, (rows) =>
    rows.map((row) => textCell(wholeRow(row, 1)[0])).sort(),
  )
}

/**
 * Chunks of every datasource, in no order. Forbidden datasources are left out by Druid without a word.
 * @param only these datasources; undefined: all
 * @throws DruidsyncError `forbidden` if `sys.segments` is refused or not shown
 */
export async function readOverview(
  client: DruidClient,
  only: readonly string[] | undefined,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, readonly ChunkOverview[]>> {
  const { ofSegments: available } = await readListing(client, [], signal)
  if (available.size === 0) {
    throw new DruidsyncError("forbidden", "this Druid does not show sys.segments")
  }
  const options = { action: "reading sys.segments", signal }
  return client.rows(overviewSql(available, only), options, overviewOf)
}

function overviewOf(rows: readonly unknown[][]): ReadonlyMap<string, readonly ChunkOverview[]> {
  const found = new Map<string, ChunkOverview[]>()
  for (const row of rows) {
    const [datasource, start, end, ...sums] = wholeRow(row, 10)
    const [segments, count, bytes, realtime, unavailable, cold, uncounted] = sums.map(integerCell) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    const name = textCell(datasource)
    const chunks = found.get(name) ?? []
    found.set(name, chunks)
    const interval = { start: isoCell(start), end: isoCell(end) }
    chunks.push({ interval, segments, rows: count, bytes, realtime, unavailable, cold, uncounted })
  }
  return found
}

/**
 * Whether rows were rolled up at ingestion.
 * @param intervals where to look; segments that do not agree make it unknown
 * @returns undefined if Druid cannot tell
 */
export async function readRollup(
  client: DruidClient,
  datasource: string,
  intervals: readonly string[],
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  const query = {
    queryType: "segmentMetadata",
    dataSource: datasource,
    intervals,
    analysisTypes: ["rollup"],
    toInclude: { type: "none" },
    merge: true,
  }
  const options = { action: `asking about rollup of "${datasource}"`, signal, once: true }
  const answer = await client.native(query, options)
  const [merged] = Array.isArray(answer) ? (answer as { rollup?: unknown }[]) : []
  return typeof merged?.rollup === "boolean" ? merged.rollup : undefined
}

/** Rows and the interval from the first to just after the last; undefined without rows. Reads all times there are. */
export async function readSpan(
  client: DruidClient,
  datasource: string,
  signal?: AbortSignal,
): Promise<{ readonly interval: Interval; readonly rows: number } | undefined> {
  const ever = { start: MIN_TIME, end: MAX_TIME }
  const { min, max, rows } = await readBounds(client, { datasource }, ever, signal)
  return rows === 0 ? undefined : { interval: { start: min, end: max + 1n }, rows }
}

/** Release of the server that answers, as it calls itself. @throws DruidsyncError if it does not say */
export async function readVersion(client: DruidClient, signal?: AbortSignal): Promise<string> {
  const status = (await client.get("/status", { action: "asking for Druid's version", signal })) as {
    version?: unknown
  } | null
  if (typeof status?.version === "string") return status.version
  throw new DruidsyncError("not-druid", "asking for Druid's version: the server does not say")
}

/** Asks once the smallest question that passes through authentication and the SQL planner. @throws DruidsyncError */
export async function askAnything(client: DruidClient, signal?: AbortSignal): Promise<void> {
  await client.rows("SELECT 1", { action: "asking Druid SELECT 1", signal, once: true }, (rows) =>
    integerCell(onlyRow(rows, 1)[0]),
  )
}
