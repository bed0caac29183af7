/** `POST /druid/v2`: the native `segmentMetadata` query. */
import { type StoredSegment, segmentId } from "../model/segment.ts"
import { ETERNITY, type Interval, interval, isoInterval, overlaps } from "../model/time.ts"
import { jsonReply, legacyError } from "./errors.ts"
import type { Exchange } from "./exchange.ts"

interface ColumnAnalysis {
  readonly typeSignature: string
  readonly type: string
  readonly hasMultipleValues: boolean
  readonly hasNulls: boolean
  readonly size: number
  readonly cardinality: number | null
  readonly minValue: null
  readonly maxValue: null
  readonly errorMessage: string | null
}

export async function nativeEndpoint(exchange: Exchange): Promise<void> {
  const body = await exchange.text()
  let query: Record<string, unknown>
  try {
    query = JSON.parse(body) as Record<string, unknown>
  } catch (thrown) {
    await exchange.begin("unknown", { body })
    return exchange.reply(
      legacyError(400, "Unknown exception", String(thrown), "com.fasterxml.jackson.core.JsonParseException"),
    )
  }
  const context = (query.context ?? {}) as Record<string, unknown>
  const datasource = nameOf(query.dataSource)
  const details = { body, datasource, context, queryId: context.queryId as string | undefined }
  if (query.queryType !== "segmentMetadata") {
    await exchange.begin("unknown", details)
    const message = `Could not resolve type id '${String(query.queryType)}' as a subtype of \`org.apache.druid.query.Query\``
    const errorClass = "com.fasterxml.jackson.databind.exc.InvalidTypeIdException"
    return exchange.reply(legacyError(400, "Unknown exception", message, errorClass))
  }
  await exchange.begin("segmentMetadata", details)
  if (exchange.site.access(exchange).denied.has(datasource)) return exchange.forbid()
  const segments = scanned(exchange, datasource, intervalsOf(query.intervals))
  if (segments instanceof Error)
    return exchange.reply(jsonReply(400, { error: "Unknown exception", errorMessage: segments.message }))
  const results = segments.map((segment) => analysis([segment], segmentId(segment)))
  return exchange.json(
    query.merge === true && segments.length > 0 ? [analysis(segments, mergedId(segments))] : results,
    // Druid makes one up where none is given; nobody here reads that.
    details.queryId === undefined ? {} : { "X-Druid-Query-Id": details.queryId },
  )
}

function nameOf(dataSource: unknown): string {
  if (typeof dataSource === "string") return dataSource
  return String((dataSource as { name?: unknown } | undefined)?.name ?? "")
}

function intervalsOf(given: unknown): Interval[] | Error {
  const list =
    typeof given === "object" && given !== null && "intervals" in given
      ? (given as { intervals: unknown }).intervals
      : given
  if (list === undefined) return [ETERNITY]
  try {
    return (Array.isArray(list) ? list : [list]).map((span) => interval(String(span)))
  } catch (thrown) {
    return thrown as Error
  }
}

/** Segments that queries see within the intervals; without intervals Druid takes the last week of data. */
function scanned(
  exchange: Exchange,
  datasource: string,
  intervals: Interval[] | Error,
): StoredSegment[] | Error {
  if (intervals instanceof Error) return intervals
  const parts = exchange.site.world.datasource(datasource)?.brokerParts() ?? []
  let last = ETERNITY.start
  for (const part of parts) if (part.interval.end > last) last = part.interval.end
  const wanted = intervals[0] === ETERNITY ? [{ start: last - 604_800_000n, end: last }] : intervals
  const seen = parts.filter(
    (part) => !part.segment.tombstone && wanted.some((i) => overlaps(i, part.interval)),
  )
  return [...new Set(seen.map((part) => part.segment))]
}

function analysis(segments: readonly StoredSegment[], id: string) {
  const columns = new Map<string, ColumnAnalysis>()
  for (const segment of segments)
    segment.columns.forEach(({ name, type }, i) => {
      const one = columnAnalysis(segment, name, type, i)
      const before = columns.get(name)
      columns.set(name, before ? folded(before, one) : one)
    })
  return {
    id,
    intervals: null,
    columns: Object.fromEntries(columns),
    size: 0,
    numRows: segments.reduce((sum, segment) => sum + segment.rows.count, 0),
    aggregators: null,
    timestampSpec: null,
    queryGranularity: null,
    rollup: null,
  }
}

function columnAnalysis({ rows }: StoredSegment, name: string, type: string, at: number): ColumnAnalysis {
  let hasNulls = false
  const sample = Math.min(rows.count, 1000)
  for (let i = 0; i < sample && !hasNulls; i++) hasNulls = rows.row(i)[at] === null
  return {
    typeSignature: type,
    type,
    hasMultipleValues: rows.multiValue.has(name),
    hasNulls,
    size: 0,
    cardinality: type === "STRING" ? 0 : null,
    minValue: null,
    maxValue: null,
    errorMessage: null,
  }
}

/** As `ColumnAnalysis.fold`: different types make an error column of type STRING. */
function folded(a: ColumnAnalysis, b: ColumnAnalysis): ColumnAnalysis {
  if (a.errorMessage !== null) return a
  if (a.type === b.type)
    return {
      ...a,
      hasMultipleValues: a.hasMultipleValues || b.hasMultipleValues,
      hasNulls: a.hasNulls || b.hasNulls,
    }
  const errorMessage = `error:cannot_merge_diff_types: [${a.type}] and [${b.type}]`
  return {
    ...a,
    typeSignature: "STRING",
    type: "STRING",
    hasMultipleValues: false,
    hasNulls: false,
    size: -1,
    cardinality: null,
    errorMessage,
  }
}

function mergedId(segments: readonly StoredSegment[]): string {
  return `${segments[0]!.datasource}_${isoInterval(segments[0]!.interval).replace("/", "_")}_merged`
}
