/**
 * Random histories: what happens to a Druid, and the pulls in between. Plain data, so that a failure can be printed,
 * shrunk and played again; `druid-steps.ts` does it to the fake Druid, `test/live/histories.test.ts` to a real one.
 */
import fc from "fast-check"
import type { Every } from "../../src/base/buckets.ts"

/** One row: its place in the day, a number, a text (small indexes, so that equal rows and equal times are common). */
export type RowSeed = readonly [slot: number, n: number, s: number]

/** Something that happens in Druid. Days count from 2024-01-29, so that days 0–2 and 3–4 lie in different months. */
export type Change =
  | {
      readonly op: "append"
      readonly day: number
      readonly rows: readonly RowSeed[]
      readonly partitions: number
      readonly loaded: boolean
      /** the rows have a column that was not there before */
      readonly extra: boolean
    }
  | {
      readonly op: "overwrite"
      readonly day: number
      readonly days: number
      readonly rows: readonly RowSeed[]
      readonly dropExisting: boolean
      readonly loaded: boolean
      readonly extra: boolean
    }
  /** the same number of rows at the same times, with other values */
  | { readonly op: "restate"; readonly day: number }
  | {
      readonly op: "compact"
      readonly day: number
      readonly days: number
      readonly to: "HOUR" | "DAY" | "MONTH"
      readonly dropExisting: boolean
      readonly partitions: number
      readonly loaded: boolean
    }
  | { readonly op: "drop"; readonly day: number; readonly days: number; readonly stillServed: boolean }
  | { readonly op: "recreate"; readonly day: number; readonly rows: readonly RowSeed[] }
  | { readonly op: "unserve"; readonly pick: number }
  | { readonly op: "serve" }
  | { readonly op: "cool"; readonly pick: number }
  | { readonly op: "warm" }
  /** `num_rows` and the broker's schema stay behind */
  | { readonly op: "lag"; readonly on: boolean }
  | {
      readonly op: "stream"
      readonly day: number
      readonly rows: readonly RowSeed[]
      readonly extra: boolean
    }
  | { readonly op: "publish" }
  | { readonly op: "handOff" }
  | { readonly op: "purge" }

/** What goes wrong with a pull, or happens beside it. */
export type Mishap =
  /** Ctrl-C at the n-th event */
  | { readonly kind: "interrupt"; readonly event: number }
  /** the process dies before the n-th statement that it sends to DuckDB; what the disk holds then is what is left */
  | { readonly kind: "crash"; readonly statement: number }
  | { readonly kind: "fault"; readonly request: number; readonly times: number; readonly fault: Fault }
  /** Druid changes before the n-th request is answered */
  | { readonly kind: "change"; readonly request: number; readonly changes: readonly Targeted[] }
  /** Druid changes in the middle of the n-th scan */
  | {
      readonly kind: "scan"
      readonly scan: number
      readonly segment: number
      readonly changes: readonly Targeted[]
    }
  /** Druid changes while the n-th wait lasts */
  | { readonly kind: "wait"; readonly wait: number; readonly changes: readonly Targeted[] }

export const FAULTS = ["500", "504", "429", "400", "403", "html", "destroy", "cut", "close", "deny"] as const
export type Fault = (typeof FAULTS)[number]

/** A change and the datasource it happens to. */
export type Targeted = Change & { readonly ds: number }

export type Step =
  | { readonly do: "change"; readonly changes: readonly Targeted[] }
  | {
      readonly do: "pull"
      readonly mishaps: readonly Mishap[]
      readonly full: boolean
      readonly patient: boolean
    }
  | { readonly do: "configure"; readonly filter: boolean; readonly exclude: boolean }

/** Rows, with a filter where the first table has none, or groups in buckets of this length. */
export type Beside = "rows" | Every

export interface History {
  readonly datasources: number
  readonly deletions: "keep" | "mirror"
  readonly realtime: "include" | "exclude"
  readonly rollup: boolean
  readonly sliceRows: number
  readonly concurrency: number
  /** segments are asked of the data nodes themselves. Default: false */
  readonly direct?: boolean
  /** set: the tables are aggregates with buckets of this length */
  readonly every?: Every | undefined
  /** more tables of the first datasource, which keep everything: rows that the first table's filter leaves out, or groups */
  readonly beside?: readonly Beside[]
  readonly steps: readonly Step[]
  /** where the window of `keep` begins, in days, pull by pull and then again; none: everything is kept */
  readonly windows: readonly number[]
}

/** Days that a history may touch. */
export const DAYS = 5
const SLOTS = 6

const day = fc.nat(DAYS - 1)
const days = fc.integer({ min: 1, max: 3 })
const seed: fc.Arbitrary<RowSeed> = fc.tuple(fc.nat(SLOTS - 1), fc.nat(4), fc.nat(2))
const rows = fc.array(seed, { minLength: 1, maxLength: 7 })
const partitions = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.constant(2) },
)
const usually = fc.oneof(
  { weight: 5, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.constant(false) },
)
const rarely = usually.map((is) => !is)
const pick = fc.nat(5)
const op = <const T extends string>(name: T) => fc.constant(name)

/** What any Druid can be made to do. */
const plainChange: readonly fc.WeightedArbitrary<Change>[] = [
  {
    weight: 8,
    arbitrary: fc.record({ op: op("append"), day, rows, partitions, loaded: usually, extra: rarely }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: op("overwrite"),
      day,
      days,
      rows: fc.array(seed, { maxLength: 7 }),
      dropExisting: rarely,
      loaded: usually,
      extra: rarely,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: op("restate"), day }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: op("compact"),
      day,
      days,
      to: fc.constantFrom("DAY" as const, "MONTH" as const, "MONTH" as const, "HOUR" as const),
      dropExisting: rarely,
      partitions,
      loaded: usually,
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: op("drop"), day, days, stillServed: rarely }) },
  { weight: 1, arbitrary: fc.record({ op: op("recreate"), day, rows }) },
]

const anyChange: fc.Arbitrary<Change> = fc.oneof(
  ...plainChange,
  { weight: 2, arbitrary: fc.record({ op: op("unserve"), pick }) },
  { weight: 2, arbitrary: fc.record({ op: op("serve") }) },
  { weight: 1, arbitrary: fc.record({ op: op("cool"), pick }) },
  { weight: 1, arbitrary: fc.record({ op: op("warm") }) },
  { weight: 2, arbitrary: fc.record({ op: op("lag"), on: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ op: op("stream"), day, rows, extra: rarely }) },
  { weight: 1, arbitrary: fc.record({ op: op("publish") }) },
  { weight: 2, arbitrary: fc.record({ op: op("handOff") }) },
  { weight: 1, arbitrary: fc.record({ op: op("purge") }) },
)

const ds = fc.nat(1)
const targeted = (change: fc.Arbitrary<Change>): fc.Arbitrary<Targeted> =>
  fc.tuple(change, ds).map(([one, of]) => ({ ...one, ds: of }))
const changes = (max: number) => fc.array(targeted(anyChange), { minLength: 1, maxLength: max })
const nth = (max: number) => fc.integer({ min: 1, max })

const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: op("interrupt"), event: nth(25) }) },
  { weight: 4, arbitrary: fc.record({ kind: op("crash"), statement: nth(50) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: op("fault"),
      request: nth(14),
      times: fc.constantFrom(1, 1, 2, 5, 9),
      fault: fc.constantFrom(...FAULTS),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: op("change"), request: nth(14), changes: changes(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: op("scan"), scan: nth(4), segment: fc.nat(2), changes: changes(2) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: op("wait"), wait: nth(3), changes: changes(2) }) },
)

const pullStep: fc.Arbitrary<Step> = fc.record({
  do: op("pull"),
  mishaps: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(mishap, { minLength: 1, maxLength: 2 }) },
  ),
  full: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  patient: rarely,
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ do: op("change"), changes: changes(4) }) },
  { weight: 6, arbitrary: pullStep },
  { weight: 1, arbitrary: fc.record({ do: op("configure"), filter: fc.boolean(), exclude: fc.boolean() }) },
)

/** Something to copy, and perhaps more. */
const first: fc.Arbitrary<Step> = fc
  .tuple(
    fc.array(
      fc.record({ op: op("append"), day, rows, partitions, loaded: fc.constant(true), extra: rarely, ds }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    fc.array(targeted(anyChange), { maxLength: 3 }),
  )
  .map(([appends, others]): Step => ({ do: "change", changes: [...appends, ...others] }))

const anEvery = fc.constantFrom("hour" as const, "day" as const, "week" as const, "month" as const)

const any: fc.Arbitrary<History> = fc.record({
  datasources: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(2) }),
  deletions: fc.constantFrom("keep" as const, "mirror" as const),
  realtime: fc.constantFrom("include" as const, "include" as const, "exclude" as const),
  rollup: fc.boolean(),
  sliceRows: fc.constantFrom(1, 2, 3, 5, 8, 1000),
  concurrency: fc.integer({ min: 1, max: 3 }),
  direct: fc.boolean(),
  steps: fc
    .tuple(first, fc.array(step, { minLength: 1, maxLength: 6 }))
    .map(([start, rest]): readonly Step[] => [start, ...rest]),
  windows: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    // Mostly it moves on; it may begin after every row, and become longer again.
    { weight: 2, arbitrary: fc.array(fc.nat(DAYS), { minLength: 1, maxLength: 4 }) },
  ),
  every: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anEvery }),
  beside: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(fc.oneof(fc.constant("rows" as const), anEvery), {
        minLength: 1,
        maxLength: 2,
      }),
    },
  ),
})

/** Histories for the fake Druid, with everything that can go wrong. The windows of the model are of days, not of buckets. */
export const histories = any.map((one): History => (one.every === undefined ? one : { ...one, windows: [] }))

/** Changes that a real Druid can be made to do by tasks and its coordinator, in the order given. */
export const plainChanges: fc.Arbitrary<Change> = fc.oneof(...plainChange)
