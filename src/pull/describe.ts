/** Plans and changes in words, for people; the same words in `plan`, in warnings and in history. */
import { type Chunk, COUNTED, type Interval, type Part, type Reason, type Slice } from "../base/domain.ts"
import { intervalText, sameInterval } from "../base/intervals.ts"
import { formatDruidTime } from "../base/time.ts"
import { type Fewer, LOOKBACK } from "../plan/fallback.ts"
import type { SchemaChange } from "../store/rows/drift.ts"
import { ROW_HASH_NAME } from "../store/rows/row-hash.ts"
import type { Broken } from "./broken.ts"
import type { Range } from "./document.ts"
import type { Judged } from "./judge.ts"
import { type Doubt, promiseOf } from "./prepare/measure.ts"

/** Why a stretch is fetched. */
export function describeReason(reason: Reason): string {
  switch (reason.kind) {
    case "new":
      return "new"
    case "resume":
      return "left over from an interrupted run"
    case "added":
      return "rows were added"
    case "replaced":
      if (reason.version === LOOKBACK) return "within the lookback: a re-statement could not be seen"
      if (reason.version.startsWith(COUNTED))
        return `Druid counts ${reason.version.slice(COUNTED.length)} rows now`
      return `replaced by version ${reason.version}`
    case "settings":
      return reason.what === undefined
        ? "the settings of the datasource changed"
        : `the config changed: ${reason.what.join(", ")}`
    case "full":
      return "full refresh"
    case "realtime":
      return "realtime: rows may still come"
    case "settled":
      return "handed off since it was fetched"
    case "unproven":
      return "could not be proven before"
  }
}

export function describeChange(change: SchemaChange): string {
  if (change.kind === "renamed") return `the table is renamed from "${change.from}" to "${change.to}"`
  const { duckdbType } = change.column
  const name = change.column.name === ROW_HASH_NAME ? change.column.target : change.column.name
  if (change.kind === "added") return `column "${name}" is new (${duckdbType})`
  if (change.kind === "vanished") {
    const why = change.why === "config" ? "is now excluded by the config" : "is gone from Druid"
    return `column "${name}" ${why}; it stays here and is NULL in new rows`
  }
  return `column "${name}" became ${duckdbType} (was ${change.from.duckdbType})`
}

/** What a pattern matched, and Druid lists no more. @param rows that the file has of it */
export function describeGone(rows: number): string {
  return `Druid lists it no more: deleted, forbidden, or loaded nowhere; ${rows === 1 ? "the row" : `the ${rows} rows`} pulled before ${rows === 1 ? "is" : "are"} kept`
}

/** What `--since` and `--until` leave; undefined if they leave everything. */
export function rangeOf(limits: {
  readonly sinceMs: bigint | undefined
  readonly untilMs: bigint | undefined
}): Range | undefined {
  const { sinceMs, untilMs } = limits
  if (sinceMs === undefined && untilMs === undefined) return undefined
  const text = (ms: bigint | undefined) => (ms === undefined ? null : formatDruidTime(ms))
  return { since: text(sinceMs), until: text(untilMs) }
}

/** What this way of looking at a datasource cannot see. Each is said once per run, and kept in `_sync_state`. */
export function caveatsOf({ settings, counts }: Pick<Judged, "settings" | "counts">): string[] {
  return [
    ...(settings.rows === "visible" ? [VISIBLE_ROWS] : []),
    ...(counts === undefined ? [] : [describeCounting(settings.lookbackMs)]),
  ]
}

const VISIBLE_ROWS =
  'rows are those that this user may see ("rows": "visible"), proven by counts alone' +
  ": a server that does not serve all of its segments looks like a row policy"

function describeCounting(lookbackMs: number): string {
  const days = Math.ceil(lookbackMs / 86_400_000)
  const newest =
    days === 1 ? "the newest day with rows, which is" : `the newest ${days} days with rows, which are`
  const exception = days === 0 ? "" : `, except in ${newest} always fetched again ("lookback")`
  return (
    "Druid does not show sys.segments, so days are compared by their number of rows: a re-statement with as many rows" +
    ` as before cannot be seen${exception}`
  )
}

/** Why a day with fewer rows than before is left as it is. */
export function describeRefused({ held, now }: Fewer): string {
  return (
    `Druid counts ${now} rows, ${held} were copied: without sys.segments a server that is away looks like this too;` +
    " the copy was left as it is, --full takes Druid's word"
  )
}

/** Why a day lost rows. */
export function describeTaken({ chunk, held, now }: Fewer): string {
  return `${intervalText(chunk.interval)}: Druid counts ${now} rows, ${held} were copied; taken as it is, within the lookback`
}

/** Checkpoints of which another program took rows, or to which it added some. At least one. */
export function describeChanged(parts: readonly Part[]): string {
  const [first] = parts
  const where = parts.length === 1 ? "" : ` and ${parts.length - 1} more`
  return `another program changed the number of rows in ${intervalText(first!.interval)}${where}: fetched again where Druid still has them`
}

/** Why a chunk cannot be copied now. */
export function describeUnavailable(chunk: Chunk): string {
  if (chunk.answeredBy !== undefined) {
    return `servers answer with version ${chunk.answeredBy} in this interval, which is not among Druid's used segments: dropped or published a moment ago`
  }
  const missing = chunk.segments.filter((segment) => !segment.isAvailable).length
  return `${missing} of ${chunk.segments.length} segments in this interval are published but served by no historical now`
}

/** Why Druid answers nothing of a chunk that it lists. */
export function describeBroken({ missing, partitions }: Broken): string {
  const [first] = missing
  const which =
    missing.length === 1
      ? `partition ${first} of ${partitions} is`
      : `partitions ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ", …" : ""} of ${partitions} are`
  return `${which} not among the used segments, so Druid answers none of its rows; what was copied before is kept, waiting does not help`
}

/** Where it is, and why; of several, the first. @param stretches at least one */
export function describeStretches(stretches: readonly { interval: Interval; reason: string }[]): string {
  const [{ interval, reason }, ...more] = stretches as [(typeof stretches)[number], ...typeof stretches]
  return `${intervalText(interval)}${more.length === 0 ? "" : ` and ${more.length} more`}: ${reason}`
}

/** Fewer rows than promised: nothing tells a hole from a policy. */
const OR_POLICY =
  ', or a row policy hides some from this user: then "rows": "visible" copies those that the user may see'

/** Why what arrived of a slice is not believed. @param loaded rows per work */
export function describeMismatch(slice: Slice, loaded: readonly number[], message: string): string {
  const isShort = slice.works.some(
    ({ chunk, interval }, n) =>
      sameInterval(interval, chunk.interval) && loaded[n]! < (promiseOf(chunk) ?? 0),
  )
  return isShort ? `${message}; some server may not serve all of it${OR_POLICY}` : message
}

/** Why a chunk is left alone. */
export function describeDoubt({ counted, promised }: Doubt): string {
  if (promised === undefined)
    return "Druid's own counts of it contradict one another, or its segments changed while they were counted"
  const policy = counted < promised ? OR_POLICY : ""
  return `Druid counts ${counted} rows, its segment metadata promises ${promised}; some server may not serve all of it${policy}`
}
