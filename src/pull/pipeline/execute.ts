/**
 * Does one round: what is decided is downloaded while the rest is being decided, and downloads, parsing and commits overlap.
 *
 *     Decisions → slices → Downloads → arrived → Landing (parse → held → look → proof → commit)
 */

import type { Slice } from "../../base/domain.ts"
import { sumOf } from "../../base/lists.ts"
import type { SegmentsLook } from "../../base/segments-look.ts"
import { labelOf } from "../../config/table-name.ts"
import type { Prepared } from "../prepare/prepare.ts"
import type { Run } from "../progress.ts"
import { sideBySide } from "../side-by-side.ts"
import { anyOf, OUT_OF_TIME } from "../time-limit.ts"
import { type Arrived, Downloads } from "./downloads.ts"
import { Landing } from "./landing.ts"
import { type Executed, type Job, jobOf, Round } from "./round.ts"

export interface ExecuteResult {
  readonly perTable: ReadonlyMap<string, Executed>
  /** all of them as they were seen last, if a look was needed */
  readonly segments: SegmentsLook | undefined
}

interface Failure {
  readonly error: unknown
}

/**
 * What is committed is added to the run's progress at once, so that nothing is lost to an interruption.
 * @throws DruidsyncError if the machine or the whole server fails; what concerns one datasource is in the result
 */
export async function execute(
  run: Run,
  plans: readonly Prepared[],
  nthRound: number,
): Promise<ExecuteResult> {
  const stop = new AbortController()
  const ports = { ...run.ports, signal: AbortSignal.any([run.ports.signal, stop.signal]) }
  const round = new Round({ ...run, ports }, plans, (job) => pipeline.fetch(job))
  const landing = new Landing(round)
  const pipeline = new Pipeline(round, new Downloads(round, run.inFlight), landing, stop)
  pipeline.decide(plans, nthRound)
  const failure = await pipeline.end
  // Report the original error; ignore errors from cleaning up.
  await landing.drop().catch(() => undefined)
  if (failure !== undefined) await landing.look?.drop().catch(() => undefined)
  run.ports.signal.throwIfAborted()
  if (failure !== undefined) throw failure.error
  return { perTable: round.results, segments: landing.look }
}

/** What is under way in one round. Each stage that ends lets the next begin; when none is left, the round is over. */
class Pipeline {
  /** resolves when nothing is under way any more; with the first error where one stopped the round */
  readonly end: Promise<Failure | undefined>
  readonly #round: Round
  readonly #downloads: Downloads
  readonly #landing: Landing
  readonly #stop: AbortController
  readonly #arrived: Arrived[] = []
  #isDeciding = false
  #fetching = 0
  /** of those fetching: not to be asked for yet */
  #pausing = 0
  #isParsing = false
  #isCommitting = false
  #failure: Failure | undefined
  #finish: () => void = () => undefined

  /** @param stop aborts the round's own signal */
  constructor(round: Round, downloads: Downloads, landing: Landing, stop: AbortController) {
    this.#round = round
    this.#downloads = downloads
    this.#landing = landing
    this.#stop = stop
    this.end = new Promise((resolve) => {
      this.#finish = () => resolve(this.#failure)
    })
  }

  /** Decides what to fetch, the datasources in turns, and has it fetched. */
  decide(plans: readonly Prepared[], nthRound: number): void {
    this.#isDeciding = true
    this.#follow(this.#decideAll(plans, nthRound), () => {
      this.#isDeciding = false
    })
  }

  async #decideAll(plans: readonly Prepared[], nthRound: number): Promise<void> {
    const { ports, request } = this.#round
    const jobs = new Map<Prepared, number>()
    for (let open = plans; open.length > 0; ) {
      const left = await sideBySide(open, request.pull.concurrency, ports.signal, async (prepared) => {
        const slices = await this.#decideSome(prepared)
        if (slices === undefined) return []
        const before = jobs.get(prepared) ?? 0
        jobs.set(prepared, before + slices.length)
        this.#fetchAll(prepared, slices, before, nthRound)
        return [prepared]
      })
      open = left.flat()
    }
  }

  /** @param before how many of the datasource are fetched already */
  #fetchAll(prepared: Prepared, slices: readonly Slice[], before: number, nthRound: number): void {
    if (slices.length === 0) return
    const rows = sumOf(slices, (slice) => slice.rows)
    const planned = { ...labelOf(prepared.settings), rows, slices: slices.length, round: nthRound }
    this.#round.ports.emit({ type: "planned", ...planned, isMore: before > 0 })
    for (const [n, slice] of slices.entries()) this.fetch(jobOf(prepared, slice, before + n))
  }

  /** @returns undefined if nothing is left to decide, or nothing more is to be begun */
  async #decideSome(prepared: Prepared): Promise<readonly Slice[] | undefined> {
    const { decisions, sliceRows } = prepared
    const { limit } = this.#round.request
    const result = this.#round.resultOf(prepared)
    const signal = anyOf(this.#round.ports.signal, limit?.over)
    try {
      if (decisions.isDone || result.error !== undefined) return undefined
      if (limit?.isOver() !== true) {
        const { slices, refreshed, doubtful } = await decisions.next(sliceRows, signal)
        result.doubtful.push(...doubtful)
        this.#landing.refresh(prepared, refreshed)
        return slices
      }
    } catch (error) {
      this.#round.ports.signal.throwIfAborted()
      if (limit?.over.aborted !== true) {
        this.#round.failed(prepared, error)
        return undefined
      }
    }
    this.#round.leave(prepared, decisions.left, OUT_OF_TIME)
    return undefined
  }

  fetch(job: Job): void {
    this.#fetching++
    this.#follow(this.#download(job), () => this.#fetching--)
  }

  async #download(job: Job): Promise<void> {
    try {
      await this.#pause(job)
      const arrived = await this.#downloads.fetch(job)
      if (arrived === undefined) return
      for (const next of job.behind) this.fetch(next)
      this.#arrived.push({ ...arrived, job: { ...job, behind: [] } })
      this.#downloads.arrived(this.#arrived.length)
    } catch (error) {
      this.#round.ports.signal.throwIfAborted()
      if (this.#round.request.limit?.closing.aborted === true) this.#round.leaveOut(job, OUT_OF_TIME)
      else this.#round.fetchFailed(job, error)
    }
  }

  /** Nothing that has arrived waits for a job that pauses. */
  async #pause({ notBeforeMs }: Job): Promise<void> {
    const { clock, signal } = this.#round.ports
    const pauseMs = notBeforeMs - clock.nowMs()
    if (pauseMs <= 0) return
    this.#pausing++
    try {
      this.#begin()
      await clock.sleep(pauseMs, signal)
    } finally {
      this.#pausing--
    }
  }

  /** Waits for a stage, and begins what can begin then. */
  #follow(stage: Promise<void>, ended: () => void): void {
    const fail = (error: unknown) => {
      this.#failure ??= { error }
      this.#stop.abort(error)
    }
    stage.catch(fail).then(() => {
      ended()
      if (!this.#round.ports.signal.aborted) this.#begin()
      if (!this.#isBusy) this.#finish()
    }, fail)
  }

  #begin(): void {
    const nothingComes = this.#nothingArrives && !this.#isParsing
    if (!this.#isCommitting && !this.#landing.isEmpty && (this.#landing.isDue || nothingComes)) {
      this.#isCommitting = true
      this.#follow(this.#landing.commit(nothingComes), () => {
        this.#isCommitting = false
      })
    }
    const one = this.#isParsing || this.#landing.isFull ? undefined : this.#arrived.shift()
    if (one === undefined) return
    this.#isParsing = true
    this.#follow(this.#landing.stage(one, this.#nothingArrives && !this.#isCommitting), () => {
      this.#isParsing = false
    })
  }

  get #isBusy(): boolean {
    return this.#isDeciding || this.#fetching > 0 || this.#isParsing || this.#isCommitting
  }

  get #nothingArrives(): boolean {
    return this.#fetching === this.#pausing && this.#arrived.length === 0
  }
}
