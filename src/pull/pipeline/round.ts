/** What the stages of one round share: the open jobs, their outcome, and the callbacks that report it. */

import type { Interval, Slice } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { intervalText } from "../../base/intervals.ts"
import { halves, isAddition } from "../../plan/slices.ts"
import type { Ports, PullRequest } from "../ports.ts"
import type { Doubt } from "../prepare/measure.ts"
import type { Prepared } from "../prepare/prepare.ts"
import type { Progress, Run } from "../progress.ts"
import { OUT_OF_TIME } from "../time-limit.ts"

/** What a round could not finish of one table. */
export interface Executed {
  /** chunks of which nothing could be said */
  readonly doubtful: Doubt[]
  /** stretches that could not be proven, with the reason */
  readonly unproven: { interval: Interval; reason: string }[]
  /** something changed in Druid while it was read: worth another round */
  changed: boolean
  error: DruidsyncError | undefined
}

/** A slice to be fetched, proven and committed. */
export interface Job {
  readonly prepared: Prepared
  readonly slice: Slice
  /** how often its counts did not agree */
  readonly mismatches: number
  /** how often it was cut in two */
  readonly halvings: number
  /** lower ones are fetched first */
  readonly order: number
  /** it is not asked for before, epoch ms */
  readonly notBeforeMs: number
  /** what it was cut from: comes when this piece has shown that its size passes */
  readonly behind: readonly Job[]
}

/**
 * A slice is cut down to a 64th. Where even that times out, it is not the size: going on to single milliseconds would
 * ask a server that is down for ever.
 */
const MAX_HALVINGS = 6
/** Before all that was planned. */
const FIRST = -1

export class Round {
  /** with the round's own signal: an error anywhere stops all of it */
  readonly ports: Ports
  readonly request: PullRequest
  /** counts spool files and staging tables through the whole run */
  readonly numbering: { next: number }
  /** one more job */
  readonly add: (job: Job) => void
  /** by table */
  readonly results: ReadonlyMap<string, Executed>
  readonly #progress: ReadonlyMap<string, Progress>

  constructor(
    { ports, request, numbering, progress }: Run,
    plans: readonly Prepared[],
    add: (job: Job) => void,
  ) {
    this.ports = ports
    this.request = request
    this.numbering = numbering
    this.add = add
    this.results = new Map(
      plans.map((plan) => [
        plan.settings.table,
        { doubtful: [], unproven: [], changed: false, error: undefined },
      ]),
    )
    this.#progress = new Map(progress.map((one) => [one.settings.table, one]))
  }

  /** Something was stored in this run. */
  get hasStored(): boolean {
    return [...this.#progress.values()].some((one) => one.slices > 0)
  }

  resultOf(prepared: Prepared): Executed {
    return this.results.get(prepared.settings.table)!
  }

  progressOf(prepared: Prepared): Progress {
    return this.#progress.get(prepared.settings.table)!
  }

  /**
   * A slice could not be fetched: it comes again in halves, or is left for another round, or its datasource fails.
   * @throws what concerns this machine or the whole server, and therefore every datasource
   */
  fetchFailed(job: Job, error: unknown): void {
    if (!(error instanceof DruidsyncError)) throw error
    const { aggregate } = job.prepared.source
    // What Druid refuses outright, and at once, is cut down to a single bucket.
    const most = aggregate !== undefined && error.code === "query" ? Number.POSITIVE_INFINITY : MAX_HALVINGS
    const mayCut = error.asksForLess && job.halvings < most
    const smaller = mayCut ? halves(job.slice, aggregate?.every) : undefined
    if (smaller !== undefined) {
      const half = { ...job, halvings: job.halvings + 1, order: FIRST }
      const [first, second] = smaller
      const behind = [{ ...half, slice: second, behind: [] }, ...job.behind]
      this.add({ ...half, slice: first, behind })
      return
    }
    const mayBeWhole = isAddition(job.slice) && error.asksForLess
    if (error.code === "response-mismatch" || mayBeWhole) {
      this.progressOf(job.prepared).fetchesWhole ||= isAddition(job.slice)
      this.resultOf(job.prepared).changed = true
      this.leaveOut(job, error.message)
      return
    }
    this.failed(
      job.prepared,
      aggregate !== undefined && error.asksForLess ? tooManyGroups(job, error) : error,
    )
  }

  /**
   * A datasource fails.
   * @throws what concerns this machine or the whole server, and therefore every datasource
   */
  failed(prepared: Prepared, error: unknown): void {
    const isFinal = !(error instanceof DruidsyncError) || (error.scope === "run" && !error.retryable)
    // What may pass by itself keeps one datasource waiting; the others may still get through.
    if (isFinal) throw error
    this.resultOf(prepared).error ??= error
  }

  /**
   * False once the time that the run is given is over: what was not begun is left to the next one. False, too, once a slice
   * of the datasource has failed, which is enough to know: the rest waits for the next run.
   */
  mayBegin(job: Job): boolean {
    if (this.request.limit?.isOver() !== true) return this.resultOf(job.prepared).error === undefined
    this.leaveOut(job, OUT_OF_TIME)
    return false
  }

  /** Not in this round. */
  leaveOut(job: Job, reason: string): void {
    const intervals = [job, ...job.behind].map(({ slice }) => slice.interval)
    this.leave(job.prepared, intervals, reason)
  }

  /** Stretches that are not stored in this round. */
  leave(prepared: Prepared, intervals: readonly Interval[], reason: string): void {
    this.resultOf(prepared).unproven.push(...intervals.map((interval) => ({ interval, reason })))
  }

  /** The datasource fails, in this interval. */
  sliceFailed(job: Job, error: DruidsyncError): void {
    const where = intervalText(job.slice.interval)
    this.resultOf(job.prepared).error ??= error.saying(`${error.message} (in ${where})`)
  }
}

/** Druid cannot make the groups of a single bucket. */
function tooManyGroups({ prepared, slice }: Job, error: DruidsyncError): DruidsyncError {
  const where = intervalText(slice.interval)
  const hint = 'take a column out of "by", or let "every" be shorter'
  return error.saying(
    `the groups of "${prepared.settings.name}" are too much for Druid (in ${where}): ${error.message}`,
    error,
    hint,
  )
}

/**
 * Datasources take turns, so that a big one does not keep the small ones waiting.
 * @param nth of its datasource, from 0
 */
export function jobOf(prepared: Prepared, slice: Slice, nth: number): Job {
  return { prepared, slice, mismatches: 0, halvings: 0, order: nth, notBeforeMs: 0, behind: [] }
}
