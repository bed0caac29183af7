/**
 * The loop: look, plan, fetch, prove, commit; then look again, until nothing is left that Druid can give now. Each round
 * starts from what the file says and what the last look saw; nothing is remembered that a crash could lose.
 */

import type { Chunk, Interval, Work } from "../base/domain.ts"
import { concernsOneDatasource, DruidsyncError, ExitCode, messageOf } from "../base/errors.ts"
import { anyOverlap, sameInterval } from "../base/intervals.ts"
import { fold } from "../base/names.ts"
import type { DatasourceSettings } from "../config/settings.ts"
import type { Inventory } from "../druid/catalog.ts"
import { conditionOf } from "../plan/chunks.ts"
import { isCounted } from "../plan/fallback.ts"
import { recordRun } from "../store/notes/history.ts"
import { type DatasourceState, EMPTY_STATE, type FileState, readState } from "../store/notes/state.ts"
import { commit, type DatasourceCommit } from "../store/rows/commit.ts"
import { emptyCommit } from "./commits.ts"
import {
  DOUBTFUL,
  describeChange,
  describeCounting,
  describeRefused,
  describeTaken,
  describeUnavailable,
} from "./describe.ts"
import type { PullReport } from "./document.ts"
import { type Judged, judge } from "./judge.ts"
import { execute } from "./pipeline/execute.ts"
import { InFlight } from "./pipeline/in-flight.ts"
import type { Ports, PullRequest } from "./ports.ts"
import { needsEmptyTable, type Prepared, prepare } from "./prepare/prepare.ts"
import { newProgress, outcomeOf, type Progress, reportOf, type Stretch } from "./progress.ts"
import { publishAfter } from "./publish.ts"
import { ask, retrying } from "./retry.ts"
import { refuseOtherShard } from "./shard.ts"
import { OUT_OF_TIME } from "./time-limit.ts"
import { nothingActive } from "./unlisted.ts"

/** Rounds that found work; a stream of changes in Druid must not keep a run alive for ever. */
const MAX_ROUNDS = 6
/** Pause between looks while segments are being loaded or counted. */
const SETTLE_POLL_MS = 1_000

/**
 * Pulls every datasource of the request.
 * @returns the report; its `exitCode` says how it went. Errors that concern one datasource are in its report.
 * @throws DruidsyncError where nothing at all can be done (no connection, no file, locked)
 */
export async function pull(ports: Ports, request: PullRequest): Promise<PullReport> {
  const startedMs = ports.clock.nowMs()
  const progress = request.datasources.map(newProgress)
  let interrupted = false
  try {
    await rounds(ports, request, progress)
  } catch (error) {
    // Wrong usage is no run: the file is left as it is, history included.
    if (error instanceof DruidsyncError && error.code === "usage") throw error
    const outOfTime = ports.signal.aborted && ports.signal.reason === request.limit?.cut.reason
    if (outOfTime) for (const one of progress) noteOutOfTime(one)
    interrupted = ports.signal.aborted && !outOfTime
    const concerns = error instanceof DruidsyncError ? error : new DruidsyncError("bug", messageOf(error))
    for (const one of progress) one.error ??= ports.signal.aborted ? undefined : concerns
    // What was learnt is written down even so; if that fails too, the first error is the news. A file that was waited
    // for in vain is not waited for again.
    if (!ports.signal.aborted) {
      if (concerns.code !== "locked")
        await record(ports, request, progress, startedMs, false).catch(() => undefined)
      throw error
    }
  }
  const state = await record(ports, request, progress, startedMs, interrupted)
  request.limit?.stop()
  const published = await publishAfter(ports, request, interrupted)
  const report = reportOf(ports, request, progress, state, startedMs, interrupted, published)
  ports.emit({ type: "finished", report })
  return report
}

/** One datasource's share of a round. */
interface RoundPlan {
  readonly prepared: Prepared | undefined
  readonly upkeep: Pick<DatasourceCommit, "refreshed" | "keep" | "remove">
  /** the config gives its table another name than the file has, or it gets a table without a row */
  readonly reshapes: boolean
  /** waiting may help: segments are being loaded, or their rows are not counted yet */
  readonly mayImprove: boolean
}

/** The plan of a datasource that cannot be looked into for the moment. */
const NOTHING_NOW: RoundPlan = {
  prepared: undefined,
  upkeep: { refreshed: [], keep: [], remove: [] },
  reshapes: false,
  mayImprove: true,
}

function hasUpkeep({ upkeep, reshapes }: RoundPlan): boolean {
  return reshapes || upkeep.refreshed.length + upkeep.keep.length + upkeep.remove.length > 0
}

async function rounds(ports: Ports, request: PullRequest, progress: readonly Progress[]): Promise<void> {
  const { clock, signal } = ports
  const { concurrency, startConcurrency } = request.pull
  const run: Run = {
    numbering: { next: 1 },
    inFlight: new InFlight({ start: startConcurrency, most: concurrency }),
  }
  let seen = await firstLook(ports, request)
  let deadlineMs: number | undefined
  let wasPlanned = false
  for (let round = 1; ; ) {
    if (request.limit?.isOver() === true) {
      // Later, what was left out is noted where it was.
      if (!wasPlanned) for (const one of progress) noteOutOfTime(one)
      return
    }
    const isLastCall = round > MAX_ROUNDS || (deadlineMs !== undefined && clock.nowMs() >= deadlineMs)
    const done = await oneRound(ports, request, progress, run, seen, isLastCall, round)
    wasPlanned = true
    // A round that brought nothing, and after which Druid is the same, would be followed by one like it.
    if (done.progressed) {
      round++
      const state = await readState(ports.engine, ports.file, signal)
      const segments = done.look ?? seen.inventory.segments
      seen = { state, inventory: done.changed ? await look(ports) : { ...seen.inventory, segments } }
      continue
    }
    if (isLastCall || !done.mayImprove) return
    deadlineMs ??= clock.nowMs() + Math.min(request.settleWaitMs, request.limit?.leftMs() ?? Infinity)
    ports.emit({ type: "waiting", message: "waiting for Druid to load and count its newest segments" })
    await clock.sleep(Math.max(0, Math.min(SETTLE_POLL_MS, deadlineMs - clock.nowMs())), signal)
    seen = { ...seen, inventory: await look(ports) }
  }
}

/** What a round is planned from. */
interface Seen {
  readonly state: FileState
  readonly inventory: Inventory
}

/** What one run keeps from round to round. */
interface Run {
  /** counts spool files and staging tables */
  readonly numbering: { next: number }
  readonly inFlight: InFlight
}

/**
 * Plans and does one round; past the last one, plans and does the upkeep alone, and nothing is to be waited for. What was
 * planned is nobody's any more when it returns: the plans of many segments are big.
 */
async function oneRound(
  ports: Ports,
  request: PullRequest,
  progress: readonly Progress[],
  run: Run,
  seen: Seen,
  isLastCall: boolean,
  round: number,
): Promise<RoundResult> {
  const reasons = progress.flatMap((one) => one.incomplete)
  const plans = await planAll(ports, request, progress, seen, isLastCall)
  await doUpkeep(ports, request, plans)
  if (round <= MAX_ROUNDS) return doRound(ports, request, plans, run, round)
  noteLeft(plans, reasons)
  return { progressed: false, changed: false, look: undefined, mayImprove: false }
}

/** What is still to be fetched when the rounds are used up is not complete, whatever kept it. */
function noteLeft(plans: readonly Planned[], reasons: readonly Stretch[]): void {
  for (const { progress, prepared } of plans) {
    for (const slice of prepared?.slices ?? []) {
      const { interval } = slice
      const known = reasons.find(
        (one) => one.interval !== undefined && sameInterval(one.interval, interval),
      )?.reason
      progress.incomplete.push({ interval, reason: known ?? "Druid kept changing while it was read" })
    }
  }
}

/** Nothing is known of what is left: all of the datasource may be. */
function noteOutOfTime(one: Progress): void {
  one.incomplete.push({ interval: undefined, reason: OUT_OF_TIME })
}

/**
 * Druid answers while the file is read. What keeps the file from being read is the news, and nothing is waited for then.
 * @throws DruidsyncError
 */
async function firstLook(ports: Ports, request: PullRequest): Promise<Seen> {
  const refused = new AbortController()
  const looked = look({ ...ports, signal: AbortSignal.any([ports.signal, refused.signal]) })
  looked.catch(() => undefined)
  try {
    const state = await readState(ports.engine, ports.file, ports.signal)
    refuseOtherShard(ports.file.path, request, state)
    return { state, inventory: await looked }
  } catch (error) {
    refused.abort(error)
    throw error
  }
}

function look(ports: Ports): Promise<Inventory> {
  return ask(ports, () => ports.catalog.inventory(ports.signal))
}

interface Planned extends RoundPlan {
  readonly progress: Progress
}

async function planAll(
  ports: Ports,
  request: PullRequest,
  progress: readonly Progress[],
  { state, inventory }: Seen,
  isLastCall: boolean,
): Promise<Planned[]> {
  const plans: Planned[] = []
  for (const one of progress) {
    if (one.error !== undefined) continue
    if (request.limit?.isOver() === true) {
      one.incomplete = []
      noteOutOfTime(one)
      continue
    }
    const held = state.datasources.get(one.settings.name)
    const judged = judge(one.settings, request, inventory, held, one.committed)
    one.incomplete = []
    one.unavailable = judged.diff.unavailable.map((chunk) => chunk.interval)
    one.cold = judged.diff.cold.map((chunk) => chunk.interval)
    try {
      plans.push({
        progress: one,
        ...(await planOne(ports, request, one, judged, inventory, held, state, isLastCall)),
      })
    } catch (error) {
      ports.signal.throwIfAborted()
      if (!concernsOneDatasource(error)) throw error
      const reason = judged.diff.nothingActive ? undefined : goneAway(error)
      if (reason === undefined && error.exitCode !== ExitCode.incomplete) one.error = error
      else {
        one.incomplete.push({ interval: undefined, reason: reason ?? error.message })
        plans.push({ ...NOTHING_NOW, progress: one })
      }
    }
  }
  return plans
}

async function planOne(
  ports: Ports,
  request: PullRequest,
  one: Progress,
  judged: Judged,
  inventory: Inventory,
  held: DatasourceState | undefined,
  state: FileState,
  isLastCall: boolean,
): Promise<RoundPlan> {
  const { settings } = one
  const { diff } = judged
  refuseForeignTable(ports, settings, state)
  if (diff.nothingActive) throw await nothingActive(ports, settings, held)
  if (judged.counts !== undefined) noteCounting(ports, request, one, judged.counts, held)
  let mayImprove = diff.unavailable.length > 0 || (judged.counts?.refused.length ?? 0) > 0
  const now = new Set<Work>()
  const isCommitted = anyOverlap(one.committed)
  for (const work of diff.works) {
    // Rows that still come were taken once in this run; the next run takes them again.
    if (work.state === "provisional" && isCommitted(work.interval)) continue
    if (work.state === "unproven" && !isLastCall) mayImprove = true
    else now.add(work)
  }
  const recounts = diff.recounts.filter((recount) => {
    if (conditionOf(recount.chunk) !== "realtime") return true
    return !one.recounted.has(recount.chunk.interval.start)
  })
  for (const recount of recounts) {
    if (conditionOf(recount.chunk) === "realtime") one.recounted.add(recount.chunk.interval.start)
  }
  const prepared = await prepare(
    ports,
    request,
    settings,
    { ...judged, diff: { ...diff, recounts } },
    [...now],
    inventory,
    held,
    one.severalValues,
  )
  if (prepared.doubtful.length > 0) mayImprove = true
  noteIncomplete(
    one,
    diff.unavailable,
    prepared.doubtful,
    diff.works.filter((work) => !now.has(work)),
  )
  for (const part of held?.parts ?? []) {
    if (part.state === "unproven") {
      const reason = "Druid has not counted its rows yet; the next pull proves or fetches them"
      one.incomplete.push({ interval: part.interval, reason })
    }
  }
  for (const change of prepared.changes) {
    const text = describeChange(change)
    if (!one.schemaChanges.has(text))
      ports.emit({ type: "warning", datasource: settings.name, message: text })
    one.schemaChanges.add(text)
  }
  for (const message of prepared.warnings) {
    if (!one.warnings.has(message)) ports.emit({ type: "warning", datasource: settings.name, message })
    one.warnings.add(message)
  }
  const dropped = await droppedIntervals(ports, one, judged, held)
  const renames = held !== undefined && held.table !== settings.table
  const reshapes = renames || needsEmptyTable(diff, held)
  const upkeep = {
    refreshed: prepared.refreshed,
    keep: dropped.keep,
    remove: [...dropped.remove, ...diff.foreign],
  }
  return { prepared, upkeep, reshapes, mayImprove }
}

/**
 * Days are counted instead of segments seen: what that means is said, once.
 * @throws DruidsyncError `forbidden` where the copy was made from segments: a permission that was lost is no reason to
 * fetch everything again
 */
function noteCounting(
  ports: Ports,
  request: PullRequest,
  one: Progress,
  counts: NonNullable<Judged["counts"]>,
  held: DatasourceState | undefined,
): void {
  const { settings } = one
  const parts = held?.parts ?? []
  if (!request.full && parts.length > 0 && !parts.some((part) => isCounted(part.segments))) {
    throw new DruidsyncError(
      "forbidden",
      `Druid no longer shows sys.segments, from which "${settings.name}" was copied; the copy was left as it is`,
      {
        exitCode: ExitCode.refused,
        hint: "give the user READ permission on it again, or go on by counting rows with --full",
      },
    )
  }
  const caveat = describeCounting(settings.lookbackMs)
  if (one.caveat === undefined) ports.emit({ type: "warning", datasource: settings.name, message: caveat })
  one.caveat = caveat
  for (const fewer of counts.refused)
    one.incomplete.push({ interval: fewer.chunk.interval, reason: describeRefused(fewer) })
  for (const fewer of counts.taken) {
    const message = describeTaken(fewer)
    if (!one.warnings.has(message)) ports.emit({ type: "warning", datasource: settings.name, message })
    one.warnings.add(message)
  }
}

function noteIncomplete(
  one: Progress,
  unavailable: readonly Chunk[],
  doubtful: readonly Chunk[],
  deferred: readonly Work[],
): void {
  const note = (interval: Interval, reason: string) => one.incomplete.push({ interval, reason })
  for (const chunk of unavailable) note(chunk.interval, describeUnavailable(chunk))
  for (const chunk of doubtful) {
    note(chunk.interval, DOUBTFUL)
  }
  for (const work of deferred) {
    if (work.state === "unproven") note(work.interval, "Druid has not counted its newest segments yet")
  }
}

/** Stretches that Druid dropped while it has others: kept as ours alone, or removed, as the config says. */
async function droppedIntervals(
  ports: Ports,
  one: Progress,
  judged: Judged,
  held: DatasourceState | undefined,
) {
  const { settings } = one
  const parts = held?.parts ?? []
  // A day that counts no rows may lie on a server that is away: without segments nothing is known to be dropped.
  if (settings.deletions === "keep" || judged.counts !== undefined) {
    const isOurs = anyOverlap(parts.filter((part) => part.state !== "kept").map((part) => part.interval))
    return { keep: judged.diff.gone.filter(isOurs), remove: [] }
  }
  const gone = judged.diff.gone
  if (gone.length === 0) return { keep: [], remove: [] }
  // The metadata says dropped; nothing is deleted here while some server still answers with rows.
  const source = { datasource: settings.name, filter: undefined }
  const counts = await retrying(() => ports.catalog.counts(source, gone, ports.signal), {
    sleep: ports.clock.sleep,
    signal: ports.signal,
  })
  return { keep: [], remove: gone.filter((_, n) => counts[n]!.all === 0) }
}

interface RoundResult {
  /** something was stored, or Druid changed meanwhile */
  readonly progressed: boolean
  /** Druid changed while it was read */
  readonly changed: boolean
  readonly look: Inventory["segments"] | undefined
  /** waiting may help */
  readonly mayImprove: boolean
}

/** Fetches what was planned, after the upkeep. */
async function doRound(
  ports: Ports,
  request: PullRequest,
  plans: readonly Planned[],
  { numbering, inFlight }: Run,
  round: number,
): Promise<RoundResult> {
  const busy = plans.filter((plan) => (plan.prepared?.slices.length ?? 0) > 0)
  const upkept = plans.some(hasUpkeep)
  const mayImprove = plans.some((plan) => plan.mayImprove)
  if (busy.length === 0) return { progressed: upkept, changed: false, look: undefined, mayImprove }
  for (const { prepared } of busy) {
    const { settings, slices } = prepared!
    const rows = slices.reduce((sum, slice) => sum + slice.rows, 0)
    ports.emit({ type: "planned", datasource: settings.name, rows, slices: slices.length, round })
  }
  const progress = new Map(busy.map((plan) => [plan.progress.settings.name, plan.progress]))
  const slicesOf = () => [...progress.values()].reduce((sum, one) => sum + one.slices, 0)
  const slicesBefore = slicesOf()
  const { perDatasource, look } = await execute(
    ports,
    request,
    busy.map((plan) => plan.prepared!),
    numbering,
    inFlight,
    progress,
  )
  let changed = false
  for (const [name, result] of perDatasource) {
    const one = progress.get(name)!
    one.incomplete.push(...result.unproven)
    const reason = goneAway(result.error)
    if (reason !== undefined) one.incomplete.push({ interval: undefined, reason })
    else if (result.error !== undefined) one.error = result.error
    changed ||= result.changed
  }
  return { progressed: upkept || changed || slicesOf() > slicesBefore, changed, look, mayImprove }
}

/**
 * A broker knows only what is served: once the last server of a datasource has gone it denies the name, though its
 * segments are listed. Where they were, that is no mistyped name.
 * @returns the reason in words, where it is this
 */
function goneAway(error: DruidsyncError | undefined): string | undefined {
  return error?.code === "unknown-datasource"
    ? "its segments are published, but no server answers for them any more"
    : undefined
}

/** What needs no fetch: checkpoints proven anew, stretches kept or removed. One transaction. */
async function doUpkeep(ports: Ports, request: PullRequest, plans: readonly Planned[]): Promise<void> {
  const commits: { one: Progress; commit: DatasourceCommit }[] = []
  for (const plan of plans) {
    if (plan.prepared === undefined || !hasUpkeep(plan)) continue
    commits.push({ one: plan.progress, commit: { ...emptyCommit(plan.prepared), ...plan.upkeep } })
  }
  if (commits.length === 0) return
  const run = { id: request.runId, nowMs: ports.clock.nowMs() }
  const result = await commit(
    ports.engine,
    ports.file,
    commits.map((c) => c.commit),
    run,
    ports.signal,
  )
  for (const [n, { one }] of commits.entries()) one.rowsDeleted += result.deleted[n]!
}

/** A table of that name that is not ours stops its datasource before anything is fetched. */
export function refuseForeignTable(ports: Ports, settings: DatasourceSettings, state: FileState): void {
  // DuckDB folds ASCII letters only: "É" and "é" are two tables to it.
  const name = fold(settings.table)
  const taken = state.tables.some((table) => fold(table) === name)
  const owner = [...state.datasources.values()].find((d) => fold(d.table) === name)
  if (!taken || (owner !== undefined && owner.datasource === settings.name)) return
  const whose =
    owner === undefined
      ? "that druidsync did not make"
      : `that holds datasource "${owner.datasource}" already`
  throw new DruidsyncError(
    "foreign",
    `${ports.file.path} has a table "${settings.table}" ${whose}; it was left as it is`,
    {
      exitCode: ExitCode.usage,
      hint: `give datasource "${settings.name}" another "table" in the config, or use another --out`,
    },
  )
}

function record(
  ports: Ports,
  request: PullRequest,
  progress: readonly Progress[],
  startedMs: number,
  interrupted: boolean,
): Promise<FileState> {
  const finishedMs = ports.clock.nowMs()
  // A run that never got to store anything leaves no file behind.
  if (!ports.file.exists() && progress.every((one) => one.slices === 0)) return Promise.resolve(EMPTY_STATE)
  return recordRun(
    ports.engine,
    ports.file,
    request.runId,
    progress.map((one) => ({
      datasource: one.settings.name,
      outcome: outcomeOf(one, interrupted),
      startedMs,
      finishedMs,
      rowsFetched: one.rowsFetched,
      rowsDeleted: one.rowsDeleted,
      bytes: one.bytes,
      slices: one.slices,
      message: one.error?.message ?? one.incomplete[0]?.reason ?? (interrupted ? "interrupted" : one.caveat),
      missing: one.incomplete.flatMap(({ interval, reason }) =>
        interval === undefined ? [] : [{ interval, reason }],
      ),
    })),
    { keepRuns: request.historyRuns },
  )
}
