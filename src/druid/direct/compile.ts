/**
 * Druid's own translation of our scan SQL into a native scan query, read out of `EXPLAIN PLAN FOR`: the filter, the
 * virtual columns and the order of the columns are Druid's, so that a data node gives the same values as SQL does. Pure.
 *
 * Source: Druid's documentation, "Druid SQL" → "Query translation"; tried on 33.0.0.
 */
import type { Interval, Segment } from "../../base/domain.ts"
import { intervalText } from "../../base/intervals.ts"
import { MAX_TIME, MIN_TIME } from "../../base/time.ts"

/** A native scan that only lacks its intervals. */
export interface NativeScan {
  /** the query as Druid compiled it, without intervals and without a query context */
  readonly query: Readonly<Record<string, unknown>>
}

/** One segment's share of a scan: the part of its interval to read, its version and its partition. */
export type SegmentDescriptor = Pick<Segment, "interval" | "version" | "partition">

/** Most rows that a data node puts into one batch, and so DuckDB's reader gets in one line. Measured: more is no faster. */
const BATCH_ROWS = 1_024
/** Bytes that a batch aims at: the reader needs twice the longest line, per thread. */
const BATCH_BYTES = 1 << 20
/** Rows of a batch where nothing is known of their width. */
const CAUTIOUS_ROWS = 256

/** All of Druid's time: some clusters demand a condition on time in each query. */
export const ALWAYS: Interval = { start: MIN_TIME, end: MAX_TIME }

/** `EXPLAIN PLAN FOR` of this SQL: its only row begins with the plan, as a text of JSON. */
export const explainSql = (sql: string): string => `EXPLAIN PLAN FOR ${sql}`

/**
 * Reads a plan.
 * @param plan the cell `PLAN` of the answer
 * @param datasource the datasource that must be scanned, and nothing else
 * @param names the columns of our SQL, in its order
 * @returns undefined if the SQL is no plain scan of the datasource, or the release does not say which column is which
 * (25.0.0): such rows are asked for through SQL
 */
export function nativeScan(
  plan: string,
  datasource: string,
  names: readonly string[],
): NativeScan | undefined {
  const [only, ...more] = parsed(plan)
  const query = only?.query
  if (only === undefined || query === undefined || more.length > 0) return undefined
  if (query.queryType !== "scan" || tableOf(query.dataSource) !== datasource) return undefined
  // A limit or an order would make a data node answer with less than it holds.
  if ("limit" in query || "offset" in query || hasOrder(query)) return undefined
  const columns = columnsInOrder(only.columnMappings, names)
  if (columns === undefined) return undefined
  const { intervals: _i, context: _c, columnTypes: _t, ...rest } = query
  return { query: { ...rest, columns, resultFormat: "compactedList" } }
}

/**
 * The native query that reads these segments, and nothing else, on the data node that is asked.
 * @param rowBytes bytes of a row in an answer, from a sample; undefined if there was none
 */
export function segmentsQuery(
  scan: NativeScan,
  segments: readonly SegmentDescriptor[],
  rowBytes: number | undefined,
): Readonly<Record<string, unknown>> {
  const fitting = rowBytes === undefined ? CAUTIOUS_ROWS : Math.floor(BATCH_BYTES / rowBytes)
  return {
    ...scan.query,
    batchSize: Math.max(1, Math.min(BATCH_ROWS, fitting)),
    intervals: {
      type: "segments",
      segments: segments.map(({ interval, version, partition }) => ({
        itvl: intervalText(interval),
        ver: version,
        part: partition,
      })),
    },
  }
}

/** The native query by which a broker says which segments it would read in these intervals. */
export function candidatesQuery(
  scan: NativeScan,
  intervals: readonly Interval[],
): Readonly<Record<string, unknown>> {
  return {
    ...scan.query,
    intervals: { type: "intervals", intervals: intervals.map(intervalText) },
  }
}

interface ExplainedQuery {
  readonly query?: Readonly<Record<string, unknown>>
  readonly columnMappings?: unknown
}

function parsed(plan: string): ExplainedQuery[] {
  try {
    const value: unknown = JSON.parse(plan)
    return Array.isArray(value) ? value : []
  } catch {
    // A release that explains in other words: not for us.
    return []
  }
}

function tableOf(dataSource: unknown): unknown {
  if (typeof dataSource === "string") return dataSource
  const { type, name } = (dataSource ?? {}) as { type?: unknown; name?: unknown }
  return type === "table" ? name : undefined
}

function hasOrder({ order, orderBy }: Readonly<Record<string, unknown>>): boolean {
  const isOrdered = order !== undefined && order !== "none"
  return isOrdered || (Array.isArray(orderBy) && orderBy.length > 0)
}

/** The query's column for each of ours; undefined if one is missing, or two are one. */
function columnsInOrder(mappings: unknown, names: readonly string[]): string[] | undefined {
  if (!Array.isArray(mappings) || mappings.length !== names.length) return undefined
  const columns: string[] = []
  for (const [n, mapping] of mappings.entries()) {
    const { queryColumn, outputColumn } = mapping as { queryColumn?: unknown; outputColumn?: unknown }
    if (outputColumn !== names[n] || typeof queryColumn !== "string") return undefined
    columns.push(queryColumn)
  }
  return new Set(columns).size === columns.length ? columns : undefined
}
