/** What metadata alone says about one datasource: pure, no request is sent. */

import { bucketsAround } from "../base/buckets.ts"
import type { Chunk, Interval, Part, Work } from "../base/domain.ts"
import { anyOverlap, overlaps, subtract } from "../base/intervals.ts"
import type { Differing, Holding } from "../base/segments-look.ts"
import { shareOf } from "../base/shard.ts"
import { MAX_TIME, MIN_TIME } from "../base/time.ts"
import type { DatasourceSettings } from "../config/settings.ts"
import { changedSettings, settingsDigest } from "../config/settings-digest.ts"
import type { Inventory } from "../druid/catalog.ts"
import { outgrown, wholeBuckets } from "../plan/buckets.ts"
import { chunksOf } from "../plan/chunks.ts"
import { type Diff, diff } from "../plan/diff.ts"
import { type CountedWorks, forgetting, judgeCounts, newestDays } from "../plan/fallback.ts"
import { copiedFrom, type MovingWindow, movingWindow, windowOfKeep } from "../plan/window.ts"
import type { PresentState } from "../store/notes/present.ts"
import { type FileState, type HeldState, ownOf, partsIn } from "../store/notes/state.ts"
import type { Unlisted } from "../store/notes/unlisted.ts"
import type { Broken } from "./broken.ts"
import type { PullRequest } from "./ports.ts"
import { chunksFor, copiedUntil, makeableChunks } from "./source.ts"

/** What a round is planned from: what Druid has, what the file holds, and what of it differs. */
export interface Look {
  readonly inventory: Inventory
  readonly state: FileState & Partial<Pick<PresentState, "changed">>
  /** by table of the configuration */
  readonly differing: ReadonlyMap<string, Differing>
}

/** One datasource of a look. */
export interface Subject {
  readonly settings: DatasourceSettings
  readonly inventory: Inventory
  /** what the file holds of it; undefined before its first commit */
  readonly held: HeldState | undefined
  /** checkpoints whose rows another program changed: they count as not held */
  readonly changed?: readonly Part[] | undefined
  /** by the file: columns that Druid's SQL did not show, though segments hold them */
  readonly unlisted: Unlisted
}

/** What the file holds of a table of the configuration, under whatever name. */
export function heldOf({ held }: FileState, settings: DatasourceSettings): HeldState | undefined {
  return ownOf(held.values(), { ...settings, datasource: settings.name })
}

/** A datasource with what somebody has to decide about. */
export interface Differs extends Subject, Differing {
  /** chunks of which Druid answers nothing, though it lists them (`withBroken`) */
  readonly broken?: readonly Broken[]
}

/** What Druid and the file say of themselves, not yet held against each other. */
export type Seen = Omit<Look, "differing">

export function subjectOf(settings: DatasourceSettings, { inventory, state }: Seen): Subject {
  const held = heldOf(state, settings)
  const table = held?.table ?? settings.table
  return {
    settings,
    inventory,
    held,
    changed: state.changed?.get(table),
    unlisted: state.unlisted.get(table) ?? new Map(),
  }
}

export function differsOf(settings: DatasourceSettings, look: Look): Differs {
  return { ...subjectOf(settings, look), ...look.differing.get(settings.table)! }
}

type Asked = Pick<PullRequest, "full" | "sinceMs" | "untilMs">

/** What the segments of a datasource are held against, for one table. */
export function holdingOf(
  settings: DatasourceSettings,
  { inventory, state }: Seen,
  request: Asked,
  nowMs: number,
): Holding {
  const held = heldOf(state, settings)
  // Buckets of an aggregate are made of several chunks.
  const isPlain = settings.aggregate === undefined
  const isExact = inventory.basis === "segments" && !request.full && isPlain
  const since = isPlain ? copiedFrom(settings, request.sinceMs, nowMs) : undefined
  const lost = state.changed?.get(held?.table ?? settings.table) ?? []
  return {
    datasource: settings.name,
    table: held === undefined || partsIn(held) === 0 ? undefined : held.table,
    settings: isExact ? settingsDigest(settings) : undefined,
    isPartial: settings.filter !== undefined || settings.rows === "visible",
    range: { start: since ?? MIN_TIME, end: (isPlain ? request.untilMs : undefined) ?? MAX_TIME },
    keep: windowOfKeep(settings.keepMs, nowMs),
    shard: settings.shard,
    lost: lost.map((part) => part.interval.start),
  }
}

export interface Judged extends Differs {
  /** what this run is about; what lies outside stays as it is, or leaves with the window */
  readonly range: Interval
  /** those that this run is about; no part of the diff */
  readonly broken: readonly Broken[]
  readonly chunks: readonly Chunk[]
  readonly diff: Diff
  /** undefined if everything is kept */
  readonly window: MovingWindow | undefined
  /** set where Druid refuses `sys.segments` and days were counted instead */
  readonly counts: Pick<CountedWorks, "refused" | "taken"> | undefined
}

/** A pattern matched it, and Druid lists nothing of it any more: it is no mistake, and what is held stays as it is. */
export function isGone({ settings, diff }: Pick<Judged, "settings" | "diff">): boolean {
  return diff.nothingActive && settings.isMatched === true
}

/**
 * @param nowMs for the lookback, which days after now are no part of, and for the window of `keep`
 * @param committed what this run has committed already: with `full`, all else counts as not held
 * @param addedAlone so many rows of segments that were added to a chunk can be fetched alone (`mostAdded`)
 */
export function judge(
  subject: Differs,
  request: Asked,
  committed: readonly Interval[],
  nowMs: number,
  addedAlone = 0,
): Judged {
  const { settings, inventory, held } = subject
  const every = settings.aggregate?.every
  const { segments } = subject
  const listed = makeableChunks(settings, segments, subject.parts)
  const since = copiedFrom(settings, request.sinceMs, nowMs)
  const until = copiedUntil(settings, request.untilMs)
  const range = { start: since ?? MIN_TIME, end: until ?? MAX_TIME }
  const broken = (subject.broken ?? [])
    .map((one) => ({
      ...one,
      interval: every === undefined ? one.interval : bucketsAround(every, one.interval),
    }))
    .filter((one) => overlaps(one.interval, range))
  const isBroken = anyOverlap(broken.map((one) => one.interval))
  const chunks = broken.length === 0 ? listed : listed.filter((chunk) => !isBroken(chunk.interval))
  const byCounts = inventory.basis === "counts"
  const newest = byCounts
    ? newestOf(chunks, chunksOf(segments, settings.rows), settings.lookbackMs, nowMs)
    : []
  const parts = forgetting(subject.parts, newest, committed)
  const units = chunksFor(settings, segments)
  const options = {
    settings: settingsDigest(settings),
    realtime: settings.realtime,
    filtered: settings.filter !== undefined,
    share: shareOf(settings.shard, settings.name),
    since,
    until,
    addedAlone: settings.aggregate === undefined ? addedAlone : 0,
    lost: subject.changed ?? [],
    isListed: units.length > 0,
  }
  const all = diff(chunks, parts, options)
  const nothingActive = !inventory.segments.lists(settings.name)
  const old = outgrown(units, subject.parts, all.gone, options.settings)
  // What is held of a broken chunk is not gone: Druid has it, and cannot answer.
  const gone = all.gone.flatMap((interval) =>
    subtract(interval, [...broken.map((one) => one.interval), ...old]),
  )
  const unchanged = all.unchanged + subject.unchanged
  const foreign = [...all.foreign, ...old]
  const found = { ...all, gone, foreign, nothingActive, unchanged }
  const known = [...subject.parts, ...(subject.changed ?? [])]
  const window = movingWindow(settings.keepMs, nowMs, listed, known, every)
  const base = { ...subject, range, broken, chunks: listed, window }
  if (!request.full) {
    const isFiltered = settings.filter !== undefined
    const counts = byCounts ? judgeCounts(found.works, subject.parts, newest, isFiltered) : undefined
    const works = named(wholeBuckets(counts?.works ?? found.works, every), settings, held)
    return { ...base, diff: { ...found, works }, counts }
  }
  const isFresh = anyOverlap(committed)
  const fresh = parts.filter((part) => isFresh(part.interval))
  const again = diff(chunks, fresh, options)
  const works = wholeBuckets(again.works, every).map(
    (work): Work => (work.reason.kind === "new" ? { ...work, reason: { kind: "full" } } : work),
  )
  const counts = byCounts ? { refused: [], taken: [] } : undefined
  return { ...base, diff: { ...again, works, gone, foreign, nothingActive }, counts }
}

/** Chunks of the newest days: an aggregate's may be of several days. */
function newestOf(
  chunks: readonly Chunk[],
  days: readonly Chunk[],
  lookbackMs: number,
  nowMs: number,
): readonly Chunk[] {
  const isNewest = anyOverlap(newestDays(days, lookbackMs, nowMs).map((day) => day.interval))
  return chunks.filter(({ interval }) => isNewest(interval))
}

/** Says which settings changed, where rows have to come again for that. */
function named(
  works: readonly Work[],
  settings: DatasourceSettings,
  held: HeldState | undefined,
): readonly Work[] {
  const what = held === undefined ? [] : changedSettings(held.settings, settings)
  if (what.length === 0) return works
  return works.map((work) =>
    work.reason.kind === "settings" ? { ...work, reason: { kind: "settings", what } } : work,
  )
}
