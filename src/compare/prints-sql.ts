/**
 * Fingerprints as SQL, the same in Druid and in DuckDB: each row becomes a text (its time and its values, NULL apart
 * from `''`), each text a 32-bit hash that both can compute, and a stretch the sum of its rows' hashes. One query
 * answers for many stretches, each a group. Pure.
 */
import type { Interval } from "../base/domain.ts"
import { union } from "../base/intervals.ts"
import { quoteName } from "../base/names.ts"
import { from, matching, type Source, TIME_MS, within } from "../druid/sql.ts"
import { msOfTime, timeCondition } from "../store/notes/times.ts"
import { bucketSql, storedBucket } from "../store/rows/interval-counts.ts"
import { TEXT_HASH } from "../store/text-hash.ts"
import type { ComparedColumn } from "./columns.ts"

/** Values per row text: keeps one expression within what Druid's planner takes with ease. */
const COLUMNS_PER_TEXT = 40

const DRUID_SEPARATOR = "U&'\\001F'"
const DUCKDB_SEPARATOR = "chr(31)"
const DUCKDB_TIME_MS = msOfTime('"__time"')

const druidHash = (text: string) => `PARSE_LONG(STRING_FORMAT('%h', STRING_FORMAT('%h', ${text})), 16)`
const duckdbHash = (text: string) => `${TEXT_HASH}(${text})`

function druidText(columns: readonly ComparedColumn[]): string {
  const values = columns.map(({ druid }) => `COALESCE(CONCAT('v', ${druid}), 'n')`)
  return `CONCAT(${[`CAST(${TIME_MS} AS VARCHAR)`, ...values].join(`, ${DRUID_SEPARATOR}, `)})`
}

function duckdbText(columns: readonly ComparedColumn[]): string {
  const values = columns.map(({ duckdb }) => `coalesce('v' || ${duckdb}, 'n')`)
  return `concat(${[DUCKDB_TIME_MS, ...values].join(`, ${DUCKDB_SEPARATOR}, `)})`
}

/** Texts of a row: all its columns, in groups. */
export function rowTexts(columns: readonly ComparedColumn[]): ComparedColumn[][] {
  const groups: ComparedColumn[][] = []
  for (let i = 0; i < columns.length; i += COLUMNS_PER_TEXT)
    groups.push(columns.slice(i, i + COLUMNS_PER_TEXT))
  return groups.length === 0 ? [[]] : groups
}

/**
 * Druid's fingerprints: rows of `[interval number, rows, sum of hashes…]`, numbers that may not fit JavaScript's as
 * text; intervals without rows are left out.
 * @param intervals ascending, disjoint
 */
export function druidPrintsSql(
  source: Source,
  intervals: readonly Interval[],
  texts: readonly (readonly ComparedColumn[])[],
): string {
  const sums = texts.map((columns) => `CAST(SUM(${druidHash(druidText(columns))}) AS VARCHAR)`)
  const spans = union(intervals).map(within)
  const where = spans.length === 1 ? spans[0]! : `(${spans.map((span) => `(${span})`).join(" OR ")})`
  const bucket = intervals.length === 1 ? "0" : bucketSql(intervals, TIME_MS)
  const groupBy = intervals.length === 1 ? "" : " GROUP BY 1"
  return `SELECT ${[bucket, "COUNT(*)", ...sums].join(", ")} ${from(source)} WHERE ${where}${matching(source, intervals)}${groupBy}`
}

/** DuckDB's fingerprints, in the same form. The file is attached as `file`. */
export function duckdbPrintsSql(
  table: string,
  intervals: readonly Interval[],
  texts: readonly (readonly ComparedColumn[])[],
): string {
  const sums = texts.map((columns) => `coalesce(sum(${duckdbHash(duckdbText(columns))}), 0)::VARCHAR`)
  const bucket = `${storedBucket(intervals)} AS bucket`
  return (
    `SELECT ${[bucket, "count(*)", ...sums].join(", ")} FROM file.${quoteName(table)} ` +
    `WHERE ${duckdbWhere(intervals)} GROUP BY bucket`
  )
}

/** Condition that holds for rows of the intervals; the outer bounds stand alone, so that zone maps prune. */
export function duckdbWhere(intervals: readonly Interval[]): string {
  const spans = union(intervals)
  const hull = timeCondition({ start: spans[0]!.start, end: spans.at(-1)!.end })
  const inside =
    spans.length === 1 ? "" : ` AND (${spans.map((span) => `(${timeCondition(span)})`).join(" OR ")})`
  return `"__time" IS NOT NULL AND ${hull}${inside}`
}
