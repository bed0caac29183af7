/**
 * Runs the prepared slices: downloads overlap with loads, every slice is proven before it is committed, and one look
 * at the segments proves all slices that had arrived when it began.
 *
 *     slices → fetchers → arrived → (stage | look) → proof → commit
 */
import { rm } from "node:fs/promises"
import { settingsText } from "../config/settings-digest.ts"
import type { Column, Interval, Segment, Slice } from "../domain.ts"
import { asksForLess } from "../druid/failure.ts"
import { DruidsyncError } from "../errors.ts"
import { sameInterval } from "../intervals.ts"
import { chunksOf } from "../plan/chunks.ts"
import { proof } from "../plan/proof.ts"
import { segmentSetText } from "../plan/segment-set.ts"
import { apart, halves } from "../plan/slices.ts"
import { commit, type DatasourceCommit, type ReadySlice, type Replacing } from "../store/commit.ts"
import { dropStaged, type Staged, stage } from "../store/stage.ts"
import { Bell } from "./bell.ts"
import { Budget, type Space } from "./budget.ts"
import { intervalText } from "./describe.ts"
import { type Fetched, fetchSlice } from "./fetch.ts"
import type { Ports, PullRequest } from "./ports.ts"
import type { Prepared } from "./prepare.ts"
import type { Progress } from "./progress.ts"
import { ask } from "./retry.ts"

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
  /** how often it was cut in two */
  readonly halvings: number
}

interface Arrived {
  readonly job: Job
  readonly fetched: Fetched
  readonly space: Space
}

interface HeldSlice {
  readonly job: Job
  readonly fetched: Fetched
  readonly staged: Staged
  readonly sinceMs: number
}

/**
 * Rows that make a transaction worth its fixed costs: two of DuckDB's row groups (122,880 rows), which two threads
 * compress side by side. Less is committed only when nothing more is on its way.
 */
const COMMIT_ROWS = 2 * 122_880
/** Who asks for small slices wants small steps: this many of them at most. */
const COMMIT_SLICES = 4
/** What a slow Druid has sent is not held back longer than this. */
const COMMIT_AFTER_MS = 5_000

/** What a row is taken to need on the spool before any was seen, and from how many on what was seen counts. */
const USUAL_ROW_BYTES = 200
const ROWS_TO_LEARN_FROM = 100

/** A count that does not agree may be a server that just went or came; after this many tries it is reported. */
const MAX_MISMATCHES = 3
const MISMATCH_WAIT_MS = 1_000

/**
 * A slice is cut down to a 64th. Where even that times out, it is not the size: going on to single milliseconds would
 * ask a server that is down for ever.
 */
const MAX_HALVINGS = 6

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
  const arrived: Arrived[] = []
  const commitRows = Math.min(COMMIT_ROWS, COMMIT_SLICES * request.pull.sliceRows)
  /** parsed and waiting for their transaction */
  const held: HeldSlice[] = []
  const spool = new Budget(request.pull.spoolLimitBytes)
  let rowBytes = USUAL_ROW_BYTES
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
      signal.throwIfAborted()
      const job = jobs.shift()
      if (job === undefined) {
        // A job under way may come back in two halves, or for another try.
        if (fetching === 0 && arrived.length === 0 && held.length === 0 && !committing) return
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
        const { space, fetched } = await fetchWithinSpool(job)
        progress.get(job.prepared.settings.name)!.bytes += fetched.bytes
        ports.emit({
          type: "fetched",
          datasource: job.prepared.settings.name,
          bytes: fetched.bytes,
          expectedRows: job.slice.rows,
        })
        arrived.push({ job, fetched, space })
      } catch (error) {
        signal.throwIfAborted()
        handleFetchFailure(job, error)
      } finally {
        fetching--
        bell.ring()
      }
    }
  }

  /** @throws DruidsyncError, among others `query` where the answer does not fit the spool: a smaller slice may */
  async function fetchWithinSpool(job: Job): Promise<{ space: Space; fetched: Fetched }> {
    const rows = job.slice.rows > 0 ? job.slice.rows : request.pull.sliceRows / 2
    const space = await spool.reserve(rows * rowBytes, signal)
    const counting: Ports = {
      ...inner,
      emit: (event) => {
        ports.emit(event)
        if (event.type === "received" && !space.took(event.bytes) && event.bytes > 0) throw spoolFull(request)
      },
    }
    try {
      const fetched = await fetchSlice(counting, job.prepared, job.slice, numbering.next++)
      if (job.slice.rows >= ROWS_TO_LEARN_FROM) rowBytes = Math.max(rowBytes, fetched.bytes / job.slice.rows)
      return { space, fetched }
    } catch (error) {
      space.release()
      throw error
    }
  }

  function handleFetchFailure(job: Job, error: unknown): void {
    const mayCut = asksForLess(error) && job.halvings < MAX_HALVINGS
    const smaller = mayCut ? halves(job.slice) : undefined
    if (smaller !== undefined) {
      jobs.unshift(...smaller.map((slice) => ({ ...job, slice, halvings: job.halvings + 1 })))
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

  let hasAsked = false

  async function committer(): Promise<void> {
    for (;;) {
      if (arrived.length === 0) {
        if (jobs.length === 0 && fetching === 0) {
          if (held.length > 0) {
            await land([])
            continue
          }
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
      } catch (error) {
        await dropHeld()
        throw error
      } finally {
        committing = false
        bell.ring()
      }
    }
  }

  /** Stages what has arrived; proves and commits once that is worth a transaction, or nothing more will come. */
  async function land(batch: Arrived[]): Promise<void> {
    const promised = batch.reduce((sum, { job }) => sum + job.slice.rows, heldRows())
    const isDue = () => ports.clock.nowMs() - (held[0]?.sinceMs ?? Infinity) >= COMMIT_AFTER_MS
    const isLast = () => jobs.length === 0 && fetching === 0 && arrived.length === 0
    // The look that proves must begin after the last of the responses has ended; it runs while they are parsed.
    let looked = promised >= commitRows || isDue() || isLast() ? lookAgain() : undefined
    for (const one of batch) await stageOne(one)
    if (looked === undefined && (heldRows() >= commitRows || isDue() || isLast())) looked = lookAgain()
    // What was asked about the rows is true of these segments only if they are still the same afterwards.
    if (hasAsked && looked !== undefined) looked = lookAgain()
    hasAsked = false
    if (looked === undefined) return
    look = await looked
    await prove(held, look)
    await dropHeld()
  }

  function lookAgain(): Promise<ReadonlyMap<string, readonly Segment[]>> {
    const looked = ask(inner, () => ports.catalog.segments(signal))
    // Staging may fail before anyone waits for this.
    looked.catch(() => undefined)
    return looked
  }

  async function stageOne({ job, fetched, space }: Arrived): Promise<void> {
    try {
      const table = `stage_${numbering.next++}`
      const intervals = job.slice.works.map((work) => work.interval)
      const { columns, rowHash } = job.prepared
      const staged = await stage(ports.engine, table, fetched.path, columns, intervals, rowHash)
      if (staged.suspects.length > 0) {
        hasAsked = true
        await refuseSeveral(job, staged).catch(async (error) => {
          await dropStaged(ports.engine, table)
          throw error
        })
      }
      held.push({ job, fetched, staged, sinceMs: ports.clock.nowMs() })
    } catch (error) {
      if (!(error instanceof DruidsyncError) || error.code === "disk-full") throw error
      if (error.code === "response-mismatch") handleFetchFailure(job, error)
      else if (error.retryable && job.mismatches < MAX_MISMATCHES)
        jobs.push({ ...job, mismatches: job.mismatches + 1 })
      else of(job.prepared).error ??= inInterval(error, job.slice.interval)
    } finally {
      await rm(fetched.path, { force: true })
      space.release()
    }
  }

  function heldRows(): number {
    return held.reduce((sum, { staged }) => sum + staged.rows, 0)
  }

  async function dropHeld(): Promise<void> {
    for (const { staged } of held.splice(0)) await dropStaged(ports.engine, staged.table)
  }

  /**
   * Texts that look like Druid's way to write several values are either just that or texts: only Druid knows. Metadata
   * said that there are none; it may have been incomplete, or rows came since.
   * @throws DruidsyncError `response-mismatch` where they are several values: the slice has to be fetched as lists
   */
  async function refuseSeveral(job: Job, rows: Staged): Promise<void> {
    const { settings, source } = job.prepared
    const learnt = progress.get(settings.name)!.severalValues
    const unknown = rows.suspects.filter((name) => !learnt.has(name))
    if (unknown.length === rows.suspects.length) {
      const found = await ask(inner, () =>
        ports.catalog.severalValues(source, unknown, job.slice.interval, signal),
      )
      if (found.rows < rows.rows) {
        throw new DruidsyncError("count-mismatch", `Druid counts ${found.rows} rows, ${rows.rows} arrived`, {
          retryable: true,
        })
      }
      for (const name of found.names) learnt.add(name)
    }
    const several = rows.suspects.filter((name) => learnt.has(name))
    if (several.length === 0) return
    const names = several.map((name) => `"${name}"`).join(", ")
    throw new DruidsyncError("response-mismatch", `rows with several values came for ${names}; fetched again`)
  }

  async function prove(
    batch: readonly HeldSlice[],
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
        list.push({
          staged,
          columns: storedColumns(prepared),
          parts: verdict.parts,
          replacing: replacing(slice),
        })
        ready.set(prepared, list)
        continue
      }
      ports.emit({
        type: "detail",
        message: `"${prepared.settings.name}" ${intervalText(slice.interval)}: ${verdict.message}`,
      })
      if (verdict.kind === "mismatch") {
        const pieces = apart(slice, verdict.works)
        // The neighbours of what does not agree are not to wait for it: they come again by themselves.
        if (pieces.length > 1 || job.mismatches < MAX_MISMATCHES) {
          mismatched = true
          const mismatches = pieces.length > 1 ? job.mismatches : job.mismatches + 1
          jobs.push(...pieces.map((piece) => ({ ...job, slice: piece, mismatches })))
          continue
        }
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

/** Columns of a staging table of this plan. */
function storedColumns({ columns, rowHash }: Prepared): readonly Column[] {
  return rowHash === undefined ? columns : [...columns, rowHash]
}

/** A commit of this plan that does nothing yet. */
export function emptyCommit(prepared: Prepared): DatasourceCommit {
  const { settings, schema } = prepared
  return {
    target: { datasource: settings.name, table: settings.table, settings: settingsText(settings), schema },
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
      if (slice !== undefined) jobs.push({ prepared, slice, mismatches: 0, halvings: 0 })
    }
  }
  return jobs
}

/** Chunks of which this slice replaces only a piece: their other old rows are stale from now on. */
function replacing(slice: Slice): Replacing[] {
  const pieces = slice.works.filter(
    ({ reason, interval, chunk }) => reason.kind === "replaced" && !sameInterval(interval, chunk.interval),
  )
  return [...new Set(pieces.map((work) => work.chunk))].map(({ interval, segments }) => ({
    interval,
    segments: segmentSetText(segments),
  }))
}

/** A smaller slice may fit (see `asksForLess`). */
function spoolFull({ pull }: PullRequest): DruidsyncError {
  const limit = `${Math.round(pull.spoolLimitBytes / 1e6)} MB`
  return new DruidsyncError("query", `the answer was refused as too big for the spool (limit ${limit})`, {
    hint: 'raise "spoolLimit", or lower "sliceRows" or "concurrency"',
  })
}

function inInterval(error: DruidsyncError, where: Interval): DruidsyncError {
  return new DruidsyncError(error.code, `${error.message} (in ${intervalText(where)})`, {
    exitCode: error.exitCode,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  })
}
