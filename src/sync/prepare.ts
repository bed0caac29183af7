/**
 * From metadata to slices for one datasource: asks what only Druid can answer (types, multi-value columns, counts,
 * histograms) and hands the answers to the pure deciders of `plan/`.
 */
import type { DatasourceSettings } from "../config/settings.ts"
import { settingsDigest } from "../config/settings-digest.ts"
import type { Chunk, Column, Interval, Part, Slice, Work } from "../domain.ts"
import type { Inventory } from "../druid/catalog.ts"
import type { Source } from "../druid/sql.ts"
import { DruidsyncError, ExitCode } from "../errors.ts"
import { conditionOf, knownRows } from "../plan/chunks.ts"
import { type Diff, MAX_TIME, MIN_TIME, recounted } from "../plan/diff.ts"
import { subtract, union } from "../plan/intervals.ts"
import { type Bucket, bucketWidthMs, cut, isTooBig, needsMeasuring, slicesOf } from "../plan/slices.ts"
import { reconcile, type SchemaChange } from "../store/drift.ts"
import type { DatasourceState, StoredColumn } from "../store/state.ts"
import { duckdbTypeOf } from "../store/types.ts"
import type { Judged } from "./judge.ts"
import type { Ports, PullRequest } from "./ports.ts"
import { retrying } from "./retry.ts"

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
  readonly columns: readonly Column[]
  readonly schema: readonly StoredColumn[]
  readonly changes: readonly SchemaChange[]
  readonly warnings: readonly string[]
}

/**
 * Asks Druid what is left open and cuts the work into slices.
 * @param only works to prepare (some may be left for later rounds)
 * @throws DruidsyncError
 */
export async function prepare(
  ports: Ports,
  request: PullRequest,
  settings: DatasourceSettings,
  judged: Judged,
  only: readonly Work[],
  inventory: Inventory,
  held: DatasourceState | undefined,
): Promise<Prepared> {
  const source: Source = { datasource: settings.name, filter: settings.filter }
  const digest = settingsDigest(settings)
  const target = request.pull.sliceRows
  const { works: counted, refreshed, doubtful } = await answerRecounts(ports, source, judged.diff)
  const works = [...only, ...counted]
  const base = { settings, source, digest, chunks: judged.chunks, diff: judged.diff, refreshed }
  if (works.length === 0 && refreshed.length === 0) {
    return {
      ...base,
      doubtful,
      slices: [],
      columns: [],
      schema: held?.columns ?? [],
      changes: [],
      warnings: [],
    }
  }
  const shape = await readShape(ports, source, settings, inventory, works, held)
  const sized: Work[] = []
  const contradicting = new Set<Chunk>(doubtful)
  for (const work of works) {
    if (!needsMeasuring(work, target, settings.filter !== undefined)) sized.push(work)
    else {
      const pieces = await measure(ports, source, work, target)
      if (pieces === undefined) contradicting.add(work.chunk)
      else sized.push(...pieces)
    }
  }
  return { ...base, ...shape, doubtful: [...contradicting], slices: slicesOf(sized, judged.chunks, target) }
}

async function answerRecounts(ports: Ports, source: Source, found: Diff) {
  const works: Work[] = []
  const refreshed: Part[] = []
  const doubtful: Chunk[] = []
  for (const recount of found.recounts) {
    const intervals = recount.parts.map((part) => part.interval)
    const rest = subtract(recount.chunk.interval, intervals)
    const all = union1([...intervals, ...rest])
    const counts = await ask(ports, () => ports.catalog.counts(source, all, ports.signal))
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
  const bounds = await ask(ports, () => catalog.bounds(source, work.interval, signal))
  if (promised !== undefined) {
    const rest = subtract(work.chunk.interval, [work.interval])
    const others = rest.length === 0 ? [] : await ask(ports, () => catalog.counts(source, rest, signal))
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
  const buckets = await ask(ports, () => ports.catalog.histogram(source, interval, width, ports.signal))
  const result: Bucket[] = []
  for (const bucket of buckets) {
    if (isTooBig(bucket, target))
      result.push(...(await histogram(ports, source, bucket.interval, bucket.all, target)))
    else result.push(bucket)
  }
  return result
}

/** Columns to read, their types, and what they do to the table. */
async function readShape(
  ports: Ports,
  source: Source,
  settings: DatasourceSettings,
  inventory: Inventory,
  works: readonly Work[],
  held: DatasourceState | undefined,
) {
  const listed = inventory.columns.get(settings.name)
  if (listed === undefined) {
    throw new DruidsyncError(
      "unavailable",
      `Druid lists no column of "${settings.name}": no server serves any of it now`,
      {
        exitCode: ExitCode.incomplete,
        hint: "pull again when its segments are loaded",
      },
    )
  }
  const names = chosenColumns(
    settings,
    listed.map((column) => column.name),
  )
  const header = await ask(ports, () => ports.catalog.types(source, names, ports.signal))
  const intervals = union(works.map((work) => work.chunk.interval)).map(clipped)
  const multiValue =
    intervals.length === 0
      ? new Set<string>()
      : await ask(ports, () => ports.catalog.multiValueColumns(settings.name, intervals, ports.signal))
  const warnings: string[] = []
  const wanted = header.names.map((name, n): Omit<Column, "target"> => {
    const druidType = header.druidTypes[n]!
    const was = held?.columns.find((column) => column.name === name)
    // Once a column was seen with several values it stays a list, also where a slice has single ones only.
    const isMulti = druidType === "STRING" && (multiValue.has(name) || was?.duckdbType === "VARCHAR[]")
    const choice = duckdbTypeOf(name, druidType, isMulti)
    if (choice.warning !== undefined) warnings.push(`column "${name}": ${choice.warning}`)
    return {
      name,
      druidType,
      sqlType: header.sqlTypes[n]!,
      multiValue: isMulti,
      duckdbType: choice.duckdbType,
    }
  })
  const { table, columns, changes } = reconcile(held?.columns, wanted)
  return { columns, schema: table, changes, warnings }
}

/** Druid's metadata queries take no interval beyond its eternity. */
function clipped(interval: Interval): Interval {
  return {
    start: interval.start < MIN_TIME ? MIN_TIME : interval.start,
    end: interval.end > MAX_TIME ? MAX_TIME : interval.end,
  }
}

/** @throws DruidsyncError `config` where an included column does not exist */
function chosenColumns(settings: DatasourceSettings, listed: readonly string[]): string[] {
  const { include, exclude } = settings.columns
  const known = new Set(listed)
  const missing = [...(include ?? []), ...exclude].filter((name) => !known.has(name))
  if (include !== undefined && missing.some((name) => include.includes(name))) {
    throw new DruidsyncError(
      "config",
      `datasource "${settings.name}" has no column ${missing.map((name) => `"${name}"`).join(", ")}`,
      { exitCode: ExitCode.usage, hint: `its columns are: ${listed.join(", ")}` },
    )
  }
  const chosen = include === undefined ? listed : listed.filter((name) => include.includes(name))
  const left = new Set(exclude)
  return chosen.filter((name) => name === "__time" || !left.has(name))
}

function ask<T>(ports: Ports, work: () => Promise<T>): Promise<T> {
  return retrying(work, {
    sleep: ports.clock.sleep,
    signal: ports.signal,
    onRetry: (error, waitMs, attempt) =>
      ports.emit({ type: "retry", message: error.message, waitMs, attempt }),
  })
}
