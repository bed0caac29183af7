/**
 * What a cluster has at a glance: every datasource that the user may see, its segments summed up per interval. Druid adds
 * up, so that a cluster with millions of segments answers with a row per time chunk.
 */
import type { Interval } from "../base/domain.ts"
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { integerCell, isoCell, millisCell, onlyRow, textCell, wholeRow } from "./cells.ts"
import type { DruidClient } from "./client.ts"
import { boundsSql, quoteText } from "./sql.ts"

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
export async function readDatasourceNames(client: DruidClient, signal?: AbortSignal): Promise<string[]> {
  const sql = "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'druid'"
  const rows = await client.rows(sql, { action: "reading INFORMATION_SCHEMA", signal })
  return rows.map((row) => textCell(wholeRow(row, 1)[0])).sort()
}

/**
 * Chunks of every datasource, in no order. Forbidden datasources are left out by Druid without a word.
 * @param only these datasources; undefined: all
 * @throws DruidsyncError `forbidden` where `sys.segments` is refused or not shown
 */
export async function readOverview(
  client: DruidClient,
  only: readonly string[] | undefined,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, readonly ChunkOverview[]>> {
  const names =
    "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'sys' AND TABLE_NAME = 'segments'"
  const listed = await client.rows(names, { action: "reading INFORMATION_SCHEMA", signal })
  const available = new Set(listed.map((row) => textCell(wholeRow(row, 1)[0])))
  if (available.size === 0) {
    throw new DruidsyncError("forbidden", "this Druid does not show sys.segments", {
      exitCode: ExitCode.refused,
    })
  }
  const rows = await client.rows(overviewSql(available, only), { action: "reading sys.segments", signal })
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

/** @param available columns of this release's `sys.segments` (see `segmentsSql`) */
function overviewSql(available: ReadonlySet<string>, only: readonly string[] | undefined): string {
  const active = available.has("is_active")
    ? "is_active = 1"
    : "((is_published = 1 AND is_overshadowed = 0) OR is_realtime = 1)"
  const chosen = only === undefined ? "" : ` AND datasource IN (${only.map(quoteText).join(", ")})`
  const missing = "is_published = 1 AND is_available = 0"
  const hasReplication = available.has("replication_factor")
  const sum = (condition: string) => `SUM(CASE WHEN ${condition} THEN 1 ELSE 0 END)`
  const columns = [
    "datasource",
    '"start"',
    '"end"',
    "COUNT(*)",
    "SUM(num_rows)",
    'SUM("size")',
    "SUM(is_realtime)",
    sum(hasReplication ? `${missing} AND replication_factor <> 0` : missing),
    sum(hasReplication ? `${missing} AND replication_factor = 0` : "1 = 0"),
    sum(`is_available = 1 AND num_rows = 0 AND shard_spec NOT LIKE '%"tombstone"%'`),
  ]
  return (
    `SELECT ${columns.join(", ")} FROM sys.segments WHERE ${active}${chosen}` +
    ' GROUP BY datasource, "start", "end"'
  )
}

/**
 * Whether rows were rolled up at ingestion.
 * @param intervals where to look; segments that do not agree make it unknown
 * @returns undefined where Druid cannot tell
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
  const answer = await client.native(query, { action: `asking about rollup of "${datasource}"`, signal })
  const [merged] = Array.isArray(answer) ? (answer as { rollup?: unknown }[]) : []
  return typeof merged?.rollup === "boolean" ? merged.rollup : undefined
}

/** All of Druid's time. */
const ETERNITY: Interval = { start: -4_611_686_018_427_387_904n, end: 4_611_686_018_427_387_904n }

/** Rows and the interval from the first to just after the last; undefined without rows. Reads all times there are. */
export async function readSpan(
  client: DruidClient,
  datasource: string,
  signal?: AbortSignal,
): Promise<{ readonly interval: Interval; readonly rows: number } | undefined> {
  const sql = boundsSql({ datasource }, ETERNITY)
  const rows = await client.rows(sql, { action: `measuring "${datasource}"`, signal })
  const [min, max, count] = onlyRow(rows, 3)
  if (min === null || max === null) return undefined
  return { interval: { start: millisCell(min), end: millisCell(max) + 1n }, rows: integerCell(count) }
}

/** Release of the server that answers, as it calls itself. @throws DruidsyncError where it does not say */
export async function readVersion(client: DruidClient, signal?: AbortSignal): Promise<string> {
  const status = (await client.get("/status", { action: "asking for Druid's version", signal })) as {
    version?: unknown
  } | null
  if (typeof status?.version === "string") return status.version
  throw new DruidsyncError("not-druid", "asking for Druid's version: the server does not say")
}

/** Asks the smallest question that passes through authentication and the SQL planner. @throws DruidsyncError */
export async function askAnything(client: DruidClient, signal?: AbortSignal): Promise<void> {
  const row = onlyRow(await client.rows("SELECT 1", { action: "asking Druid SELECT 1", signal }), 1)
  integerCell(row[0])
}
