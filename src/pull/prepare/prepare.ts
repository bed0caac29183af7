/**
 * From metadata to slices for one datasource: asks what only Druid can answer (types, multi-value columns, counts,
 * histograms) and hands the answers to the pure deciders of `plan/`.
 */

import type { Bucket, Chunk, Column, Interval, Part, Slice, Work } from "../../base/domain.ts"
import { subtract } from "../../base/intervals.ts"
import { shareOf } from "../../base/shard.ts"
import type { DatasourceSettings } from "../../config/settings.ts"
import { settingsDigest, settingsText } from "../../config/settings-digest.ts"
import type { Source } from "../../druid/sql.ts"
import { conditionOf, knownRows } from "../../plan/chunks.ts"
import { type Diff, recounted } from "../../plan/diff.ts"
import { bucketWidthMs, cut, isTooBig, needsMeasuring, slicesOf } from "../../plan/slices.ts"
import type { DatasourceState } from "../../store/notes/state.ts"
import type { StoredColumn } from "../../store/notes/tables.ts"
import type { DatasourceCommit } from "../../store/rows/commit.ts"
import type { SchemaChange } from "../../store/rows/drift.ts"
import type { Judged } from "../judge.ts"
import type { Ports } from "../ports.ts"
import type { Run } from "../progress.ts"
import { readShape } from "./shape.ts"
import { sliceSize } from "./slice-size.ts"

/** A datasource's plan for one round, ready to be fetched. */
export interface Prepared {
  readonly settings: DatasourceSettings
  readonly source: Source
  readonly digest: string
  readonly chunks: readonly Chunk[]
  readonly diff: Diff
  readonly slices: readonly Slice[]
  readonly refreshed: readonly Part[]
  /** chunks whose counts contradict their metadata now */
  readonly doubtful: readonly Chunk[]
  /** bytes of a row in a response, from a sample, where there is enough to fetch for one */
  readonly rowBytes: number | undefined
  readonly columns: readonly Column[]
  /** each column has one type in all segments (see `Shape`) */
  readonly isUniform: boolean
  /** the column of hashes, where the config wants one */
  readonly rowHash: Column | undefined
  readonly schema: readonly StoredColumn[]
  readonly changes: readonly SchemaChange[]
  readonly warnings: readonly string[]
}

/** A commit of this plan that does nothing yet. */
export function commitOf({ settings, schema }: Prepared): DatasourceCommit {
  return {
    target: { datasource: settings.name, table: settings.table, settings: settingsText(settings), schema },
    slices: [],
    refreshed: [],
    keep: [],
    remove: [],
  }
}

/**
 * Asks Druid what is left open and cuts the work into slices.
 * @param only works to prepare (some may be left for later rounds)
 * @param learnt names of columns of which this run has met rows with several values
 * @throws DruidsyncError
 */
export async function prepare(
  { ports, request }: Pick<Run, "ports" | "request">,
  judged: Judged,
  only: readonly Work[],
  learnt: ReadonlySet<string> = new Set(),
): Promise<Prepared> {
  const { settings, held } = judged
  const source: Source = { datasource: settings.name, filter: settings.filter, shard: settings.shard }
  const share = shareOf(settings.shard, settings.name)
  const digest = settingsDigest(settings)
  const { works: counted, refreshed, doubtful } = await answerRecounts(ports, source, judged.diff)
  const works = [...only, ...counted]
  const base = { settings, source, digest, chunks: judged.chunks, diff: judged.diff, refreshed }
  const renamed: SchemaChange[] =
    held === undefined || held.table === settings.table
      ? []
      : [{ kind: "renamed", from: held.table, to: settings.table }]
  const creates = needsEmptyTable(judged.diff, held)
  if (works.length === 0 && refreshed.length === 0 && !creates) {
    return {
      ...base,
      doubtful,
      slices: [],
      rowBytes: undefined,
      columns: [],
      isUniform: false,
      rowHash: undefined,
      schema: held?.columns ?? [],
      changes: renamed,
      warnings: [],
    }
  }
  const shape = await readShape(ports, source, judged, works, learnt)
  const { rows: target, rowBytes } = await sliceSize(ports, request, source, shape.columns, works)
  const sized: Work[] = []
  const contradicting = new Set<Chunk>(doubtful)
  const together: Work[] = []
  for (const work of works) {
    const isShared = share(work.interval) === "some"
    if (!needsMeasuring(work, target, settings.filter !== undefined || isShared)) sized.push(work)
    else if (isShared && isSmall(work, target)) together.push(work)
    else {
      const pieces = await measure(ports, source, work, target)
      if (pieces === undefined) contradicting.add(work.chunk)
      else sized.push(...pieces)
    }
  }
  const counts = await countTogether(ports, source, together)
  sized.push(...counts.sized)
  for (const chunk of counts.contradicting) contradicting.add(chunk)
  // Chunks of other shards keep ours no further apart than no chunk at all.
  const ours = judged.chunks.filter((chunk) => share(chunk.interval) !== "none")
  return {
    ...base,
    ...shape,
    changes: [...renamed, ...shape.changes],
    rowBytes,
    doubtful: [...contradicting],
    slices: slicesOf(sized, ours, target),
  }
}

/**
 * True where nothing is there to copy and there is no table yet: it gets an empty one, so that questions can be asked of
 * every datasource of the config. Such are a stream that is left out until it is handed off, a stretch of time without a
 * row, a shard without a day.
 */
export function needsEmptyTable(
  { works, unavailable, cold, nothingActive }: Diff,
  held: DatasourceState | undefined,
): boolean {
  // Of what no server has, Druid does not say the columns.
  const isIdle = works.length + unavailable.length + cold.length === 0
  return held === undefined && isIdle && !nothingActive
}

async function answerRecounts(ports: Ports, source: Source, found: Diff) {
  const works: Work[] = []
  const refreshed: Part[] = []
  const doubtful: Chunk[] = []
  for (const recount of found.recounts) {
    const intervals = recount.parts.map((part) => part.interval)
    const rest = subtract(recount.chunk.interval, intervals)
    const all = union1([...intervals, ...rest])
    const counts = await ports.catalog.counts(source, all, ports.signal)
    const byStart = new Map(all.map((interval, n) => [interval.start, counts[n]!]))
    const total = counts.reduce((sum, count) => sum + count.all, 0)
    const answer = recounted(
      recount,
      intervals.map((interval) => byStart.get(interval.start)!),
      total,
    )
    works.push(...answer.works)
    refreshed.push(...answer.refreshed)
    if (answer.doubtful) doubtful.push(recount.chunk)
  }
  return { works, refreshed, doubtful }
}

/** Ascending, without joining neighbours. */
function union1(intervals: readonly Interval[]): Interval[] {
  return [...intervals].sort((a, b) => (a.start < b.start ? -1 : 1))
}

/** True where the whole chunk makes no more than a slice and Druid's metadata says how many rows it has. */
function isSmall(work: Work, target: number): boolean {
  const promised = conditionOf(work.chunk) === "settled" ? knownRows(work.chunk) : undefined
  return promised !== undefined && promised <= target
}

/**
 * Counts our rows of chunks that hold days of other shards too, many chunks with one query. As in `measure`, the counts of
 * a whole chunk must add up to what its metadata promises.
 */
async function countTogether(ports: Ports, source: Source, works: readonly Work[]) {
  const worksOf = new Map<Chunk, Work[]>()
  for (const work of works) {
    const some = worksOf.get(work.chunk)
    if (some === undefined) worksOf.set(work.chunk, [work])
    else some.push(work)
  }
  const piecesOf = (chunk: Chunk, some: readonly Work[]) => {
    const own = some.map((work) => work.interval)
    return [...own, ...subtract(chunk.interval, own)]
  }
  const all = union1([...worksOf].flatMap(([chunk, some]) => piecesOf(chunk, some)))
  const counts = all.length === 0 ? [] : await ports.catalog.counts(source, all, ports.signal)
  const countOf = new Map(all.map((interval, n) => [interval.start, counts[n]!]))
  const sized: Work[] = []
  const contradicting: Chunk[] = []
  for (const [chunk, some] of worksOf) {
    const total = piecesOf(chunk, some).reduce((sum, { start }) => sum + countOf.get(start)!.all, 0)
    if (total !== knownRows(chunk)) contradicting.push(chunk)
    else
      for (const work of some)
        sized.push({ ...work, expectedRows: countOf.get(work.interval.start)!.matching })
  }
  return { sized, contradicting }
}

/**
 * Cuts one work along a histogram. The counts of the whole chunk must add up to what its metadata promises:
 * otherwise some server is not serving all of it, and the counts would prove a hole.
 * @returns undefined where they do not
 */
async function measure(
  ports: Ports,
  source: Source,
  work: Work,
  target: number,
): Promise<Work[] | undefined> {
  const { catalog, signal } = ports
  const isImmutable = conditionOf(work.chunk) === "settled"
  const promised = isImmutable ? knownRows(work.chunk) : undefined
  const bounds = await catalog.bounds(source, work.interval, signal)
  if (promised !== undefined) {
    const rest = subtract(work.chunk.interval, [work.interval])
    const others = rest.length === 0 ? [] : await catalog.counts(source, rest, signal)
    if (bounds.rows + others.reduce((sum, count) => sum + count.all, 0) !== promised) return undefined
  }
  if (bounds.rows === 0) return cut(work, [], target)
  const hull = { start: bounds.min, end: bounds.max + 1n }
  const buckets = await histogram(ports, source, hull, bounds.rows, target)
  const total = buckets.reduce((sum, bucket) => sum + bucket.all, 0)
  if (isImmutable && total !== bounds.rows) return undefined
  return cut(work, buckets, target)
}

async function histogram(
  ports: Ports,
  source: Source,
  interval: Interval,
  rows: number,
  target: number,
): Promise<Bucket[]> {
  const width = bucketWidthMs(interval, rows, target)
  const buckets = await ports.catalog.histogram(source, interval, width, ports.signal)
  const result: Bucket[] = []
  for (const bucket of buckets) {
    if (isTooBig(bucket, target))
      result.push(...(await histogram(ports, source, bucket.interval, bucket.all, target)))
    else result.push(bucket)
  }
  return result
}
