/** The table of one look: how it is made from Druid's answer, and how segments are read from it. */
import type { DuckDBValue } from "@duckdb/node-api"
import { CORE_PARTITIONS } from "../../base/core-set.ts"
import type { Interval, Segment } from "../../base/domain.ts"
import { cutResponse } from "../../base/errors.ts"
import { says } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import { spoolSource } from "../rows/spool-source.ts"
import { msOfDruidTime } from "./druid-time.ts"

/** Cells of a row of `segmentsSql`. */
const CELLS = 14
/** A shard spec with thousands of dimensions is shorter. */
const MAX_LINE_BYTES = 4 * 1024 * 1024

interface Field {
  /** type and constraint: what Druid always tells must not be missing */
  readonly type: string
  /** SQL of it, from a row of cells called `json` */
  readonly from: string
}

const flag = (cell: number): Field => ({ type: "BOOLEAN NOT NULL", from: `json[${cell}]::BIGINT = 1` })
const number = (cell: number, type = "BIGINT"): Field => ({
  type: `${type} NOT NULL`,
  from: `json[${cell}]::${type}`,
})

/** Columns in the order of `segmentsSql` (`druid/metadata-sql.ts`). */
const FIELDS = {
  datasource: { type: "VARCHAR NOT NULL", from: "json[1]" },
  start_ms: { type: "BIGINT NOT NULL", from: msOfDruidTime("json[2]") },
  end_ms: { type: "BIGINT NOT NULL", from: msOfDruidTime("json[3]") },
  version: { type: "VARCHAR NOT NULL", from: "json[4]" },
  partition: number(5, "INTEGER"),
  rows: number(6),
  size_bytes: number(7),
  replication: { type: "INTEGER", from: "json[8]::INTEGER" },
  is_published: flag(9),
  is_available: flag(10),
  is_realtime: flag(11),
  is_tombstone: flag(12),
  is_used: flag(13),
  core: {
    type: "INTEGER",
    from: `nullif(regexp_extract(json[14], ${literal(CORE_PARTITIONS)}, 1), '')::INTEGER`,
  },
} as const satisfies Record<string, Field>

const NAMES = Object.keys(FIELDS).join(", ")

/** A condition that holds for segments of which every row is there to stay, as `conditionOf` (`plan/chunks.ts`) has it. */
export const IS_SETTLED =
  "(is_available AND (is_tombstone OR (is_published AND NOT is_realtime AND coalesce(replication, 1) >= 1 AND rows > 0)))"

async function create(engine: Engine, table: string): Promise<void> {
  const columns = Object.entries(FIELDS).map(([name, { type }]) => `${name} ${type}`)
  await engine.run(`CREATE OR REPLACE TABLE ${table} (${columns.join(", ")})`)
}

/**
 * Fills a new table from a spool file.
 * @throws DruidsyncError `response-cut` where the answer is damaged
 */
export async function loadTable(engine: Engine, table: string, path: string): Promise<void> {
  await create(engine, table)
  const values = Object.values(FIELDS).map(({ from }) => from)
  const whole = `CASE WHEN len(json) = ${CELLS} THEN TRUE ELSE error('Malformed JSON: a row has not ${CELLS} values') END`
  const source = spoolSource(path, { kind: "lines" }, MAX_LINE_BYTES)
  await engine
    .run(`INSERT INTO ${table} SELECT ${values.join(", ")} FROM ${source} WHERE ${whole}`)
    .catch((error) => {
      const isDamaged = (["notJson", "unfit", "constraint"] as const).some((what) => says(error, what))
      throw isDamaged ? cutResponse("its rows are not what they should be", error) : error
    })
}

/** Segments of a datasource in a look. */
export interface Size {
  readonly segments: number
  readonly used: number
}

/** What may be there once only. */
const ID = "datasource, start_ms, end_ms, version, partition"

/** By datasource. @throws DruidsyncError `response-cut` where a segment is there twice */
export async function readSizes(engine: Engine, table: string): Promise<Map<string, Size>> {
  const sizes = new Map<string, Size>()
  let mayBeTwice = false
  const counts = `SELECT datasource, count(*), count(*) FILTER (is_used), count(DISTINCT hash(${ID}))`
  for (const [name, segments, used, ids] of await engine.rows(
    `${counts} FROM ${table} GROUP BY datasource`,
  )) {
    sizes.set(String(name), { segments: Number(segments), used: Number(used) })
    mayBeTwice ||= segments !== ids
  }
  // Two hashes may be the same by chance.
  const twice = `SELECT 1 FROM ${table} GROUP BY ${ID} HAVING count(*) > 1 LIMIT 1`
  if (mayBeTwice && (await engine.rows(twice)).length > 0) throw cutResponse("a segment is in it twice")
  return sizes
}

/** Segments in one statement. */
const SEGMENTS_PER_INSERT = 1_000

/** Fills a new table with segments that were made up. */
export async function fillTable(
  engine: Engine,
  table: string,
  segments: ReadonlyMap<string, readonly Segment[]>,
): Promise<void> {
  await create(engine, table)
  for (const [datasource, all] of segments) {
    for (let n = 0; n < all.length; n += SEGMENTS_PER_INSERT) {
      const rows = all.slice(n, n + SEGMENTS_PER_INSERT).map((one) => valuesOf(datasource, one))
      await engine.run(`INSERT INTO ${table} VALUES ${rows.join(", ")}`)
    }
  }
}

function valuesOf(datasource: string, one: Segment): string {
  const values = [
    literal(datasource),
    one.interval.start,
    one.interval.end,
    literal(one.version),
    one.partition,
    one.rows,
    one.sizeBytes,
    one.replicationFactor ?? "NULL",
    one.isPublished,
    one.isAvailable,
    one.isRealtime,
    one.isTombstone,
    one.isUsed,
    one.corePartitions ?? "NULL",
  ]
  return `(${values.join(", ")})`
}

/** SQL condition: overlaps one of the intervals. */
export function overlapSql(intervals: readonly Interval[]): string {
  const each = intervals.map(({ start, end }) => `(start_ms < ${end} AND end_ms > ${start})`)
  return each.length === 0 ? "FALSE" : `(${each.join(" OR ")})`
}

/** In no order. @param by SQL of what they are grouped by @param from SQL after FROM */
export async function readSegments(
  engine: Engine,
  by: string,
  from: string,
): Promise<Map<string, Segment[]>> {
  // Thousands of segments have the same version: one text for all of them.
  const versions = new Map<string, string>()
  const found = new Map<string, Segment[]>()
  await engine.each(`SELECT ${by}, ${NAMES} FROM ${from}`, (row) => {
    const key = String(row[0])
    const list = found.get(key) ?? []
    found.set(key, list)
    list.push(segmentOf(row, versions))
  })
  return found
}

function segmentOf(row: readonly DuckDBValue[], versions: Map<string, string>): Segment {
  const [, , start, end, text, partition, count, size, replication, ...rest] = row
  const [isPublished, isAvailable, isRealtime, isTombstone, isUsed, core] = rest
  const version = versions.get(String(text)) ?? String(text)
  versions.set(version, version)
  return {
    interval: { start: start as bigint, end: end as bigint },
    version,
    partition: Number(partition),
    rows: Number(count),
    sizeBytes: Number(size),
    replicationFactor: replication === null ? undefined : Number(replication),
    isPublished: isPublished === true,
    isAvailable: isAvailable === true,
    isRealtime: isRealtime === true,
    isTombstone: isTombstone === true,
    isUsed: isUsed === true,
    ...(core === null ? {} : { corePartitions: Number(core) }),
  }
}
