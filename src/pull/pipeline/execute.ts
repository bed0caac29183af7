/**
 * Runs the prepared slices of one round: downloads, parsing and commits overlap.
 *
 *     slices → Download → arrived → Landing (parse → held → look → proof → commit)
 */
import type { Segment } from "../../base/domain.ts"
import type { Prepared } from "../prepare/prepare.ts"
import type { Run } from "../progress.ts"
import { Bell } from "./bell.ts"
import { type Arrived, Download } from "./download.ts"
import { Gate } from "./gate.ts"
import { Landing } from "./landing.ts"
import { type Executed, Round } from "./round.ts"

export interface ExecuteResult {
  readonly perDatasource: ReadonlyMap<string, Executed>
  /** as they were seen last, if a look was needed */
  readonly segments: ReadonlyMap<string, readonly Segment[]> | undefined
}

/**
 * What is committed is added to the run's progress at once, so that nothing is lost to an interruption.
 * @throws DruidsyncError where the machine or the whole server fails; what concerns one datasource is in the result
 */
export async function execute(run: Run, plans: readonly Prepared[]): Promise<ExecuteResult> {
  const { ports, request, inFlight } = run
  const stop = new AbortController()
  const signal = AbortSignal.any([ports.signal, stop.signal])
  const bell = new Bell(signal)
  const round = new Round({ ...run, ports: { ...ports, signal } }, plans)
  const { jobs } = round
  const download = new Download(round, inFlight)
  const gate = new Gate(inFlight, bell, signal)
  const landing = new Landing(round)
  const arrived: Arrived[] = []
  let fetching = 0
  let parsing = false
  let committing = false
  let failure: unknown
  const nothingArrives = () => jobs.length === 0 && fetching === 0 && arrived.length === 0
  const nothingComes = () => nothingArrives() && !parsing

  /** Near the end, with nothing left to ask for, there is nothing to learn. */
  function settle(): void {
    const before = inFlight.limit
    if (jobs.length > 0) inFlight.arrived(ports.clock.nowMs(), arrived.length)
    const { limit } = inFlight
    if (limit !== before)
      ports.emit({ type: "detail", message: `requests for rows at the same time: ${limit}` })
  }

  async function fetcher(): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const pass = jobs.length > 0 ? gate.enter() : undefined
      if (pass === undefined) {
        // A job under way may come back in two halves, or for another try.
        if (nothingComes() && landing.isEmpty && !committing) return
        await bell.wait()
        continue
      }
      const job = jobs.shift()!
      if (round.leftOut(job)) {
        pass.leave()
        continue
      }
      fetching++
      try {
        // One slice that failed is enough to know: the rest of its datasource waits for the next run.
        if (round.resultOf(job.prepared).error === undefined) {
          arrived.push(await download.fetch(job, pass))
          settle()
        }
      } catch (error) {
        signal.throwIfAborted()
        round.fetchFailed(job, error)
      } finally {
        fetching--
        pass.leave()
        bell.ring()
      }
    }
  }

  async function parser(): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const one = landing.isFull ? undefined : arrived.shift()
      if (one === undefined) {
        if (nothingComes() && landing.isEmpty && !committing) return
        await bell.wait()
        continue
      }
      parsing = true
      try {
        await landing.stage(one, nothingArrives() && !committing)
      } finally {
        parsing = false
        bell.ring()
      }
    }
  }

  async function committer(): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      if (landing.isEmpty || !(landing.isDue || nothingComes())) {
        if (nothingComes() && landing.isEmpty) {
          bell.ring()
          return
        }
        await bell.wait()
        continue
      }
      committing = true
      try {
        const committed = landing.commit()
        // Nothing is held any more: parsing goes on meanwhile.
        bell.ring()
        await committed
      } finally {
        committing = false
        bell.ring()
      }
    }
  }

  const fail = (error: unknown) => {
    failure ??= error
    stop.abort(error)
  }
  const fetchers = Math.max(1, Math.min(request.pull.concurrency, jobs.length))
  await Promise.all([
    ...Array.from({ length: fetchers }, () => fetcher().catch(fail)),
    parser().catch(fail),
    committer().catch(fail),
  ])
  // What failed is the news; that its rows cannot be let go of either is not.
  await landing.drop().catch(() => undefined)
  ports.signal.throwIfAborted()
  if (failure !== undefined) throw failure
  return { perDatasource: round.results, segments: landing.look }
}
