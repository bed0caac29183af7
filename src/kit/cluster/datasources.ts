/** Every datasource that the user may see, with what matters before copying it. Fetches no row. */

import type { Interval } from "../../base/domain.ts"
import { concernsOneDatasource, DruidsyncError } from "../../base/errors.ts"
import { hull, intervalText } from "../../base/intervals.ts"
import { sumOf } from "../../base/lists.ts"
import type { DatasourceSettings, Lookups } from "../../config/settings.ts"
import { lookupTable } from "../../config/table-name.ts"
import type { DruidClient } from "../../druid/client.ts"
import { readLookupNames } from "../../druid/lookups.ts"
import {
  type ChunkOverview,
  readDatasourceNames,
  readOverview,
  readRollup,
  readSpan,
} from "../../druid/overview.ts"
import { sideBySide } from "../../pull/side-by-side.ts"
import type { DatasourcesReport, ListedDatasource } from "./document.ts"
import { granularitiesOf } from "./granularity.ts"

export interface ExploreOptions {
  readonly client: DruidClient
  readonly signal: AbortSignal
}

/** Most datasources that are asked one by one. */
const MOST_ASKED = 200
const AT_ONCE = 4

/** What a configuration copies. */
export interface Configured {
  readonly datasources: readonly Pick<DatasourceSettings, "name" | "table">[]
  readonly lookups?: Lookups | undefined
}

/**
 * @param configured with no datasource if there is no configuration yet
 * @param withRollup ask each datasource whether it is rolled up: a request each
 * @throws DruidsyncError if nothing can be asked at all
 */
export async function listDatasources(
  options: ExploreOptions,
  url: string,
  { datasources: configured, lookups }: Configured,
  withRollup: boolean,
): Promise<DatasourcesReport> {
  const tables = new Map<string, string[]>()
  for (const { name, table } of configured) tables.set(name, [...(tables.get(name) ?? []), table])
  const overview = await readOverview(options.client, undefined, options.signal).catch((error) => {
    // Names and counts can be had without it.
    if (error instanceof DruidsyncError && error.code === "forbidden") return undefined
    throw error
  })
  const listed = await readLookupNames(options.client, options.signal).catch((error) => {
    if (concernsOneDatasource(error)) return undefined
    throw error
  })
  const found =
    overview === undefined
      ? await fromCounts(options)
      : [...overview].map(([datasource, chunks]) => fromChunks(datasource, chunks))
  const place = (name: string) => {
    const at = configured.findIndex((one) => one.name === name)
    return at < 0 ? configured.length : at
  }
  const sorted = found
    .map((one) => ({ ...one, ...tablesOf(tables.get(one.datasource)) }))
    .sort((a, b) => place(a.datasource) - place(b.datasource) || (a.datasource < b.datasource ? -1 : 1))
  const known = new Set(sorted.map((one) => one.datasource))
  const asked = sorted.filter((one, n) => n < MOST_ASKED || one.table !== null)
  const rollups =
    withRollup && overview !== undefined
      ? await sideBySide(asked, AT_ONCE, options.signal, ({ datasource }) =>
          rollupOf(options, datasource, overview.get(datasource)!),
        )
      : []
  return {
    format: 1,
    exitCode: 0,
    url,
    hasSegments: overview !== undefined,
    datasources: sorted.map((one) => ({ ...one, rollup: rollups[asked.indexOf(one)] ?? null })),
    missing: [...tables.keys()].filter((name) => !known.has(name)),
    lookups: listed && lookupsOf(listed, lookups),
  }
}

/** Those that Druid lists, and those that the configuration names. */
function lookupsOf(listed: readonly string[], wanted: Lookups = []): DatasourcesReport["lookups"] {
  const names = wanted === "*" ? listed : [...new Set([...listed, ...wanted])].sort()
  return names.map((lookup) => ({
    lookup,
    table: wanted === "*" || wanted.includes(lookup) ? lookupTable(lookup) : null,
    isListed: listed.includes(lookup),
  }))
}

/** What the configuration makes of a datasource. */
function tablesOf(tables: readonly string[] = []): Pick<ListedDatasource, "table" | "tables"> {
  const [table = null] = tables
  return tables.length > 1 ? { table, tables: [...tables] } : { table }
}

function fromChunks(datasource: string, chunks: readonly ChunkOverview[]): ListedDatasource {
  const sum = (value: (chunk: ChunkOverview) => number) => sumOf(chunks, value)
  return {
    datasource,
    table: null,
    rows: sum((chunk) => chunk.rows),
    bytes: sum((chunk) => chunk.bytes),
    interval: isoInterval(hull(chunks.map((chunk) => chunk.interval))),
    chunks: chunks.length,
    segments: sum((chunk) => chunk.segments),
    segmentGranularity: granularitiesOf(chunks.map(({ interval }) => interval)),
    rollup: null,
    realtime: sum((chunk) => chunk.realtime),
    unavailable: sum((chunk) => chunk.unavailable),
    cold: sum((chunk) => chunk.cold),
    uncounted: sum((chunk) => chunk.uncounted),
  }
}

async function fromCounts(options: ExploreOptions): Promise<ListedDatasource[]> {
  const { client, signal } = options
  const names = await readDatasourceNames(client, signal)
  const asked = names.slice(0, MOST_ASKED)
  const spans = await sideBySide(asked, AT_ONCE, signal, (name) => readSpan(client, name, signal))
  return names.map((datasource, n) => ({
    datasource,
    table: null,
    rows: n < spans.length ? (spans[n]?.rows ?? 0) : null,
    bytes: null,
    interval: spans[n] === undefined ? null : isoInterval(spans[n].interval),
    chunks: null,
    segments: null,
    segmentGranularity: null,
    rollup: null,
    realtime: null,
    unavailable: null,
    cold: null,
    uncounted: null,
  }))
}

/** Looks at the oldest and the newest chunk: reading all of them would ask every server for every segment. */
async function rollupOf(
  options: ExploreOptions,
  datasource: string,
  chunks: readonly ChunkOverview[],
): Promise<boolean | undefined> {
  const sorted = [...chunks].sort((a, b) => (a.interval.start < b.interval.start ? -1 : 1))
  const ends = [sorted[0]!, sorted.at(-1)!].map(({ interval }) => isoInterval(interval)!)
  try {
    return await readRollup(options.client, datasource, [...new Set(ends)], options.signal)
  } catch (error) {
    options.signal.throwIfAborted()
    // A detail: forbidden, or nothing of it is loaded. The answer is "not known".
    if (error instanceof DruidsyncError) return undefined
    throw error
  }
}

function isoInterval(interval: Interval | undefined): string | null {
  return interval === undefined ? null : intervalText(interval)
}
