/**
 * Compares one datasource. Both sides must be of the same moment: a stretch is compared only where its
 * checkpoint names the segments that Druid serves, they are looked at again afterwards, and a difference is believed
 * when it is seen twice and Druid's own count agrees with its metadata.
 */

import type { Chunk, Interval } from "../base/domain.ts"
import { anyOverlap, sameInterval, union } from "../base/intervals.ts"
import { shareOf } from "../base/shard.ts"
import { settingsDigest } from "../config/settings-digest.ts"
import { knownRows } from "../plan/chunks.ts"
import { copiedFrom } from "../plan/window.ts"
import { chunksNow } from "../pull/chunks-now.ts"
import type { Subject } from "../pull/judge.ts"
import type { Ports } from "../pull/ports.ts"
import { readShape } from "../pull/prepare/shape.ts"
import { nothingActive } from "../pull/refusals.ts"
import { chunksFor, copiedUntil, makeableChunks, sourceOf } from "../pull/source.ts"
import { partsOf } from "../store/notes/checkpoints.ts"
import type { HeldState } from "../store/notes/state.ts"
import { refuseChanged } from "../store/rows/by-hand.ts"
import { comparedColumns } from "./columns.ts"
import type { Compare, CompareContext, Finding } from "./context.ts"
import { looselyCompared } from "./groups.ts"
import { compareByPrints } from "./prints.ts"
import { compareByRows } from "./rows.ts"
import { type Sample, sampled } from "./sample.ts"
import { type Stray, strayRows } from "./stray.ts"
import {
  packed,
  type Skipped,
  type Stretch,
  stillAnswers,
  stretchesOf,
  windowOf,
  workOf,
} from "./stretches.ts"

/** Stretches, and rows, between two looks at the segments. */
const STRETCHES_PER_LAP = 512
const ROWS_PER_LAP = 32_000_000
const SLICES_PER_DEEP_LAP = 8

/** What is compared, and how. */
export interface CompareWish {
  readonly sinceMs: bigint | undefined
  readonly untilMs: bigint | undefined
  /** compare rows, not fingerprints */
  readonly deep: boolean
  readonly sample: Sample | undefined
  /** the sample's seed */
  readonly seed: string
  /** rows that a slice aims at */
  readonly sliceRows: number
}

/** What comparing one datasource found. */
export interface Comparison {
  readonly equal: readonly Finding[]
  readonly differing: readonly Finding[]
  readonly stray: readonly Stray[]
  readonly skipped: readonly Skipped[]
  readonly notSampled: number
  readonly partlyCompared: readonly string[]
}

export const NOTHING: Comparison = {
  equal: [],
  differing: [],
  stray: [],
  skipped: [],
  notSampled: 0,
  partlyCompared: [],
}

/** A datasource on both sides, as they were looked at. */
export interface BothSides extends Subject {
  readonly held: HeldState
}

/**
 * @param numbering counts spool files and staging tables through the whole run
 * @param only look at stretches that overlap these alone
 * @throws DruidsyncError
 */
export async function comparison(
  ports: Ports,
  wish: CompareWish,
  both: BothSides,
  numbering: { next: number },
  only?: readonly Interval[],
): Promise<Comparison> {
  const { settings, held, inventory } = both
  const { engine, file, signal } = ports
  if (!inventory.segments.lists(settings.name)) throw await nothingActive(ports, settings, held)
  const segments = await inventory.segments.segments(settings.name)
  const chunks = chunksFor(settings, segments)
  const parts = await file.read(() => partsOf(engine, held.table), signal)
  const share = settings.shard === undefined ? undefined : shareOf(settings.shard, settings.name)
  const options = {
    settings: settingsDigest(settings),
    since: copiedFrom(settings, wish.sinceMs, ports.clock.nowMs()),
    until: copiedUntil(settings, wish.untilMs),
    realtime: settings.realtime,
    ...(share === undefined ? {} : { share }),
  }
  const all = stretchesOf(makeableChunks(settings, segments, parts), parts, options)
  const isAsked = anyOverlap(only ?? [])
  const stretches =
    only === undefined
      ? sampled(all.stretches, wish.sample, wish.seed, settings.name)
      : all.stretches.filter((stretch) => isAsked(stretch.interval))
  const skipped = only === undefined ? all.skipped : all.skipped.filter((one) => isAsked(one.interval))
  await ports.file.read(
    () => refuseChanged(ports.engine, ports.file.path, held.table, held.columns),
    ports.signal,
  )
  const stray = await strayRows(ports, held.table, parts, windowOf(options))
  const base = { stray, notSampled: only === undefined ? all.stretches.length - stretches.length : 0 }
  if (stretches.length === 0) return { ...NOTHING, ...base, skipped }
  const source = sourceOf(settings)
  const shape = await readShape(ports, source, both, stretches.map(workOf))
  const { sliceRows } = wish
  const context = { ports, settings, source, held, shape, chunks, sliceRows, numbering }
  // Groups are few, and Druid has no fingerprints of them: they are always compared themselves.
  const found = await laps(context, stretches, wish.deep || settings.aggregate !== undefined)
  const partlyCompared = partly(context, wish.deep)
  return { ...found, ...base, skipped: [...skipped, ...found.skipped], partlyCompared }
}

/** Names of the columns of which not everything is compared. */
function partly({ settings, shape, held }: CompareContext, deep: boolean): readonly string[] {
  if (settings.aggregate !== undefined) return looselyCompared(settings.aggregate, shape.columns)
  if (deep) return []
  // A column that one side does not have at all is compared as much as it can be.
  const isHeld = new Set(held.columns.map((column) => column.name))
  return comparedColumns(shape.columns, held.columns)
    .filter((column) => column.coverage !== "value" && isHeld.has(column.name))
    .map((column) => column.name)
}

/** Compares lap by lap; each lap is believed only after another look at Druid's segments and at the checkpoints. */
async function laps(
  context: CompareContext,
  stretches: readonly Stretch[],
  deep: boolean,
): Promise<Pick<Comparison, "equal" | "differing" | "skipped">> {
  const compare: Compare = deep ? compareByRows : compareByPrints
  const equal: Finding[] = []
  const differing: Finding[] = []
  const skipped: Skipped[] = []
  const skip = ({ interval, part }: Stretch, kind: Skipped["kind"], detail?: string) =>
    skipped.push({
      interval,
      rows: sameInterval(interval, part.interval) ? part.rows : undefined,
      kind,
      ...(detail === undefined ? {} : { detail }),
    })
  /** @returns what of it may be believed: Druid answered, and neither side moved meanwhile */
  const believed = async (some: readonly Stretch[], isSecond: boolean): Promise<Finding[]> => {
    if (some.length === 0) return []
    const findings = await compare(context, some, isSecond)
    const unmoved = await unmovedStretches(context, some)
    return findings.filter(({ stretch, failure }) => {
      if (failure !== undefined) skip(stretch, "failed", failure)
      else if (!unmoved.has(stretch)) skip(stretch, "moved")
      return failure === undefined && unmoved.has(stretch)
    })
  }
  const groups = packed(
    stretches,
    STRETCHES_PER_LAP,
    deep ? context.sliceRows * SLICES_PER_DEEP_LAP : ROWS_PER_LAP,
  )
  for (const [n, group] of groups.entries()) {
    const first = await believed(group, false)
    equal.push(...first.filter((one) => one.isEqual))
    const suspects = first.filter((one) => !one.isEqual).map(({ stretch }) => stretch)
    const doubtful = await doubtfulChunks(context, suspects)
    for (const stretch of suspects) if (doubtful.has(stretch.chunk)) skip(stretch, "doubtful")
    const believable = suspects.filter(({ chunk }) => !doubtful.has(chunk))
    for (const one of await believed(believable, true)) (one.isEqual ? equal : differing).push(one)
    context.ports.emit({
      type: "detail",
      message: `"${context.settings.name}": ${n + 1} of ${groups.length} laps compared`,
    })
  }
  return { equal, differing, skipped }
}

/** Stretches of which neither Druid's segments nor our checkpoint changed since they were planned. */
async function unmovedStretches(
  context: CompareContext,
  stretches: readonly Stretch[],
): Promise<Set<Stretch>> {
  const { ports, settings } = context
  const { engine, file, signal } = ports
  const intervals = union(stretches.map(({ chunk }) => chunk.interval))
  const hull = { start: intervals[0]!.start, end: intervals.at(-1)!.end }
  const chunks = await chunksNow(ports, settings, intervals)
  const now = await file.read(() => partsOf(engine, context.held.table, hull), signal)
  const parts = new Map(now.map((part) => [part.interval.start, part]))
  return new Set(
    stretches.filter((stretch) => {
      const part = parts.get(stretch.part.interval.start)
      const isSame =
        part !== undefined &&
        sameInterval(part.interval, stretch.part.interval) &&
        part.segments === stretch.part.segments &&
        part.state === stretch.part.state &&
        part.rows === stretch.part.rows
      return isSame && stillAnswers(stretch, chunks)
    }),
  )
}

/** Chunks of which Druid itself counts other rows than its metadata promises: its answers prove nothing now. */
async function doubtfulChunks(context: CompareContext, stretches: readonly Stretch[]): Promise<Set<Chunk>> {
  const { ports, source } = context
  const known = [...new Set(stretches.map((stretch) => stretch.chunk))].filter(
    (chunk) => knownRows(chunk) !== undefined,
  )
  if (known.length === 0) return new Set()
  const counts = await ports.catalog.counts(
    source,
    known.map((chunk) => chunk.interval),
    ports.signal,
  )
  return new Set(known.filter((chunk, n) => counts[n]!.all !== knownRows(chunk)))
}
