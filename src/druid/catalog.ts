/**
 * What Druid has, read through a `DruidClient` and turned into the domain's words: active segments, columns and
 * their types, multi-value columns, counts. Two requests tell what every datasource has, however many there are.
 */

import type { Bucket, Column, Interval, Segment } from "../base/domain.ts"
import { DruidsyncError } from "../base/errors.ts"
import { sumOf } from "../base/lists.ts"
import type { SegmentsDesk, SegmentsLook } from "../base/segments-look.ts"
import type { DruidClient } from "./client.ts"
import { CoreSetsReader } from "./core-sets.ts"
import { type Bounds, type Count, readBounds, readCounts, readHistogram } from "./counts.ts"
import { countedSegments } from "./fallback.ts"
import type { Header } from "./framing.ts"
import { type ListedColumn, type Listing, readListing } from "./listing.ts"
import { readDatasourceNames } from "./overview.ts"
import { type SegmentColumns, SegmentColumnsReader, type Stretch } from "./segment-columns.ts"
import { readSegments, type Within } from "./segments.ts"
import {
  beyondDoubleSql,
  conditionsOn,
  groupCountSql,
  mostValuesSql,
  type NamedColumn,
  type Source,
  sampleSql,
  typesSql,
} from "./sql.ts"

/** One look at the cluster: everything was read within one request (columns: in the one before it). */
export interface Inventory {
  /** of the configured datasources, with those that are served and not used */
  readonly segments: SegmentsLook
  /** per configured datasource; missing where Druid does not list it (nothing loaded, forbidden, unknown) */
  readonly columns: ReadonlyMap<string, readonly ListedColumn[]>
  /** "counts": Druid refuses `sys.segments`, days with their numbers of rows stand in for segments */
  readonly basis: "segments" | "counts"
}

/** Columns of which some row has a property. */
export interface FoundColumns {
  readonly names: ReadonlySet<string>
  /** rows that were looked at (the fewest, where it took several queries) */
  readonly rows: number
}

export interface Catalog {
  /** Looks at everything. The first look decides whether there are segments to be seen, or rows to be counted. */
  inventory(signal?: AbortSignal): Promise<Inventory>
  /** Looks at the segments again, with the columns known from before. @param within as for `readSegments` */
  segments(signal?: AbortSignal, within?: Within): Promise<SegmentsLook>
  /** Names of all datasources that Druid lists for this user: one request, however often it is asked. */
  names(signal?: AbortSignal): Promise<readonly string[]>
  /** The columns alone, read again: a list that is newer than the look at the segments. */
  columns(signal?: AbortSignal): Promise<Inventory["columns"]>
  types(source: Source, columns: readonly NamedColumn[] | "*", signal?: AbortSignal): Promise<Header>
  /** What the segments of the stretches hold; each unchanging set of segments is asked about once. */
  segmentColumns(
    datasource: string,
    stretches: readonly Stretch[],
    signal?: AbortSignal,
  ): Promise<SegmentColumns>
  /** How many partitions the core sets have that these segments belong to; without those that do not tell. */
  coreSets(
    datasource: string,
    segments: readonly Segment[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<Segment, number>>
  /** Which of the STRING columns hold rows with several values: reads the columns, for where metadata does not tell. */
  severalValues(
    source: Source,
    columns: readonly NamedColumn[],
    interval: Interval,
    signal?: AbortSignal,
  ): Promise<FoundColumns>
  /** Which of the columns hold numbers between 2^53 and 2^63, where DOUBLE rounds integers. */
  beyondDouble(
    source: Source,
    columns: readonly NamedColumn[],
    interval: Interval,
    signal?: AbortSignal,
  ): Promise<FoundColumns>
  bounds(source: Source, interval: Interval, signal?: AbortSignal): Promise<Bounds>
  histogram(
    source: Source,
    intervals: readonly Interval[],
    widthMs: bigint,
    signal?: AbortSignal,
  ): Promise<Bucket[]>
  /** @param once asked once, for a caller that starts again with more than the counts */
  counts(
    source: Source,
    intervals: readonly Interval[],
    signal?: AbortSignal,
    once?: boolean,
  ): Promise<Count[]>
  /** Groups that a row becomes in an interval of whole buckets; undefined if the interval has no row. */
  groupsPerRow(
    source: Source,
    columns: readonly Column[],
    interval: Interval,
    signal?: AbortSignal,
  ): Promise<number | undefined>
  /** Mean bytes of a row in a response, its end of line included; undefined if the interval has no row. */
  rowBytes(
    source: Source,
    columns: readonly Column[],
    interval: Interval,
    signal?: AbortSignal,
  ): Promise<number | undefined>
}

/** Columns per query that reads whole columns. */
const COLUMNS_PER_QUERY = 50

/**
 * @param desk where looks at the segments are kept
 * @param ahead the columns, asked for already: the first look takes them
 */
export function createCatalog(
  client: DruidClient,
  datasources: readonly string[],
  desk: SegmentsDesk,
  ahead?: Promise<Listing>,
): Catalog {
  let asked = ahead
  /** what `sys.segments` has: a recent Druid's, until the first look tells */
  let segmentColumns: ReadonlySet<string> = new Set(["is_active", "replication_factor"])
  let basis: Inventory["basis"] | undefined
  let names: Promise<readonly string[]> | undefined
  const held = new SegmentColumnsReader(client)
  const cores = new CoreSetsReader(client)

  async function counted(signal?: AbortSignal) {
    const found = new Map<string, Segment[]>()
    for (const name of datasources) found.set(name, await countedSegments(client, name, signal))
    return desk.put(found)
  }

  const look = (signal?: AbortSignal, within?: Within) =>
    basis === "counts"
      ? counted(signal)
      : readSegments(client, desk, datasources, segmentColumns, signal, within)

  /** Columns whose number is at least `least`; the only row of an answer is the count and a number per column. */
  async function columnsWhere(
    columns: readonly NamedColumn[],
    sqlOf: typeof mostValuesSql,
    least: number,
    source: Source,
    interval: Interval,
    signal: AbortSignal | undefined,
  ): Promise<FoundColumns> {
    const found = new Set<string>()
    let rows = Number.POSITIVE_INFINITY
    for (let i = 0; i < columns.length; i += COLUMNS_PER_QUERY) {
      const some = columns.slice(i, i + COLUMNS_PER_QUERY)
      const action = `looking at the columns of "${source.datasource}"`
      let looked = 0
      for (const part of conditionsOn(interval)) {
        const [row = []] = await client.rows(sqlOf(source, some, part), { action, signal })
        looked += Number(row[0] ?? 0)
        for (const [n, { name }] of some.entries()) if (Number(row[n + 1] ?? 0) >= least) found.add(name)
      }
      rows = Math.min(rows, looked)
    }
    return { names: found, rows }
  }

  return {
    async inventory(signal) {
      const listing = asked ?? readListing(client, datasources, signal)
      asked = undefined
      const { columns, ofSegments } = await listing
      segmentColumns = ofSegments
      if (basis === undefined && ofSegments.size === 0) basis = "counts"
      try {
        const segments = await look(signal)
        basis ??= "segments"
        return { columns, segments, basis }
      } catch (error) {
        // Refused once it had been shown: that is a failure, and no reason to believe counts from now on.
        if (basis !== undefined || !(error instanceof DruidsyncError) || error.code !== "forbidden")
          throw error
        basis = "counts"
        return { columns, segments: await counted(signal), basis }
      }
    },
    names: (signal) => {
      names ??= readDatasourceNames(client, signal, true)
      return names
    },
    async columns(signal) {
      return (await readListing(client, datasources, signal)).columns
    },
    segments: look,
    types: (source, columns, signal) =>
      client.header(typesSql(source, columns), {
        action: `reading the column types of "${source.datasource}"`,
        signal,
      }),
    segmentColumns: (datasource, stretches, signal) => held.read(datasource, stretches, signal),
    coreSets: (datasource, segments, signal) => cores.read(datasource, segments, signal),
    severalValues: (source, columns, interval, signal) =>
      columnsWhere(columns, mostValuesSql, 2, source, interval, signal),
    beyondDouble: (source, columns, interval, signal) =>
      columnsWhere(columns, beyondDoubleSql, 1, source, interval, signal),
    bounds: (source, interval, signal) => readBounds(client, source, interval, signal),
    histogram: (source, intervals, widthMs, signal) =>
      readHistogram(client, source, intervals, widthMs, signal),
    counts: (source, intervals, signal, once) => readCounts(client, source, intervals, signal, once),
    async groupsPerRow(source, columns, interval, signal) {
      const action = `grouping some rows of "${source.datasource}"`
      const [row = []] = await client.rows(groupCountSql(source, columns, interval), { action, signal })
      const [groups, rows] = [Number(row[0] ?? 0), Number(row[1] ?? 0)]
      return rows === 0 ? undefined : groups / rows
    },
    rowBytes(source, columns, interval, signal) {
      const action = `looking at some rows of "${source.datasource}"`
      // Of all of time the later half is enough for a guess.
      const part = conditionsOn(interval).at(-1)!
      return client.lines(sampleSql(source, columns, part), { action, signal }, (lines) =>
        lines.length === 0 ? undefined : sumOf(lines, (line) => Buffer.byteLength(line) + 1) / lines.length,
      )
    },
  }
}
