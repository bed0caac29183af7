/**
 * The SQL that asks for rows and about rows: pure functions from plain data to text. What Druid tells about itself is
 * asked in `metadata-sql.ts`; `compare` puts fingerprints into the same FROM and WHERE. Names and strings are always quoted, numbers are always printed from `bigint` or `number`; only a
 * datasource's `filter`, which is SQL by definition, is taken as it is (in parentheses).
 *
 * Time is always compared as `TIMESTAMP_TO_MILLIS("__time")`: it prunes segments, ignores `sqlTimeZone`, and works
 * over Druid's whole range, where TIMESTAMP literals end at the years 1 and 9999.
 */
import { type Every, ROWS_COLUMN } from "../base/buckets.ts"
import type { Column, Interval } from "../base/domain.ts"
import { union } from "../base/intervals.ts"
import { quoteName } from "../base/names.ts"
import { ownDaySql, type Shard, shareOf } from "../base/shard.ts"
import { MAX_TIME, MIN_TIME } from "../base/time.ts"

/**
 * `'text'`, with quotes doubled. Text that is not plain ASCII is written as a Unicode literal (`U&'\\0153'`),
 * since Druid's parser takes only Latin-1 in plain literals.
 */
export function quoteText(text: string): string {
  let plain = true
  let escaped = ""
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x20 && unit < 0x7f && unit !== 0x5c) escaped += text[i] === "'" ? "''" : text[i]
    else {
      if (unit !== 0x5c) plain = false
      escaped += `\\${unit.toString(16).padStart(4, "0")}`
    }
  }
  return plain ? `'${text.replaceAll("'", "''")}'` : `U&'${escaped}'`
}

/** `__time` as milliseconds. */
export const TIME_MS = 'TIMESTAMP_TO_MILLIS("__time")'

/** Condition that holds for rows of the interval. */
export const within = (interval: Interval) =>
  `${TIME_MS} >= ${interval.start} AND ${TIME_MS} < ${interval.end}`

/**
 * The interval in parts that Druid takes for a condition on time. All of time is none to it, which a Druid with
 * `druid.sql.planner.requireTimeCondition` refuses: it is asked about in two halves.
 */
export function conditionsOn(interval: Interval): readonly Interval[] {
  const { start, end } = interval
  if (start > MIN_TIME || end < MAX_TIME) return [interval]
  return [
    { start, end: 0n },
    { start: 0n, end },
  ]
}

/** Condition that holds for rows of some of the intervals. Druid reads only the segments of these. */
function withinAny(intervals: readonly Interval[]): string {
  const runs = union(intervals)
  return runs.length === 1 ? within(runs[0]!) : `(${runs.map((run) => `(${within(run)})`).join(" OR ")})`
}

/** What is asked of a datasource, beside the interval. */
export interface Source {
  readonly datasource: string
  /** SQL condition of the config; rows that do not meet it are not copied */
  readonly filter?: string | undefined
  /** rows of other shards' days are not copied either */
  readonly shard?: Shard | undefined
  /** groups are asked for, not rows */
  readonly aggregate?: Grouping | undefined
}

/** How rows are grouped. */
export interface Grouping {
  readonly every: Every
  /** what tells groups of one bucket apart */
  readonly by: readonly NamedColumn[]
  readonly measures: readonly NamedColumn[]
}

/** The FROM clause. */
export const from = (source: Source) => `FROM "druid".${quoteName(source.datasource)}`

/**
 * What keeps rows away, as further conditions: the config's filter, and the shard where some of the stretches have days of
 * others. The line break keeps a filter that ends in a `--` comment from swallowing the rest.
 * @param intervals the rows lie in these
 */
export function matching(source: Source, intervals: readonly Interval[]): string {
  const filter = source.filter === undefined ? "" : ` AND (${source.filter}\n)`
  const { shard, datasource } = source
  const share = shareOf(shard, datasource)
  const isOwn = shard === undefined || intervals.every((interval) => share(interval) === "all")
  return isOwn ? filter : `${filter} AND ${ownDaySql(shard, datasource, TIME_MS, "/")}`
}

/** Who writes the values: a broker that answers SQL, or a data node that answers the native query that the SQL becomes. */
export type Writer = "broker" | "data node"

/** `TIME_FLOOR`'s periods, in UTC whatever the query's time zone. */
const PERIODS: Readonly<Record<Exclude<Every, "all">, string>> = {
  minute: "PT1M",
  "5 minutes": "PT5M",
  "15 minutes": "PT15M",
  hour: "PT1H",
  day: "P1D",
  week: "P1W",
  month: "P1M",
  year: "P1Y",
}

/** `__time` of a group as milliseconds: the start of its bucket. */
function bucketMs(every: Every): string {
  if (every === "all") return String(MIN_TIME)
  return `TIMESTAMP_TO_MILLIS(TIME_FLOOR("__time", '${PERIODS[every]}', NULL, 'Etc/UTC'))`
}

/** The columns of groups, in the order of a response: the bucket, what tells groups apart, the number of rows, the measures. */
export function groupColumns({ by, measures }: Grouping): NamedColumn[] {
  return [{ name: "__time" }, ...by, { name: ROWS_COLUMN, expression: "COUNT(*)" }, ...measures]
}

/** The end of a query for groups: the bucket and `by` come first in its select list. */
function groupedBy({ by }: Grouping): string {
  return ` GROUP BY ${[1, ...by.map((_, n) => n + 2)].join(", ")}`
}

/** A column, or what computes one. */
export type NamedColumn = Pick<Column, "name" | "expression">

/** What has to be known of a column to read it. */
export type ReadColumn = NamedColumn & Pick<Column, "druidType" | "multiValue" | "reading">

/** SQL of a column's value as Druid has it. */
export function valueSql({ name, expression }: NamedColumn): string {
  return expression === undefined ? quoteName(name) : `(${expression})`
}

/** The select list that reads one column without loss. */
export function columnExpression(column: ReadColumn, writer: Writer = "broker"): string {
  const name = quoteName(column.name)
  if (column.name === "__time") return `${TIME_MS} AS "__time"`
  if (column.reading === "text") return `CAST(${valueSql(column)} AS VARCHAR) AS ${name}`
  if (column.expression !== undefined) return `${valueSql(column)} AS ${name}`
  if (column.multiValue) return `MV_TO_ARRAY(${name}) AS ${name}`
  // A data node writes nested data as JSON in the middle of its own; SQL makes it a text.
  const isNested = column.druidType === "COMPLEX<json>"
  if (writer === "data node" && isNested) return `TO_JSON_STRING(JSON_QUERY(${name}, '$')) AS ${name}`
  return name
}

/** All rows, or groups, of one interval; no ORDER BY and no LIMIT, so that Druid streams a native scan. */
export function scanSql(
  source: Source,
  columns: readonly ReadColumn[],
  interval: Interval,
  writer: Writer = "broker",
): string {
  const { aggregate } = source
  const items = columns.map((column) =>
    aggregate !== undefined && column.name === "__time"
      ? `${bucketMs(aggregate.every)} AS "__time"`
      : columnExpression(column, writer),
  )
  const groupBy = aggregate === undefined ? "" : groupedBy(aggregate)
  return `SELECT ${items.join(", ")} ${from(source)} WHERE ${within(interval)}${matching(source, [interval])}${groupBy}`
}

/** Into how many groups, and from how many rows, the rows of an interval of whole buckets become, in one row. */
export function groupCountSql(source: Source, columns: readonly ReadColumn[], interval: Interval): string {
  return `SELECT COUNT(*), SUM(${quoteName(ROWS_COLUMN)}) FROM (${scanSql(source, columns, interval)})`
}

const SAMPLE_ROWS = 50

/** A few rows of one interval, whichever Druid comes to first, as `scanSql` would have them. The filter is left out. */
export function sampleSql({ datasource }: Source, columns: readonly Column[], interval: Interval): string {
  const scan = scanSql({ datasource }, columns, interval)
  return `${scan} LIMIT ${SAMPLE_ROWS}`
}

/**
 * The types of columns, without a row: asked with `typesHeader` and `sqlTypesHeader`. Druid checks the filter on the way.
 * It stands there twice, once in parentheses and once not, so that a filter that closes a parenthesis that it did not
 * open is a syntax error here, and no way around the interval later.
 */
export function typesSql(source: Source, columns: readonly NamedColumn[] | "*"): string {
  const { aggregate } = source
  const itemOf = (column: NamedColumn) => {
    if (aggregate !== undefined && column.name === "__time") return `${bucketMs(aggregate.every)} AS "__time"`
    return column.expression === undefined
      ? valueSql(column)
      : `${valueSql(column)} AS ${quoteName(column.name)}`
  }
  const groupBy = aggregate === undefined ? "" : groupedBy(aggregate)
  const list = columns === "*" ? "*" : columns.map(itemOf).join(", ")
  const { filter } = source
  const alone = filter === undefined ? "" : ` AND CASE WHEN ${filter}\n THEN TRUE ELSE FALSE END`
  const any = within({ start: 0n, end: 1n })
  return `SELECT ${list} ${from(source)} WHERE ${any}${matching({ ...source, shard: undefined }, [])}${alone}${groupBy} LIMIT 0`
}

/** The number of rows, and per column the most values that one of them holds, in one row. Reads whole columns. */
export function mostValuesSql(source: Source, columns: readonly NamedColumn[], interval: Interval): string {
  const most = columns.map((column) => `, MAX(MV_LENGTH(${valueSql(column)}))`)
  return `SELECT COUNT(*)${most.join("")} ${from(source)} WHERE ${within(interval)}${matching(source, [interval])}`
}

/** The number of rows, and per column how many values lie where DOUBLE rounds 64-bit integers, in one row. */
export function beyondDoubleSql(source: Source, columns: readonly NamedColumn[], interval: Interval): string {
  const counts = columns.map((one) => {
    const column = valueSql(one)
    // Bounds within a LONG: Druid compares nothing with a literal beyond it, and ABS of the least LONG is negative.
    const above = `${column} BETWEEN 9007199254740992 AND 9223372036854775807`
    const below = `${column} BETWEEN -9223372036854775808 AND -9007199254740992`
    return `, COUNT(*) FILTER (WHERE ${above} OR ${below})`
  })
  return `SELECT COUNT(*)${counts.join("")} ${from(source)} WHERE ${within(interval)}${matching(source, [interval])}`
}

/**
 * Smallest and greatest `__time` (ms, as text since they may not fit a JavaScript number; NULL where there is no row)
 * and the number of rows in an interval: all rows, regardless of the filter.
 */
export function boundsSql(source: Source, interval: Interval): string {
  const asText = (aggregate: string) => `CAST(${aggregate}(${TIME_MS}) AS VARCHAR)`
  return `SELECT ${asText("MIN")}, ${asText("MAX")}, COUNT(*) ${from(source)} WHERE ${within(interval)}`
}

/**
 * Rows of the intervals, per bucket of `widthMs` from the first one's start: rows of `[bucket number, all rows, matching
 * rows]`; empty buckets are left out. The intervals must be ascending; from the first start to the last end it must be a
 * signed 64-bit integer.
 */
export function histogramSql(source: Source, intervals: readonly Interval[], widthMs: bigint): string {
  const bucket = `(${TIME_MS} - ${sqlLong(intervals[0]!.start)}) / ${widthMs}`
  const counts = `COUNT(*), ${countMatching(source, intervals)}`
  return `SELECT ${bucket}, ${counts} ${from(source)} WHERE ${withinAny(intervals)} GROUP BY 1`
}

/**
 * Rows of each interval, in one row: `[all rows, matching rows]` per interval, in their order.
 * The intervals must be ascending.
 */
export function countsSql(source: Source, intervals: readonly Interval[]): string {
  const where = `${from(source)} WHERE ${withinAny(intervals)}`
  if (intervals.length === 1) return `SELECT COUNT(*), ${countMatching(source, intervals)} ${where}`
  const counts = intervals.flatMap((interval) => [
    `COUNT(*) FILTER (WHERE ${within(interval)})`,
    `COUNT(*) FILTER (WHERE ${within(interval)}${matching(source, [interval])})`,
  ])
  return `SELECT ${counts.join(", ")} ${where}`
}

/** Without a filter this is the same number again: Druid computes equal aggregations once. */
function countMatching(source: Source, intervals: readonly Interval[]): string {
  const conditions = matching(source, intervals)
  if (conditions === "") return "COUNT(*)"
  return source.shard === undefined
    ? `COUNT(*) FILTER (WHERE ${source.filter}\n)`
    : `COUNT(*) FILTER (WHERE ${conditions.slice(" AND ".length)})`
}

/** A negative literal needs parentheses after a minus sign. */
function sqlLong(value: bigint): string {
  return value < 0n ? `(${value})` : `${value}`
}
