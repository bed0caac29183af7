/** What the stages of one round share: the jobs still to be done, what became of them, and where it is told. */

import type { Interval, Slice } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { intervalText } from "../../base/intervals.ts"
import { halves } from "../../plan/slices.ts"
import type { Ports, PullRequest } from "../ports.ts"
import type { Prepared } from "../prepare/prepare.ts"
import type { Progress, Run } from "../progress.ts"
import { OUT_OF_TIME } from "../time-limit.ts"

/** What a round could not finish of one datasource. */
export interface Executed {
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
}

/**
 * A slice is cut down to a 64th. Where even that times out, it is not the size: going on to single milliseconds would
 * ask a server that is down for ever.
 */
const MAX_HALVINGS = 6

export class Round {
  /** with the round's own signal: an error anywhere stops all of it */
  readonly ports: Ports
  readonly request: PullRequest
  /** counts spool files and staging tables through the whole run */
  readonly numbering: { next: number }
  readonly jobs: Job[]
  readonly results: ReadonlyMap<string, Executed>
  readonly #progress: ReadonlyMap<string, Progress>

  constructor({ ports, request, numbering, progress }: Run, plans: readonly Prepared[]) {
    this.ports = ports
    this.request = request
    this.numbering = numbering
    this.jobs = interleaved(plans)
    this.results = new Map(
      plans.map((plan) => [plan.settings.name, { unproven: [], changed: false, error: undefined }]),
    )
    this.#progress = new Map(progress.map((one) => [one.settings.name, one]))
  }

  resultOf(prepared: Prepared): Executed {
    return this.results.get(prepared.settings.name)!
  }

  progressOf(prepared: Prepared): Progress {
    return this.#progress.get(prepared.settings.name)!
  }

  /**
   * A slice could not be fetched: it comes again in halves, or is left for another round, or its datasource fails.
   * @throws what concerns this machine or the whole server, and therefore every datasource
   */
  fetchFailed(job: Job, error: unknown): void {
    if (!(error instanceof DruidsyncError)) throw error
    const mayCut = error.asksForLess && job.halvings < MAX_HALVINGS
    const smaller = mayCut ? halves(job.slice) : undefined
    if (smaller !== undefined) {
      this.jobs.unshift(...smaller.map((slice) => ({ ...job, slice, halvings: job.halvings + 1 })))
      return
    }
    const result = this.resultOf(job.prepared)
    if (error.code === "response-mismatch") {
      result.changed = true
      result.unproven.push({ interval: job.slice.interval, reason: error.message })
      return
    }
    // What may pass by itself keeps one datasource waiting; the others may still get through.
    if (error.scope === "run" && !error.retryable) throw error
    result.error ??= error
  }

  /**
   * The time that the run is given is over: what was not begun is left to the next one.
   * @returns whether the job was left out
   */
  leftOut(job: Job): boolean {
    if (this.request.limit?.isOver() !== true) return false
    this.resultOf(job.prepared).unproven.push({ interval: job.slice.interval, reason: OUT_OF_TIME })
    return true
  }

  /** The datasource fails, in this interval. */
  sliceFailed(job: Job, error: DruidsyncError): void {
    const where = intervalText(job.slice.interval)
    this.resultOf(job.prepared).error ??= error.saying(`${error.message} (in ${where})`)
  }
}

/** Datasources take turns, so that a big one does not keep the small ones waiting. */
function interleaved(plans: readonly Prepared[]): Job[] {
  const jobs: Job[] = []
  const longest = Math.max(0, ...plans.map((plan) => plan.slices.length))
  for (let n = 0; n < longest; n++) {
    for (const prepared of plans) {
      const slice = prepared.slices[n]
      if (slice !== undefined) jobs.push({ prepared, slice, mismatches: 0, halvings: 0 })
    }
  }
  return jobs
}
