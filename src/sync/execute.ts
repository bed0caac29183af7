/**
 * Runs the prepared slices of one round: downloads overlap with loads.
 *
 *     slices → Download → arrived → Landing (parse | look → proof → commit)
 */
import type { Segment } from "../domain.ts"
import { Bell } from "./bell.ts"
import { type Arrived, Download } from "./download.ts"
import { Landing } from "./landing.ts"
import type { Ports, PullRequest } from "./ports.ts"
import type { Prepared } from "./prepare.ts"
import type { Progress } from "./progress.ts"
import { type Executed, Round } from "./round.ts"

export interface ExecuteResult {
  readonly perDatasource: ReadonlyMap<string, Executed>
  /** the latest look at the segments, if one was needed */
  readonly look: ReadonlyMap<string, readonly Segment[]> | undefined
}

/**
 * @param numbering counts spool files and staging tables through the whole run
 * @param progress by datasource; what is committed is added to it at once, so that nothing is lost to an interruption
 * @throws DruidsyncError where the machine or the whole server fails; what concerns one datasource is in the result
 */
export async function execute(
  ports: Ports,
  request: PullRequest,
  plans: readonly Prepared[],
  numbering: { next: number },
  progress: ReadonlyMap<string, Progress>,
): Promise<ExecuteResult> {
  const stop = new AbortController()
  const signal = AbortSignal.any([ports.signal, stop.signal])
  const bell = new Bell(signal)
  const round = new Round({ ...ports, signal }, request, plans, numbering, progress)
  const { jobs } = round
  const download = new Download(round)
  const landing = new Landing(round)
  const arrived: Arrived[] = []
  let fetching = 0
  let committing = false
  let failure: unknown
  const nothingComes = () => jobs.length === 0 && fetching === 0 && arrived.length === 0

  async function fetcher(): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const job = jobs.shift()
      if (job === undefined) {
        // A job under way may come back in two halves, or for another try.
        if (nothingComes() && landing.isEmpty && !committing) return
        await bell.wait()
        continue
      }
      if (round.leftOut(job)) {
        bell.ring()
        continue
      }
      fetching++
      try {
        // One slice that failed is enough to know: the rest of its datasource waits for the next run.
        if (round.resultOf(job.prepared).error === undefined) arrived.push(await download.fetch(job))
      } catch (error) {
        signal.throwIfAborted()
        round.fetchFailed(job, error)
      } finally {
        fetching--
        bell.ring()
      }
    }
  }

  async function committer(): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      if (arrived.length === 0 && !(nothingComes() && !landing.isEmpty)) {
        if (nothingComes()) {
          bell.ring()
          return
        }
        await bell.wait()
        continue
      }
      committing = true
      try {
        await landing.take(arrived.splice(0), nothingComes)
      } catch (error) {
        await landing.drop()
        throw error
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
    committer().catch(fail),
  ])
  ports.signal.throwIfAborted()
  if (failure !== undefined) throw failure
  return { perDatasource: round.results, look: landing.look }
}
