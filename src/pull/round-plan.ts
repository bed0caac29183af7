/** The plan of a round: what each datasource needs now, what has to wait, and what is said of it. */

import type { Chunk, Interval, Work } from "../base/domain.ts"
import { concernsOneDatasource, DruidsyncError, ExitCode } from "../base/errors.ts"
import { anyOverlap, overlaps } from "../base/intervals.ts"
import { labelOf } from "../config/table-name.ts"
import { conditionOf } from "../plan/chunks.ts"
import { isCounted } from "../plan/fallback.ts"
import {
  caveatsOf,
  describeBroken,
  describeChange,
  describeDoubt,
  describeGone,
  describeRefused,
  describeStretches,
  describeTaken,
  describeUnavailable,
} from "./describe.ts"
import { differsOf, isGone, type Judged, judge, type Look } from "./judge.ts"
import { mostAdded } from "./pipeline/past-broker.ts"
import type { Doubt } from "./prepare/measure.ts"
import { prepare } from "./prepare/prepare.ts"
import { noteOutOfTime, type Progress, type Run } from "./progress.ts"
import { goneAway, nothingActive, refuseForeignTable } from "./refusals.ts"
import { sideBySide } from "./side-by-side.ts"
import { withBroken } from "./unanswered.ts"
import { type Kept, NO_UPKEEP, upkeepOf } from "./upkeep.ts"

/** One datasource's share of a round. */
export interface Planned extends Kept {
  /** waiting may help: segments are being loaded, or their rows are not counted yet */
  readonly mayImprove: boolean
}

/**
 * Plans every datasource that has not failed, several side by side: each takes some questions to Druid.
 * @param run with ports whose signal is aborted, too, when the time is over
 * @param isLastCall what Druid has not counted yet is not waited for any longer
 * @throws DruidsyncError what stops the whole run; what concerns one datasource is in its progress
 */
export async function planAll(run: Run, look: Look, isLastCall: boolean): Promise<Planned[]> {
  const { ports, request, progress } = run
  const due = progress.filter((one) => one.error === undefined)
  for (const one of due) one.incomplete = []
  const plans = await sideBySide(due, request.pull.concurrency, ports.signal, (one, signal) =>
    planned({ ...run, ports: { ...ports, signal } }, one, look, isLastCall),
  )
  return plans.filter((plan) => plan !== undefined)
}

/** @returns undefined where it failed, or the time is over: that is in its progress then */
async function planned(
  run: Run,
  one: Progress,
  look: Look,
  isLastCall: boolean,
): Promise<Planned | undefined> {
  const { ports, request } = run
  if (request.limit?.isOver() === true) {
    noteOutOfTime(one)
    return undefined
  }
  const subject = await withBroken(ports, differsOf(one.settings, look))
  const addedAlone = one.fetchesWhole ? 0 : mostAdded(ports, request)
  const judged = judge(subject, request, one.committed, ports.clock.nowMs(), addedAlone)
  one.unavailable = judged.diff.unavailable.map((chunk) => chunk.interval)
  one.cold = judged.diff.cold.map((chunk) => chunk.interval)
  one.broken = judged.broken.map((broken) => {
    const stretch = { interval: broken.interval, reason: describeBroken(broken) }
    warnOnce(run, one, one.warnings, describeStretches([stretch]))
    return stretch
  })
  try {
    refuseForeignTable(ports.file.path, one.settings, look.state)
    return await planOne(run, one, judged, isLastCall)
  } catch (error) {
    if (request.limit?.isOver() === true && request.limit.over.aborted) {
      noteOutOfTime(one)
      return undefined
    }
    ports.signal.throwIfAborted()
    if (!concernsOneDatasource(error)) throw error
    if (judged.diff.nothingActive) one.error = error
    else noteFailure(one, error)
    if (one.error !== undefined) return undefined
    return { progress: one, prepared: undefined, upkeep: NO_UPKEEP, mayImprove: true }
  }
}

/** What may pass by itself leaves the datasource incomplete; all else is an error of it. */
export function noteFailure(one: Progress, error: DruidsyncError): void {
  const reason = goneAway(error) ?? (error.exitCode === ExitCode.incomplete ? error.message : undefined)
  if (reason === undefined) one.error = error
  else one.incomplete.push({ interval: undefined, reason })
}

async function planOne(run: Run, one: Progress, judged: Judged, isLastCall: boolean): Promise<Planned> {
  const { ports } = run
  const { settings } = one
  const { diff, held } = judged
  if (isGone(judged)) {
    noteCaveats(run, one, [describeGone(held?.rows ?? 0)])
    one.isGone = true
    return { progress: one, prepared: undefined, upkeep: NO_UPKEEP, mayImprove: false }
  }
  if (diff.nothingActive) throw await nothingActive(ports, settings, held)
  if (judged.counts !== undefined) noteCounting(run, one, judged, judged.counts)
  const caveats = caveatsOf(judged)
  noteCaveats(run, one, caveats)
  const { now, later } = dueNow(one, diff.works, isLastCall)
  const due = { ...judged, diff: { ...diff, recounts: recountsDue(one, judged) } }
  const prepared = await prepare(run, due, now, one)
  noteIncomplete(one, diff.unavailable, later)
  noteDoubts(one, prepared.doubtful)
  for (const part of judged.parts) {
    if (part.state === "unproven" && overlaps(part.interval, judged.range)) {
      const reason = "Druid has not counted its rows yet; the next pull proves or fetches them"
      one.incomplete.push({ interval: part.interval, reason })
    }
  }
  for (const change of prepared.changes) warnOnce(run, one, one.schemaChanges, describeChange(change))
  for (const message of prepared.warnings) warnOnce(run, one, one.warnings, message)
  const mayImprove =
    diff.unavailable.length + prepared.doubtful.length + (judged.counts?.refused.length ?? 0) > 0 ||
    (!isLastCall && diff.works.some((work) => work.state === "unproven"))
  const upkeep = await upkeepOf(ports, judged, prepared)
  if (upkeep.doubt !== undefined) noteCaveats(run, one, [...caveats, upkeep.doubt])
  return { progress: one, prepared, upkeep, mayImprove }
}

/** Which works a round is to do, and which are left for a later one. */
function dueNow(one: Progress, works: readonly Work[], isLastCall: boolean) {
  const isCommitted = anyOverlap(one.committed)
  const now: Work[] = []
  const later: Work[] = []
  for (const work of works) {
    // Rows that still come were taken once in this run; the next run takes them again.
    const isTaken = work.state === "provisional" && isCommitted(work.interval)
    const isEarly = work.state === "unproven" && !isLastCall
    if (isTaken || isEarly) later.push(work)
    else now.push(work)
  }
  return { now, later }
}

/** A realtime chunk is counted once in a run: its rows come and come. */
function recountsDue(one: Progress, { diff }: Judged) {
  const isLive = (chunk: Chunk) => conditionOf(chunk) === "realtime"
  const due = diff.recounts.filter(({ chunk }) => !isLive(chunk) || !one.recounted.has(chunk.interval.start))
  for (const { chunk } of due) if (isLive(chunk)) one.recounted.add(chunk.interval.start)
  return due
}

/** Says what this way of looking cannot see, and keeps it for the file's history. */
function noteCaveats(run: Run, one: Progress, caveats: readonly string[]): void {
  one.caveats = caveats
  for (const caveat of caveats) warnOnce(run, one, one.warnings, caveat)
}

function warnOnce({ ports }: Run, one: Progress, said: Set<string>, message: string): void {
  if (!said.has(message)) ports.emit({ type: "warning", ...labelOf(one.settings), message })
  said.add(message)
}

/**
 * Days are counted instead of segments seen: notes those that lost rows.
 * @throws DruidsyncError `forbidden` if the copy was made from segments: a permission that was lost is no reason to
 * fetch everything again
 */
function noteCounting(
  run: Run,
  one: Progress,
  { parts }: Judged,
  counts: NonNullable<Judged["counts"]>,
): void {
  const { settings } = one
  if (!run.request.full && parts.length > 0 && !parts.some((part) => isCounted(part.segments))) {
    throw new DruidsyncError(
      "forbidden",
      `Druid no longer shows sys.segments, from which "${settings.name}" was copied; the copy was left as it is`,
      {
        hint: "give the user READ permission on it again, or go on by counting rows with --full",
      },
    )
  }
  for (const fewer of counts.refused)
    one.incomplete.push({ interval: fewer.chunk.interval, reason: describeRefused(fewer) })
  for (const fewer of counts.taken) warnOnce(run, one, one.warnings, describeTaken(fewer))
}

function noteIncomplete(one: Progress, unavailable: readonly Chunk[], later: readonly Work[]): void {
  const note = (interval: Interval, reason: string) => one.incomplete.push({ interval, reason })
  for (const chunk of unavailable) note(chunk.interval, describeUnavailable(chunk))
  for (const work of later) {
    if (work.state === "unproven") note(work.interval, "Druid has not counted its newest segments yet")
  }
}

/** Chunks of which nothing can be said now are not complete. */
export function noteDoubts(one: Progress, doubtful: readonly Doubt[]): void {
  for (const doubt of doubtful)
    one.incomplete.push({ interval: doubt.chunk.interval, reason: describeDoubt(doubt) })
}
