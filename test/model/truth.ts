/**
 * What a copy must hold, told from the model of the fake Druid alone: the rows of every segment that ever was, and which
 * of them answer for which stretch of time now.
 */

import { bucketEnd, bucketStart, type Every } from "../../src/base/buckets.ts"
import type { Interval, Part } from "../../src/base/domain.ts"
import { overlaps } from "../../src/base/intervals.ts"
import type { DatasourceSettings } from "../../src/config/settings.ts"
import { parseSegmentSet, segmentSetText } from "../../src/plan/segment-set.ts"
import type { StoredSegment, World } from "../support/fake-druid/fake-druid.ts"
import { allRows } from "../support/fake-druid/model/rows.ts"

/** A row as text that is equal if and only if the rows are: columns that are NULL are left out. */
export interface TextRow {
  readonly time: bigint
  readonly text: string
}

interface Content {
  readonly rows: readonly { readonly time: bigint; readonly cells: ReadonlyMap<string, unknown> }[]
  /** rows came or merged under this id: it does not tell the rows alone */
  readonly wasLive: boolean
}

/** The condition of the histories' filter, here and in Druid. */
export const FILTER = '"n" >= 2'

/** The rows of every segment that a world ever had, by the segment's identity. */
export class Segments {
  readonly #contents = new Map<string, Content>()

  /** Call after every change of the world. */
  remember(world: World, name: string): void {
    for (const segment of world.datasource(name)?.segments ?? []) {
      const key = segmentSetText([segment])
      const before = this.#contents.get(key)
      const isLive = segment.realtime || segment.handingOff
      if (before !== undefined && !before.wasLive) continue
      this.#contents.set(key, { rows: contentOf(segment), wasLive: isLive || before?.wasLive === true })
    }
  }

  /** True where these segments' rows never changed: their ids tell the rows. */
  areTelling(set: string): boolean {
    return keysOf(set).every((key) => this.#contents.get(key)?.wasLive === false)
  }

  /** Rows of a segment set (`plan/segment-set.ts`) within an interval, as these settings see them. */
  rowsOf(set: string, interval: Interval, settings: DatasourceSettings): TextRow[] {
    const keys = keysOf(set)
    const found = keys.flatMap((key) => {
      const content = this.#contents.get(key)
      if (content === undefined) throw new Error(`a checkpoint names a segment that never was: ${key}`)
      // Of a unit of several chunks one may lie inside a segment of another: the newer version answers there.
      const above = keys.map(spanOf).filter((other) => other.version > spanOf(key).version)
      return content.rows.filter(
        ({ time, cells }) =>
          interval.start <= time &&
          time < interval.end &&
          matches(cells, settings) &&
          !above.some(({ start, end }) => start <= time && time < end),
      )
    })
    return textsOf(found, settings)
  }
}

function keysOf(set: string): string[] {
  return [...parseSegmentSet(set)].flatMap(([group, numbers]) => [...numbers].map((n) => `${group}:${n}`))
}

/** The interval and the version of a segment, from its key. */
function spanOf(key: string): Interval & { readonly version: string } {
  const [interval = "", version = ""] = key.split("@")
  const [start = "", end = ""] = interval.split("/")
  return { start: BigInt(start), end: BigInt(end), version: version.slice(0, version.lastIndexOf(":")) }
}

/** Rows as a table has them: themselves, or their groups. */
function textsOf(rows: Content["rows"], settings: DatasourceSettings): TextRow[] {
  const { aggregate } = settings
  if (aggregate === undefined)
    return rows.map(({ time, cells }) => ({ time, text: textOf(time, cells, settings) }))
  const groups = new Map<string, { time: bigint; s: unknown; rows: number; total: bigint | null }>()
  for (const { time, cells } of rows) {
    const start = bucketStart(aggregate.every, time)
    const s = aggregate.by.length === 0 ? null : (cells.get("s") ?? null)
    const key = `${start} ${JSON.stringify(s)}`
    const group = groups.get(key) ?? { time: start, s, rows: 0, total: null }
    const n = cells.get("n")
    groups.set(key, {
      ...group,
      rows: group.rows + 1,
      total: typeof n === "bigint" ? (group.total ?? 0n) + n : group.total,
    })
  }
  return [...groups.values()].map(({ time, s, rows: count, total }) => ({
    time,
    text: rowText(time, [
      ["s", s],
      ["_rows", count],
      ["total", total],
    ]),
  }))
}

function contentOf(segment: StoredSegment): Content["rows"] {
  return allRows(segment.rows).map((row) => ({
    time: row[0] as bigint,
    cells: new Map(segment.columns.map((column, n) => [column.name, row[n]])),
  }))
}

function matches(cells: ReadonlyMap<string, unknown>, settings: DatasourceSettings): boolean {
  const n = cells.get("n")
  return settings.filter === undefined || (typeof n === "bigint" && n >= 2n)
}

function textOf(time: bigint, cells: ReadonlyMap<string, unknown>, settings: DatasourceSettings): string {
  const { include, exclude } = settings.columns
  const kept = [...cells].filter(
    ([name]) => name !== "__time" && (include?.includes(name) ?? true) && !exclude.includes(name),
  )
  return rowText(time, kept)
}

/** The one form of a row's text; the same for Druid's rows and for DuckDB's. */
export function rowText(time: bigint, cells: readonly (readonly [string, unknown])[]): string {
  const texts = cells
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${JSON.stringify(typeof value === "bigint" ? Number(value) : value)}`)
    .sort()
  return `${time} ${texts.join(" ")}`
}

/** A stretch of time for which one set of segments answers. */
export interface Stretch {
  readonly interval: Interval
  readonly segments: readonly StoredSegment[]
  readonly set: string
  readonly isUnavailable: boolean
  readonly isCold: boolean
  readonly isLive: boolean
  readonly rows: readonly TextRow[]
}

/** The active segments of a datasource by stretch, ascending: what Druid has, served or not. */
export function stretchesOf(world: World, name: string, settings: DatasourceSettings): Stretch[] {
  const byInterval = new Map<string, { interval: Interval; segments: StoredSegment[] }>()
  for (const { segment, interval } of world.datasource(name)?.usedParts() ?? []) {
    const key = `${interval.start}/${interval.end}`
    const found = byInterval.get(key)
    if (found === undefined) byInterval.set(key, { interval, segments: [segment] })
    else found.segments.push(segment)
  }
  const chunks = [...byInterval.values()].map(({ interval, segments }) => {
    const missing = segments.filter((segment) => !segment.served)
    // Whose task died before a historical took over wants no replica for a moment: it looks cold.
    const looksCold = (segment: StoredSegment) => segment.cold || (segment.handingOff && segment.published)
    const isUnavailable = missing.some((segment) => !looksCold(segment))
    return {
      interval,
      segments,
      set: segmentSetText(segments),
      isUnavailable,
      isCold: missing.length > 0 && !isUnavailable,
      isLive: missing.length === 0 && segments.some((segment) => segment.realtime || segment.handingOff),
      content: segments.flatMap((segment) =>
        contentOf(segment).filter(
          (row) => interval.start <= row.time && row.time < interval.end && matches(row.cells, settings),
        ),
      ),
    }
  })
  const every = settings.aggregate?.every
  const stretches = every === undefined ? chunks : bucketsOf(chunks, every)
  return stretches.map(({ content, ...stretch }) => ({ ...stretch, rows: textsOf(content, settings) }))
}

type Unread = Omit<Stretch, "rows"> & { readonly content: Content["rows"] }

/** The buckets that the chunks overlap, each with all that it is made from. */
function bucketsOf(chunks: readonly Unread[], every: Every): Unread[] {
  const starts = new Set<bigint>()
  for (const { interval } of chunks)
    for (let at = interval.start; at < interval.end; at = bucketEnd(every, at))
      starts.add(bucketStart(every, at))
  return [...starts].map((start): Unread => {
    const interval = { start, end: bucketEnd(every, start) }
    const of = chunks.filter((chunk) => overlaps(chunk.interval, interval))
    const isUnavailable = of.some((chunk) => chunk.isUnavailable)
    const isCold = !isUnavailable && of.some((chunk) => chunk.isCold)
    return {
      interval,
      segments: of.flatMap((chunk) => chunk.segments),
      set: segmentSetText(of.flatMap((chunk) => chunk.segments)),
      isUnavailable,
      isCold,
      isLive: !isUnavailable && !isCold && of.some((chunk) => chunk.isLive),
      content: of
        .flatMap((chunk) => chunk.content)
        .filter(({ time }) => interval.start <= time && time < interval.end),
    }
  })
}

/** Stretches that are kept as they are, since Druid dropped something that they were made of. */
export function isBereft(
  stretches: readonly Stretch[],
  parts: readonly Part[],
): (stretch: Stretch) => boolean {
  const there = stretches.flatMap(({ segments }) => segments.map((segment) => segment.interval))
  const bereft = parts.filter((part) =>
    keysOf(part.segments).some((key) => !there.some((interval) => overlaps(interval, spanOf(key)))),
  )
  return ({ interval }) => bereft.some((part) => overlaps(part.interval, interval))
}

/**
 * What is to become of the rows before a window, by what Druid has in it: `deleted`; `left`, where Druid has none there and
 * the clock may be wrong; `either`, where what Druid lists there is not served now.
 */
export function fateBefore(stretches: readonly Stretch[], start: bigint): "deleted" | "left" | "either" {
  const within = stretches.flatMap(({ interval, segments }) =>
    segments
      .filter((segment) =>
        contentOf(segment).some(({ time }) => time >= start && time >= interval.start && time < interval.end),
      )
      .map((segment) => segment.served),
  )
  if (within.length === 0) return "left"
  return within.includes(true) ? "deleted" : "either"
}

export function rowsWithin(rows: readonly TextRow[], interval: Interval): TextRow[] {
  return rows.filter((row) => interval.start <= row.time && row.time < interval.end)
}

/** Rows in no order as one text: equal multisets give equal texts. */
export function multiset(rows: readonly TextRow[]): string {
  return rows
    .map((row) => row.text)
    .sort()
    .join("\n")
}

/** What Druid answers now, every row and every column. */
export function truthOf(world: World, name: string): TextRow[] {
  return world.rows(name).map((row) => {
    const cells = Object.entries(row).filter(([column]) => column !== "__time")
    return { time: row.__time as bigint, text: rowText(row.__time as bigint, cells) }
  })
}
