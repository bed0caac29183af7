/**
 * Compares one datasource. Both sides are of the same moment or nothing is said: a stretch is compared only where its
 * checkpoint names the segments that Druid serves, they are looked at again afterwards, and a difference is believed
 * when it is seen twice and Druid's own count agrees with its metadata.
 */

import type { Chunk, Interval } from "../base/domain.ts"
import { anyOverlap, sameInterval } from "../base/intervals.ts"
import { shareOf } from "../base/shard.ts"
import { laterOf } from "../base/time.ts"
import type { DatasourceSettings } from "../config/settings.ts"
import { settingsDigest } from "../config/settings-digest.ts"
import type { Inventory } from "../druid/catalog.ts"
import { chunksOf, knownRows } from "../plan/chunks.ts"
import type { Ports } from "../pull/ports.ts"
import { readShape } from "../pull/prepare/shape.ts"
import { nothingActive } from "../pull/refusals.ts"
import { type DatasourceState, readState } from "../store/notes/state.ts"
import { comparedColumns } from "./columns.ts"
import { comparePrints } from "./prints.ts"
import type { VerifyRequest } from "./request.ts"
import { compareRows } from "./rows.ts"
import { sampled } from "./sample.ts"
import { type Stray, strayRows } from "./stray.ts"
import type { Compare, Task, Verdict } from "./task.ts"
import { packed, type Skipped, stillAnswers, type Unit, unitsOf, windowOf } from "./units.ts"

/** Stretches, and rows, between two looks at the segments. */
const UNITS_PER_LAP = 512
const ROWS_PER_LAP = 32_000_000
const SLICES_PER_DEEP_LAP = 8

/** What comparing one datasource found. */
export interface Comparison {
  readonly equal: readonly { readonly unit: Unit; readonly verdict: Verdict }[]
  readonly differing: readonly { readonly unit: Unit; readonly verdict: Verdict }[]
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

/**
 * @param only look at stretches that overlap these alone
 * @throws DruidsyncError
 */
export async function comparison(
  ports: Ports,
  request: VerifyRequest,
  settings: DatasourceSettings,
  held: DatasourceState,
  inventory: Inventory,
  numbering: { next: number },
  only?: readonly Interval[],
): Promise<Comparison> {
  const segments = inventory.segments.get(settings.name) ?? []
  if (segments.length === 0) throw await nothingActive(ports, settings, held)
  const { sinceMs, untilMs } = request
  const since = laterOf(settings.sinceMs, sinceMs)
  const share = settings.shard === undefined ? undefined : shareOf(settings.shard, settings.name)
  const options = {
    settings: settingsDigest(settings),
    since,
    until: untilMs,
    realtime: settings.realtime,
    ...(share === undefined ? {} : { share }),
  }
  const all = unitsOf(chunksOf(segments), held.parts, options)
  const isAsked = anyOverlap(only ?? [])
  const units =
    only === undefined
      ? sampled(all.units, request.sample, request.seed, settings.name)
      : all.units.filter((unit) => isAsked(unit.interval))
  const skipped = only === undefined ? all.skipped : all.skipped.filter((one) => isAsked(one.interval))
  const stray = await strayRows(ports, held.table, held.parts, windowOf(options))
  const base = { stray, notSampled: only === undefined ? all.units.length - units.length : 0 }
  if (units.length === 0) return { ...NOTHING, ...base, skipped }
  const source = { datasource: settings.name, filter: settings.filter, shard: settings.shard }
  const works = units.map((unit) => ({
    interval: unit.interval,
    chunk: unit.chunk,
    reason: { kind: "full" as const },
    state: "complete" as const,
    expectedRows: unit.part.rows,
  }))
  const shape = await readShape(ports, source, { settings, inventory, held }, works)
  const { sliceRows } = request.pull
  const task: Task = { ports, settings, source, held, shape, inventory, sliceRows, numbering }
  const found = await laps(task, units, request.deep)
  const partly = request.deep
    ? []
    : comparedColumns(shape.columns, held.columns)
        // A column that one side does not have at all is compared as much as it can be.
        .filter((column) => column.coverage !== "value" && held.columns.some((c) => c.name === column.name))
        .map((column) => column.name)
  return { ...found, ...base, skipped: [...skipped, ...found.skipped], partlyCompared: partly }
}

/** Compares lap by lap; each lap is believed only after another look at Druid's segments and at the checkpoints. */
async function laps(
  task: Task,
  units: readonly Unit[],
  deep: boolean,
): Promise<Pick<Comparison, "equal" | "differing" | "skipped">> {
  const compare: Compare = deep ? compareRows : comparePrints
  const equal: { unit: Unit; verdict: Verdict }[] = []
  const differing: { unit: Unit; verdict: Verdict }[] = []
  const skipped: Skipped[] = []
  const skip = (unit: Unit, kind: Skipped["kind"], detail?: string) =>
    skipped.push({
      interval: unit.interval,
      rows: sameInterval(unit.interval, unit.part.interval) ? unit.part.rows : undefined,
      kind,
      ...(detail === undefined ? {} : { detail }),
    })
  const groups = packed(units, UNITS_PER_LAP, deep ? task.sliceRows * SLICES_PER_DEEP_LAP : ROWS_PER_LAP)
  for (const [n, group] of groups.entries()) {
    const first = await compare(task, group, false)
    const suspects: Unit[] = []
    const unmoved = await unmovedUnits(task, group)
    for (const unit of group) {
      const verdict = first.get(unit)!
      if (verdict.failure !== undefined) skip(unit, "failed", verdict.failure)
      else if (!unmoved.has(unit)) skip(unit, "moved")
      else if (verdict.isEqual) equal.push({ unit, verdict })
      else suspects.push(unit)
    }
    if (suspects.length > 0) {
      const doubtful = await doubtfulChunks(task, suspects)
      const believable = suspects.filter((unit) => !doubtful.has(unit.chunk))
      for (const unit of suspects) if (doubtful.has(unit.chunk)) skip(unit, "doubtful")
      const second = await compare(task, believable, true)
      const still = believable.length === 0 ? new Set<Unit>() : await unmovedUnits(task, believable)
      for (const unit of believable) {
        const verdict = second.get(unit)!
        if (verdict.failure !== undefined) skip(unit, "failed", verdict.failure)
        else if (!still.has(unit)) skip(unit, "moved")
        else (verdict.isEqual ? equal : differing).push({ unit, verdict })
      }
    }
    task.ports.emit({
      type: "detail",
      message: `"${task.settings.name}": ${n + 1} of ${groups.length} laps compared`,
    })
  }
  return { equal, differing, skipped }
}

/** Units of which neither Druid's segments nor our checkpoint changed since they were planned. */
async function unmovedUnits(task: Task, units: readonly Unit[]): Promise<Set<Unit>> {
  const { ports, settings } = task
  const segments = await ports.catalog.segments(ports.signal)
  const chunks = chunksOf(segments.get(settings.name) ?? [])
  const state = await readState(ports.engine, ports.file, ports.signal)
  const parts = new Map(
    (state.datasources.get(settings.name)?.parts ?? []).map((part) => [part.interval.start, part]),
  )
  return new Set(
    units.filter((unit) => {
      const part = parts.get(unit.part.interval.start)
      const isSame =
        part !== undefined &&
        sameInterval(part.interval, unit.part.interval) &&
        part.segments === unit.part.segments &&
        part.state === unit.part.state &&
        part.rows === unit.part.rows
      return isSame && stillAnswers(unit, chunks)
    }),
  )
}

/** Chunks of which Druid itself counts other rows than its metadata promises: its answers prove nothing now. */
async function doubtfulChunks(task: Task, units: readonly Unit[]): Promise<Set<Chunk>> {
  const { ports, source } = task
  const known = [...new Set(units.map((unit) => unit.chunk))].filter(
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
