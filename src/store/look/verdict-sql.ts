/**
 * Which chunks need nobody to decide about them, told in SQL: chunks of one version that overlap no other, whose every
 * segment is settled, in a table that holds no groups of an aggregate, and whose checkpoints are complete, name these very
 * segments, cover the chunk and hold as many rows as the segments have. `diff` (`plan/diff.ts`) would call each of them
 * unchanged, which `test/store/look.test.ts` holds this to; what is not surely so is left to it.
 */

import { REPLACING, TELLING } from "../../base/core-set.ts"
import type { Holding } from "../../base/segments-look.ts"
import { ownDaySql, SHARD_DAY_MS } from "../../base/shard.ts"
import { literal } from "../engine.ts"
import { IS_SETTLED } from "./segment-table.ts"

/**
 * SQL condition: no partition of the core set is missing, or nothing can be said of it (`brokenOf` and `tellerOf` in
 * `pull/broken.ts`).
 * @param numbers of the partitions, ascending @param core partitions of the core set, where some segment tells
 */
export function hasCoreSet(numbers: string, core: string): string {
  const isWhole = `coalesce(${numbers}[${core}] = ${core} - 1, FALSE)`
  return `(${numbers}[-1] >= ${REPLACING} OR CASE WHEN coalesce(${core}, 0) = 0 THEN ${numbers}[1] < ${TELLING} ELSE ${isWhole} END)`
}

/** The holdings, as a FROM item called `asked`; `owner` is the place in their list. */
function askedSql(holdings: readonly Holding[]): string {
  const rows = holdings.map(({ datasource, table, settings, isPartial, range, keep }, owner) => {
    const texts = [datasource, table, settings].map((text) => (text === undefined ? "NULL" : literal(text)))
    const times = [range.start, range.end, keep?.start, keep?.end].map((ms) => `${ms ?? "NULL"}::BIGINT`)
    return `(${[owner, ...texts, isPartial, ...times].join(", ")})`
  })
  return `(VALUES ${rows.join(", ")}) asked(owner, datasource, "table", settings, is_partial, since, until, kept_from, kept_until)`
}

/**
 * Checkpoints that count as held, as a FROM item. Of a file that has none: an empty one.
 * @param chunks SQL of `_sync_chunks` as the file has it; undefined: there is none
 */
function checkpointsSql(chunks: string | undefined, holdings: readonly Holding[]): string {
  if (chunks === undefined)
    return `(SELECT '' AS "table", 0::BIGINT AS start_ms, 0::BIGINT AS end_ms, '' AS segments, 0::BIGINT AS rows, NULL::BIGINT AS source_rows, '' AS state, '' AS settings WHERE FALSE)`
  const tables = holdings.flatMap(({ table }) => (table === undefined ? [] : literal(table)))
  const lost = holdings
    .filter((one) => one.table !== undefined && one.lost.length > 0)
    .map(({ table, lost }) => ` AND NOT ("table" = ${literal(table!)} AND start_ms IN (${lost.join(", ")}))`)
  return `(FROM ${chunks} WHERE "table" IN (${tables.join(", ")})${lost.join("")})`
}

/** SQL of the canonical text of a chunk's segments (`segmentSetText` in `plan/segment-set.ts`). */
const SET_TEXT = `start_ms || '/' || end_ms || '@' ||
  replace(replace(replace(replace(version, '%', '%25'), ';', '%3b'), ':', '%3a'), ',', '%2c') || ':' ||
  CASE WHEN len(numbers) = 1 THEN numbers[1]::VARCHAR
    WHEN numbers[-1] - numbers[1] + 1 = len(numbers) THEN numbers[1] || '-' || numbers[-1]
    ELSE array_to_string(list_transform(
      list_zip(
        list_filter(numbers, lambda n, i: i = 1 OR numbers[i - 1] <> n - 1),
        list_filter(numbers, lambda n, i: i = len(numbers) OR numbers[i + 1] <> n + 1)),
      lambda run: CASE WHEN run[1] = run[2] THEN run[1]::VARCHAR ELSE run[1] || '-' || run[2] END), ',')
  END`

/** The chunk lies within one UTC day. */
const IN_ONE_DAY = `end_ms <= start_ms - ((start_ms % ${SHARD_DAY_MS}) + ${SHARD_DAY_MS}) % ${SHARD_DAY_MS} + ${SHARD_DAY_MS}`

/** SQL of what `of` says of chunks of each datasource that is pulled in shards; of the others: `unsharded`. */
function ofShards(
  holdings: readonly Holding[],
  unsharded: boolean,
  of: (isOwnDay: string) => string,
): string {
  const cases = holdings.flatMap(({ datasource, shard }) => {
    if (shard === undefined) return []
    return `WHEN ${literal(datasource)} THEN ${of(ownDaySql(shard, datasource, "start_ms", "//"))}`
  })
  return cases.length === 0 ? `${unsharded}` : `CASE datasource ${cases.join(" ")} ELSE ${unsharded} END`
}

/**
 * A query of one row for each holding and interval of segments: `owner` (the place of the holding), `datasource`, `start_ms`,
 * `end_ms`, `segments` (the text of its set), `is_same` (as the checkpoints say), `is_beside` (none of it is asked for),
 * `comes` (somebody has to decide about it, or it stands beside: one in any case, since something of the datasource is
 * active, and the one before each that differs).
 * @param table of the look
 * @param chunks as for `checkpointsSql`
 */
export function verdictSql(table: string, chunks: string | undefined, holdings: readonly Holding[]): string {
  // What lies in several days may be ours in part: it is left to others.
  const ours = ofShards(holdings, true, (isOwn) => `${IN_ONE_DAY} AND ${isOwn}`)
  const foreign = ofShards(holdings, false, (isOwn) => `${IN_ONE_DAY} AND NOT (${isOwn})`)
  const order = "PARTITION BY datasource ORDER BY start_ms, end_ms"
  return `WITH asked AS MATERIALIZED (FROM ${askedSql(holdings)}),
    checkpoint AS MATERIALIZED (
      SELECT owner, start_ms, end_ms, segments, rows, source_rows, state, found.settings = asked.settings AS is_of_settings
      FROM ${checkpointsSql(chunks, holdings)} found JOIN asked USING ("table")),
    grouped AS (
      SELECT datasource, start_ms, end_ms, min(version) AS version, list_sort(list(partition)) AS numbers,
        bool_and(is_used AND ${IS_SETTLED}) AND min(version) = max(version) AS is_plain,
        coalesce(sum(rows) FILTER (NOT is_tombstone), 0) AS rows, max(core) AS core, bool_or(is_used) AS is_active
      FROM ${table} SEMI JOIN asked USING (datasource) GROUP BY datasource, start_ms, end_ms),
    placed AS (
      SELECT *, coalesce(max(end_ms) OVER (${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > start_ms, FALSE)
        OR coalesce(lead(start_ms) OVER (${order}) < end_ms, FALSE) AS is_overlapped
      FROM grouped),
    named AS (
      SELECT *, CASE WHEN is_plain AND NOT is_overlapped THEN ${SET_TEXT} END AS segments,
        ${ours} AS is_ours, NOT is_overlapped AND ${foreign} AS is_foreign
      FROM placed),
    one AS (FROM named JOIN asked USING (datasource)),
    held AS (
      SELECT owner, segments, min(start_ms) AS first_ms, max(end_ms) AS last_ms,
        sum(end_ms - start_ms) AS covered, sum(rows) AS held_rows
      FROM checkpoint WHERE state = 'complete' AND is_of_settings
        AND owner NOT IN (SELECT owner FROM checkpoint WHERE source_rows IS NOT NULL)
      GROUP BY owner, segments),
    untouched AS (
      SELECT one.owner, one.start_ms, TRUE AS is_untouched FROM (FROM one WHERE is_foreign) one
      ASOF LEFT JOIN checkpoint ON one.owner = checkpoint.owner AND one.end_ms > checkpoint.start_ms
      WHERE coalesce(checkpoint.end_ms <= one.start_ms, TRUE)),
    judged AS (
      SELECT owner, datasource, start_ms, end_ms, segments,
        CASE WHEN NOT is_active THEN 0
          WHEN rows > 0 AND start_ms >= kept_from AND end_ms <= kept_until THEN 3
          WHEN rows > 0 AND end_ms > kept_from AND start_ms < kept_until THEN 2
          ELSE 1 END AS telling,
        coalesce(first_ms = start_ms AND last_ms = end_ms AND covered = end_ms - start_ms
          AND (is_partial OR held_rows = rows) AND is_ours AND ${hasCoreSet("numbers", "core")}, FALSE) AS is_same,
        is_same AND start_ms >= since AND end_ms <= until AS is_quiet,
        NOT is_overlapped AND (end_ms <= since OR start_ms >= until) OR coalesce(is_untouched, FALSE) AS is_beside
      FROM one LEFT JOIN held USING (owner, segments) LEFT JOIN untouched USING (owner, start_ms))
    SELECT owner, datasource, start_ms, end_ms, segments, is_same, is_beside,
      NOT is_beside AND (NOT is_quiet OR NOT lead(is_quiet, 1, TRUE) OVER others)
        OR row_number() OVER (PARTITION BY owner ORDER BY telling DESC, start_ms, end_ms) = 1 AS comes
    FROM judged WINDOW others AS (PARTITION BY owner, is_beside ORDER BY start_ms, end_ms)`
}

/** What a comparison is about: the table of its verdict; undefined where nothing was compared, and everything comes. */
export type Verdict = string | undefined

/** Segments that somebody has to look at, each with its `owner`, as a FROM item. */
export function comingSql(table: string, verdict: Verdict, holdings: readonly Holding[]): string {
  return verdict === undefined
    ? `${table} JOIN ${askedSql(holdings)} USING (datasource)`
    : `${table} JOIN (SELECT owner, datasource, start_ms, end_ms FROM ${verdict} WHERE comes) USING (datasource, start_ms, end_ms)`
}

/** Checkpoints that somebody has to look at, as a FROM item: all but those of chunks that are left out. */
export function openPartsSql(chunks: string, verdict: Verdict, holdings: readonly Holding[]): string {
  const all = checkpointsSql(chunks, holdings)
  if (verdict === undefined) return all
  return `(SELECT checkpoint.* FROM ${all} checkpoint JOIN ${askedSql(holdings)} USING ("table")
    LEFT JOIN (SELECT owner, segments, TRUE AS is_left FROM ${verdict} WHERE is_same AND NOT comes) USING (owner, segments)
    WHERE NOT (coalesce(is_left, FALSE) AND state = 'complete' AND coalesce(checkpoint.settings = asked.settings, FALSE))
      OR start_ms < kept_from)`
}
