/** Does a history's changes to the fake Druid. What Druid would refuse or delay is given way to first, as tasks wait for locks. */
import type { InputRow, Selector, Span, World } from "../support/fake-druid/fake-druid.ts"
import { type Change, DAYS, type RowSeed } from "./history.ts"

const DAY_MS = 86_400_000
const FIRST_DAY = Date.parse("2024-01-29T00:00:00Z")

/** Places in a day: its edges, neighbours one millisecond apart, the same hour twice. */
const SLOTS_MS = [0, 1, 21_600_000, 21_600_001, 43_200_000, DAY_MS - 1]
const TEXTS = ["a", "", null]

const columns = { n: "LONG", s: "STRING" }
const extraColumns = { ...columns, extra: "STRING" }

export function rowOf(day: number, [slot, n, s]: RowSeed, extra: boolean): InputRow {
  return {
    __time: BigInt(FIRST_DAY + day * DAY_MS + SLOTS_MS[slot]!),
    n: BigInt(n),
    s: TEXTS[s]!,
    ...(extra ? { extra: `x${n}` } : {}),
  }
}

/** Where a day begins, ms since 1970. */
export function startOf(day: number): bigint {
  return BigInt(FIRST_DAY + day * DAY_MS)
}

/** Whole days; `days` is cut at the last one. */
export function spanOf(day: number, days: number): { start: bigint; end: bigint } {
  const last = Math.min(DAYS, day + days)
  return { start: BigInt(FIRST_DAY + day * DAY_MS), end: BigInt(FIRST_DAY + last * DAY_MS) }
}

/** The span grown to whole months: what compaction into months touches. */
function monthsOf(span: { start: bigint; end: bigint }) {
  const from = new Date(Number(span.start))
  const to = new Date(Number(span.end) - 1)
  return {
    start: BigInt(Date.UTC(from.getUTCFullYear(), from.getUTCMonth())),
    end: BigInt(Date.UTC(to.getUTCFullYear(), to.getUTCMonth() + 1)),
  }
}

export interface ChangeOptions {
  readonly rollup: boolean
}

/** Applies one change to the world; what makes no sense now (nothing there to drop) does nothing. */
export function applyChange(world: World, name: string, change: Change, options: ChangeOptions): void {
  const exists = world.datasource(name) !== undefined
  if (change.op === "lag") {
    world.reportRows(!change.on)
    // The broker learns the columns of a segment together with its number of rows.
    for (const ds of world.datasources)
      if (!change.on || ds.schema().length > 0) world.holdSchema(ds.name, change.on)
    return
  }
  if (change.op === "append") {
    const rows = change.rows.map((row) => rowOf(change.day, row, change.extra))
    world.append(name, rows, {
      columns: change.extra ? extraColumns : columns,
      partitions: change.partitions,
      loaded: change.loaded,
    })
    return
  }
  if (change.op === "stream") {
    const rows = change.rows.map((row) => rowOf(change.day, row, change.extra))
    const rollup = options.rollup ? { rollup: { metrics: ["n"] } } : {}
    world.stream(name, rows, {
      granularity: "DAY",
      columns: change.extra ? extraColumns : columns,
      ...rollup,
    })
    return
  }
  if (!exists) return
  switch (change.op) {
    case "overwrite": {
      const span = spanOf(change.day, change.days)
      const last = Number((span.end - span.start) / BigInt(DAY_MS))
      const rows = change.rows.map((row, n) => rowOf(change.day + (n % last), row, change.extra))
      freed(world, name, span)
      world.overwrite(name, span, rows, {
        granularity: "DAY",
        dropExisting: change.dropExisting,
        columns: change.extra ? extraColumns : columns,
        loaded: change.loaded,
      })
      return
    }
    case "restate": {
      const span = spanOf(change.day, 1)
      const held = world.rows(name).filter((row) => within(span, row.__time as bigint))
      if (held.length === 0) return
      freed(world, name, span)
      world.overwrite(
        name,
        span,
        held.map((row) => ({
          ...row,
          __time: row.__time as bigint,
          n: ((row.n as bigint | null) ?? 0n) + 10n,
        })),
        { granularity: "DAY", columns: "extra" in held[0]! ? extraColumns : columns },
      )
      return
    }
    case "compact": {
      const span = spanOf(change.day, change.days)
      freed(world, name, change.to === "MONTH" ? monthsOf(span) : span)
      world.compact(name, span, change.to, {
        dropExisting: change.dropExisting,
        partitions: change.partitions,
        loaded: change.loaded,
      })
      return
    }
    case "drop": {
      // A MONTH is dropped with its last day: otherwise months would never go.
      const days = spanOf(change.day, change.days)
      const span = change.days === 3 ? monthsOf(days) : days
      // Otherwise a stream's partition is left without the core partitions that it belongs to.
      freed(world, name, span)
      world.markUnused(name, span, { stillServed: change.stillServed })
      return
    }
    case "recreate":
      world.deleteDatasource(name)
      world.append(
        name,
        change.rows.map((row) => rowOf(change.day, row, false)),
        { columns },
      )
      return
    case "unserve":
      world.setAvailable(name, picked(change.pick), false)
      return
    case "serve":
      world.unloadUnused(name)
      world.setAvailable(name, undefined, true)
      return
    case "cool":
      world.setCold(name, picked(change.pick), true)
      return
    case "warm":
      world.setCold(name, undefined, false)
      return
    case "publish":
      world.publish(name)
      return
    case "handOff":
      world.handOff(name)
      return
    case "purge":
      world.purgeOvershadowed(name)
      return
  }
}

/** Some published segments, another some for each number; 0: all. */
function picked(pick: number): Selector {
  return (segment) => {
    if (!segment.published) return false
    const number = Number(segment.interval.start / BigInt(DAY_MS)) + segment.partition * 2
    return pick === 0 || number % 3 === pick % 3
  }
}

/** Batch tasks wait for streams: these are handed off first. */
function freed(world: World, name: string, span: Span): void {
  if (world.hasOpenStream(name, span)) world.handOff(name)
}

function within(span: { start: bigint; end: bigint }, time: bigint): boolean {
  return span.start <= time && time < span.end
}
