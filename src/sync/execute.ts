/**
 * Runs the prepared slices: downloads overlap with loads, every slice is proven before it is committed, and one look
 * at the segments proves all slices that had arrived when it began.
 *
 *     slices → fetchers → arrived → (stage | look) → proof → commit
 */
import { rm } from "node:fs/promises"
import type { Interval, Segment, Slice } from "../domain.ts"
import { asksForLess } from "../druid/failure.ts"
import { DruidsyncError } from "../errors.ts"
import { intersection, union } from "../intervals.ts"
import { chunksOf } from "../plan/chunks.ts"
import { proof } from "../plan/proof.ts"
import { halves } from "../plan/slices.ts"
import { commit, type DatasourceCommit, type ReadySlice } from "../store/commit.ts"
import { dropStaged, type Staged, stage } from "../store/stage.ts"
import { Bell } from "./bell.ts"
import { Budget } from "./budget.ts"
import { intervalText } from "./describe.ts"
import { type Fetched, fetchSlice } from "./fetch.ts"
import type { Ports, PullRequest } from "./ports.ts"
import type { Prepared } from "./prepare.ts"
import type { Progress } from "./progress.ts"
import { retrying } from "./retry.ts"

/** What a round could not finish of one datasource. */
export interface Executed {
  /** stretches that could not be proven, with the reason */
  readonly unproven: { interval: Interval; reason: string }[]
  /** something changed in Druid while it was read: worth another round */
  changed: boolean
  error: DruidsyncError | undefined
}

export interface ExecuteResult {
  readonly perDatasource: ReadonlyMap<string, Executed>
  /** the latest look at the segments, if one was needed */
  readonly look: ReadonlyMap<string, readonly Segment[]> | undefined
}

interface Job {
  readonly prepared: Prepared
  readonly slice: Slice
  /** how often its counts did not agree */
  readonly mismatches: number
}

/** A count that does not agree may be a server that just went or came; after this many tries it is reported. */
const MAX_MISMATCHES = 3
const MISMATCH_WAIT_MS = 1_000

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
  const results = new Map<string, Executed>(
    plans.map((plan) => [plan.settings.name, { unproven: [], changed: false, error: undefined }]),
  )
  const of = (prepared: Prepared) => results.get(prepared.settings.name)!
  const jobs: Job[] = interleaved(plans)
  const arrived: { job: Job; fetched: Fetched }[] = []
  const spool = new Budget(request.pull.spoolLimitBytes)
  let look: ReadonlyMap<string, readonly Segment[]> | undefined
  let fetching = 0
  let committing = false
  let failure: unknown
  const stop = new AbortController()
  const signal = AbortSignal.any([ports.signal, stop.signal])
  const inner: Ports = { ...ports, signal }
  const bell = new Bell(signal)

  async function fetcher(): Promise<void> {
    for (;;) {
      await spool.room(signal)
      const job = jobs.shift()
      if (job === undefined) {
        // A job under way may come back in two halves, or for another try.
        if (fetching === 0 && arrived.length === 0 && !committing) return
        await bell.wait()
        signal.throwIfAborted()
        continue
      }
      if (of(job.prepared).error !== undefined) {
        bell.ring()
        continue
      }
      fetching++
      try {
        const fetched = await fetchSlice(inner, job.prepared, job.slice, numbering.next++)
        spool.add(fetched.bytes)
        progress.get(job.prepared.settings.name)!.bytes += fetched.bytes
        ports.emit({
          type: "fetched",
          datasource: job.prepared.settings.name,
          bytes: fetched.bytes,
          expectedRows: job.slice.rows,
        })
        arrived.push({ job, fetched })
      } catch (error) {
        signal.throwIfAborted()
        handleFetchFailure(job, error)
      } finally {
        fetching--
        bell.ring()
      }
    }
  }

  function handleFetchFailure(job: Job, error: unknown): void {
    const smaller = asksForLess(error) ? halves(job.slice) : undefined
    if (smaller !== undefined) {
      jobs.unshift(...smaller.map((slice) => ({ ...job, slice })))
      return
    }
    if (!(error instanceof DruidsyncError)) throw error
    if (error.code === "response-mismatch") {
      of(job.prepared).changed = true
      of(job.prepared).unproven.push({ interval: job.slice.interval, reason: error.message })
      return
    }
    // What is about this machine or the whole server concerns every datasource; the rest only its own.
    if (error.code === "disk-full" || error.code === "file" || error.code === "auth") throw error
    of(job.prepared).error ??= error
  }

  async function committer(): Promise<void> {
    for (;;) {
      if (arrived.length === 0) {
        if (jobs.length === 0 && fetching === 0) {
          bell.ring()
          return
        }
        await bell.wait()
        signal.throwIfAborted()
        continue
      }
      committing = true
      try {
        await land(arrived.splice(0))
      } finally {
        committing = false
        bell.ring()
      }
    }
  }

  /** Stages, proves and commits what has arrived. */
  async function land(batch: { job: Job; fetched: Fetched }[]): Promise<void> {
    const looked = retrying(() => ports.catalog.segments(signal), {
      sleep: ports.clock.sleep,
      signal,
      onRetry: (error, waitMs, attempt) =>
        ports.emit({ type: "retry", message: error.message, waitMs, attempt }),
    })
    looked.catch(() => undefined)
    const staged: { job: Job; fetched: Fetched; staged: Staged }[] = []
    try {
      for (const { job, fetched } of batch) {
        try {
          const table = `stage_${numbering.next++}`
          const intervals = job.slice.works.map((work) => work.interval)
          staged.push({
            job,
            fetched,
            staged: await stage(ports.engine, table, fetched.path, job.prepared.columns, intervals),
          })
        } catch (error) {
          if (!(error instanceof DruidsyncError) || error.code === "disk-full") throw error
          if (error.retryable && job.mismatches < MAX_MISMATCHES)
            jobs.push({ ...job, mismatches: job.mismatches + 1 })
          else of(job.prepared).error ??= inInterval(error, job.slice.interval)
        } finally {
          await rm(fetched.path, { force: true })
          spool.add(-fetched.bytes)
        }
      }
      look = await looked
      await prove(staged, look)
    } finally {
      for (const one of staged) await dropStaged(ports.engine, one.staged.table)
    }
  }

  async function prove(
    batch: { job: Job; fetched: Fetched; staged: Staged }[],
    now: ReadonlyMap<string, readonly Segment[]>,
  ): Promise<void> {
    const ready = new Map<Prepared, ReadySlice[]>()
    let mismatched = false
    for (const { job, fetched, staged } of batch) {
      const { prepared, slice } = job
      const chunks = chunksOf(now.get(prepared.settings.name) ?? [])
      const verdict = proof(slice, staged.counts, staged.rows, fetched.asked, chunks, prepared.digest)
      if (verdict.kind === "proven") {
        const list = ready.get(prepared) ?? []
        list.push({ staged, columns: prepared.columns, parts: verdict.parts, replacing: replacing(slice) })
        ready.set(prepared, list)
        continue
      }
      ports.emit({
        type: "detail",
        message: `"${prepared.settings.name}" ${intervalText(slice.interval)}: ${verdict.message}`,
      })
      if (verdict.kind === "mismatch" && job.mismatches < MAX_MISMATCHES) {
        mismatched = true
        jobs.push({ ...job, mismatches: job.mismatches + 1 })
        continue
      }
      of(prepared).unproven.push({ interval: slice.interval, reason: verdict.message })
      if (verdict.kind === "changed") of(prepared).changed = true
    }
    await store(ready)
    // Servers that come or go need a moment; asking again at once would only see the same.
    if (mismatched) await ports.clock.sleep(MISMATCH_WAIT_MS, signal)
  }

  async function store(ready: Map<Prepared, ReadySlice[]>): Promise<void> {
    const commits = [...ready].map(([prepared, slices]) => ({ ...emptyCommit(prepared), slices }))
    if (commits.length === 0) return
    const { deleted, widened } = await commit(
      ports.engine,
      ports.file,
      commits,
      { id: request.runId, nowMs: ports.clock.nowMs() },
      signal,
    )
    for (const { datasource, column, type } of widened) {
      ports.emit({
        type: "warning",
        datasource,
        message: `column "${column}" became ${type}: DOUBLE would lose digits`,
      })
    }
    for (const [n, one] of commits.entries()) {
      const prepared = [...ready.keys()][n]!
      const rows = one.slices.reduce((sum, slice) => sum + slice.staged.rows, 0)
      const result = progress.get(prepared.settings.name)!
      result.rowsFetched += rows
      result.rowsDeleted += deleted[n]!
      result.slices += one.slices.length
      result.committed.push(...one.slices.flatMap((slice) => slice.parts.map((part) => part.interval)))
      ports.emit({ type: "committed", datasource: prepared.settings.name, rows, slices: one.slices.length })
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
  return { perDatasource: results, look }
}

/** A commit of this plan that does nothing yet. */
export function emptyCommit(prepared: Prepared): DatasourceCommit {
  const { settings, digest, schema } = prepared
  return {
    target: { datasource: settings.name, table: settings.table, settings: digest, schema },
    slices: [],
    refreshed: [],
    keep: [],
    remove: [],
  }
}

/** Datasources take turns, so that a big one does not keep the small ones waiting. */
function interleaved(plans: readonly Prepared[]): Job[] {
  const jobs: Job[] = []
  const longest = Math.max(0, ...plans.map((plan) => plan.slices.length))
  for (let n = 0; n < longest; n++) {
    for (const prepared of plans) {
      const slice = prepared.slices[n]
      if (slice !== undefined) jobs.push({ prepared, slice, mismatches: 0 })
    }
  }
  return jobs
}

/** Chunks of which this slice replaces only a piece: their other old rows are stale from now on. */
function replacing(slice: Slice): Interval[] {
  const cut = slice.works.filter((work) => work.reason.kind === "replaced")
  return union(cut.map((work) => work.chunk.interval)).filter((whole) =>
    cut.some((work) => {
      const inside = intersection(whole, work.interval)
      return inside !== undefined && (inside.start !== whole.start || inside.end !== whole.end)
    }),
  )
}

function inInterval(error: DruidsyncError, where: Interval): DruidsyncError {
  return new DruidsyncError(error.code, `${error.message} (in ${intervalText(where)})`, {
    exitCode: error.exitCode,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  })
}
