/** The SQL that asks Druid about itself: INFORMATION_SCHEMA and `sys.segments`. Pure functions from plain data to text. */
import { TELLING } from "../base/core-set.ts"
import type { Interval } from "../base/domain.ts"
import { union } from "../base/intervals.ts"
import { formatDruidTime, parseDruidTime } from "../base/time.ts"
import { quoteText } from "./sql.ts"

/** Names of the datasources of which anything can be queried: one column. */
export const DATASOURCE_NAMES_SQL =
  "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'druid'"

/** Names of the lookups that the broker has loaded: one column. */
export const LOOKUP_NAMES_SQL =
  "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'lookup'"

/**
 * Columns of the datasources and of `sys.segments` itself, in one query: rows of
 * `[schema, table, column, dataType]`, ordered by table and position. Datasources that do not exist, are
 * forbidden, or have nothing loaded are left out by Druid without a word.
 */
export function columnsSql(datasources: readonly string[]): string {
  const wanted = ["(TABLE_SCHEMA = 'sys' AND TABLE_NAME = 'segments')"]
  if (datasources.length > 0) wanted.unshift(`(TABLE_SCHEMA = 'druid' AND TABLE_NAME ${oneOf(datasources)})`)
  return (
    "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS" +
    ` WHERE ${wanted.join(" OR ")} ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`
  )
}

/**
 * Active segments of the datasources, and those that a server answers for although they are not used (`is_used` 0): the
 * broker answers with the newest version that is served, whatever the metadata says. Rows of `[datasource, start, end,
 * version, partition_num, num_rows, size, replication_factor, is_published, is_available, is_realtime, is_tombstone,
 * is_used, core]`; `core` is the shard spec of the first partitions, `TELLING` (the text functions of `sys` can only compare).
 * @param available names of the columns that this release's `sys.segments` has: `is_active` came with 0.23,
 * `replication_factor` with 27; what is missing is derived or NULL.
 * @param within of each datasource the segments that overlap these, and maybe others. Default: all of `datasources`
 */
export function segmentsSql(
  datasources: readonly string[],
  available: ReadonlySet<string>,
  within?: ReadonlyMap<string, readonly Interval[]>,
): string {
  const replication = available.has("replication_factor") ? "replication_factor" : "CAST(NULL AS BIGINT)"
  const active = activeSql(available)
  return (
    'SELECT datasource, "start", "end", version, partition_num, num_rows, "size", ' +
    `${replication} AS replication_factor, is_published, is_available, is_realtime, ` +
    `CASE WHEN shard_spec LIKE ${TOMBSTONE} THEN 1 ELSE 0 END AS is_tombstone, ` +
    `CASE WHEN ${active} THEN 1 ELSE 0 END AS is_used, ` +
    // One segment tells of the whole set; the other is for where the first is missing. Where both are: `shardSpecsSql`.
    `CASE WHEN partition_num < ${TELLING} THEN shard_spec ELSE '' END AS core ` +
    `FROM sys.segments WHERE ${within === undefined ? `datasource ${oneOf(datasources)}` : withinSql(within)} ` +
    `AND (${active} OR (is_published = 0 AND is_available = 1))`
  )
}

/** Rows of `[segment_id, shard_spec]`. @param ids of segments */
export function shardSpecsSql(ids: readonly string[]): string {
  return `SELECT segment_id, shard_spec FROM sys.segments WHERE segment_id ${oneOf(ids)}`
}

/** More stretches of one datasource than these are asked for as one. */
const MOST_STRETCHES = 50
/** Times between these are written with years of four digits, so that texts compare as times do. */
const FOUR_DIGITS = {
  from: parseDruidTime("0000-01-01T00:00:00.000Z"),
  to: parseDruidTime("9999-12-31T23:59:59.999Z"),
}

function withinSql(within: ReadonlyMap<string, readonly Interval[]>): string {
  const each = [...within].map(([datasource, intervals]) => {
    const some = union(intervals)
    const hull = { start: some[0]!.start, end: some.at(-1)!.end }
    const overlaps = (some.length > MOST_STRETCHES ? [hull] : some).map(overlapSql)
    return `(datasource = ${quoteText(datasource)} AND (${overlaps.join(" OR ")}))`
  })
  return `(${each.join(" OR ")})`
}

/**
 * Segments have their times as texts. Years before 0 begin with "-", which sorts before digits, as it should; years of five
 * digits and more sort anywhere: a segment that ends there is taken whatever it is.
 */
function overlapSql({ start, end }: Interval): string {
  const isPlain = (ms: bigint) => ms >= FOUR_DIGITS.from && ms <= FOUR_DIGITS.to
  const starts = isPlain(end) ? [`"start" < '${formatDruidTime(end)}'`] : []
  const ends = isPlain(start) ? [`("end" > '${formatDruidTime(start)}' OR "end" NOT LIKE '____-%')`] : []
  return `(${[...starts, ...ends].join(" AND ") || "1 = 1"})`
}

/**
 * Active segments summed up per interval: rows of `[datasource, start, end, segments, rows, bytes, realtime, unavailable,
 * cold, uncounted]` (see `ChunkOverview`).
 * @param available as for `segmentsSql`
 * @param only these datasources; undefined: all
 */
export function overviewSql(available: ReadonlySet<string>, only: readonly string[] | undefined): string {
  const chosen = only === undefined ? "" : ` AND datasource ${oneOf(only)}`
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
    sum(`is_available = 1 AND num_rows = 0 AND shard_spec NOT LIKE ${TOMBSTONE}`),
  ]
  return (
    `SELECT ${columns.join(", ")} FROM sys.segments WHERE ${activeSql(available)}${chosen}` +
    ' GROUP BY datasource, "start", "end"'
  )
}

const TOMBSTONE = `'%"tombstone"%'`

/** Condition that holds for segments that belong to what the datasource is now. */
function activeSql(available: ReadonlySet<string>): string {
  return available.has("is_active")
    ? "is_active = 1"
    : "((is_published = 1 AND is_overshadowed = 0) OR is_realtime = 1)"
}

function oneOf(texts: readonly string[]): string {
  return `IN (${texts.map(quoteText).join(", ")})`
}
