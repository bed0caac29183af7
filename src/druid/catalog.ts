/**
 * What Druid has, read through a `DruidClient` and turned into the domain's words: active segments, columns and
 * their types, multi-value columns, counts. Two requests tell what every datasource has, however many there are.
 */
import type { Bucket, Interval, Segment } from "../domain.ts"
import { DruidsyncError, ExitCode } from "../errors.ts"
import { formatDruidTime, parseDruidTime } from "../time.ts"
import type { DruidClient } from "./client.ts"
import type { Header } from "./framing.ts"
import { boundsSql, columnsSql, countsSql, histogramSql, type Source, segmentsSql, typesSql } from "./sql.ts"

/** A column as INFORMATION_SCHEMA lists it. */
export interface ListedColumn {
  readonly name: string
  readonly sqlType: string
}

/** One look at the cluster: everything was read within one request (columns: in the one before it). */
export interface Inventory {
  /** per configured datasource; an empty list where Druid lists nothing active */
  readonly segments: ReadonlyMap<string, readonly Segment[]>
  /** per configured datasource; missing where Druid does not list it (nothing loaded, forbidden, unknown) */
  readonly columns: ReadonlyMap<string, readonly ListedColumn[]>
}

/** Counts of a stretch: all rows, and those that meet the config's filter. */
export interface Count {
  readonly all: number
  readonly matching: number
}

export interface Catalog {
  /** Looks at everything. @throws DruidsyncError `forbidden` where `sys.segments` is refused */
  inventory(signal?: AbortSignal): Promise<Inventory>
  /** Looks at the segments again, with the columns known from before. */
  segments(signal?: AbortSignal): Promise<ReadonlyMap<string, readonly Segment[]>>
  types(source: Source, names: readonly string[] | "*", signal?: AbortSignal): Promise<Header>
  /** Names of the columns that hold rows with several values in the intervals. */
  multiValueColumns(
    datasource: string,
    intervals: readonly Interval[],
    signal?: AbortSignal,
  ): Promise<Set<string>>
  bounds(
    source: Source,
    interval: Interval,
    signal?: AbortSignal,
  ): Promise<{ min: bigint; max: bigint; rows: number }>
  histogram(source: Source, interval: Interval, widthMs: bigint, signal?: AbortSignal): Promise<Bucket[]>
  counts(source: Source, intervals: readonly Interval[], signal?: AbortSignal): Promise<Count[]>
}

/** Intervals per counting query: two aggregators each, far from any limit of Druid's. */
const COUNTS_PER_QUERY = 50
/** Intervals per segmentMetadata query. */
const INTERVALS_PER_QUERY = 500

export function createCatalog(client: DruidClient, datasources: readonly string[]): Catalog {
  let segmentColumns: ReadonlySet<string> | undefined

  async function segments(signal?: AbortSignal) {
    const sql = segmentsSql(datasources, segmentColumns ?? new Set(["is_active", "replication_factor"]))
    const rows = await client.rows(sql, { action: "reading sys.segments", signal })
    const found = new Map<string, Segment[]>(datasources.map((name) => [name, []]))
    for (const row of rows) found.get(String(row[0]))?.push(segmentOf(row))
    return found
  }

  return {
    async inventory(signal) {
      const rows = await client.rows(columnsSql(datasources), {
        action: "reading INFORMATION_SCHEMA",
        signal,
      })
      const columns = new Map<string, ListedColumn[]>()
      const ofSegments = new Set<string>()
      for (const [schema, table, column, type] of rows) {
        if (schema === "sys") ofSegments.add(String(column))
        else {
          const list = columns.get(String(table)) ?? []
          list.push({ name: String(column), sqlType: String(type) })
          columns.set(String(table), list)
        }
      }
      if (ofSegments.size === 0) {
        throw new DruidsyncError("forbidden", "this Druid does not show sys.segments", {
          exitCode: ExitCode.refused,
        })
      }
      segmentColumns = ofSegments
      return { columns, segments: await segments(signal) }
    },
    segments,
    types: (source, names, signal) =>
      client.header(typesSql(source, names), {
        action: `reading the column types of "${source.datasource}"`,
        signal,
      }),
    async multiValueColumns(datasource, intervals, signal) {
      const found = new Set<string>()
      for (let i = 0; i < intervals.length; i += INTERVALS_PER_QUERY) {
        const some = intervals.slice(i, i + INTERVALS_PER_QUERY)
        const answer = await client.native(
          {
            queryType: "segmentMetadata",
            dataSource: datasource,
            intervals: some.map(({ start, end }) => `${formatDruidTime(start)}/${formatDruidTime(end)}`),
            analysisTypes: [],
            merge: true,
            lenientAggregatorMerge: true,
          },
          { action: `reading the segment metadata of "${datasource}"`, signal },
        )
        for (const name of multiValueNames(answer, datasource)) found.add(name)
      }
      return found
    },
    async bounds(source, interval, signal) {
      const action = `measuring "${source.datasource}"`
      const [row] = await client.rows(boundsSql(source, interval), { action, signal })
      if (row === undefined || row[0] === null) return { min: interval.start, max: interval.start, rows: 0 }
      return { min: BigInt(String(row[0])), max: BigInt(String(row[1])), rows: Number(row[2]) }
    },
    async histogram(source, interval, widthMs, signal) {
      const action = `measuring "${source.datasource}"`
      const rows = await client.rows(histogramSql(source, interval, widthMs), { action, signal })
      return rows
        .map(([bucket, all, matching]) => {
          const start = interval.start + BigInt(Number(bucket)) * widthMs
          const end = start + widthMs < interval.end ? start + widthMs : interval.end
          return { interval: { start, end }, all: Number(all), matching: Number(matching) }
        })
        .sort((a, b) => (a.interval.start < b.interval.start ? -1 : 1))
    },
    async counts(source, intervals, signal) {
      const counts: Count[] = []
      for (let i = 0; i < intervals.length; i += COUNTS_PER_QUERY) {
        const some = intervals.slice(i, i + COUNTS_PER_QUERY)
        const action = `counting rows of "${source.datasource}"`
        const [row = []] = await client.rows(countsSql(source, some), { action, signal })
        for (let k = 0; k < some.length; k++) {
          counts.push({ all: Number(row[2 * k] ?? 0), matching: Number(row[2 * k + 1] ?? 0) })
        }
      }
      return counts
    },
  }
}

function segmentOf(row: readonly unknown[]): Segment {
  const [
    ,
    start,
    end,
    version,
    partition,
    rows,
    size,
    replication,
    published,
    available,
    realtime,
    tombstone,
  ] = row
  return {
    interval: { start: parseDruidTime(String(start)), end: parseDruidTime(String(end)) },
    version: String(version),
    partition: Number(partition),
    rows: Number(rows),
    sizeBytes: Number(size),
    replicationFactor: replication === null ? undefined : Number(replication),
    isPublished: Number(published) === 1,
    isAvailable: Number(available) === 1,
    isRealtime: Number(realtime) === 1,
    isTombstone: Number(tombstone) === 1,
  }
}

function multiValueNames(answer: unknown, datasource: string): string[] {
  if (!Array.isArray(answer)) {
    throw new DruidsyncError("not-druid", `the segment metadata of "${datasource}" is not a list`)
  }
  const names: string[] = []
  for (const analysis of answer as {
    columns?: Record<string, { hasMultipleValues?: boolean; type?: string }>
  }[]) {
    for (const [name, column] of Object.entries(analysis.columns ?? {})) {
      if (column.hasMultipleValues === true && column.type === "STRING") names.push(name)
    }
  }
  return names
}
