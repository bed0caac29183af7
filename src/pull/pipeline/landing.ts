/**
 * The second half of the pipeline: responses are parsed, and beside that, on another connection, those parsed before are
 * proven and committed. One look at the segments proves all slices that had arrived when it began, and slices share
 * transactions.
 */

import type { Column, Interval, Part, Slice } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { collectGarbage } from "../../base/garbage.ts"
import { intervalText, sameInterval } from "../../base/intervals.ts"
import { sumOf } from "../../base/lists.ts"
import type { SegmentsLook } from "../../base/segments-look.ts"
import { labelOf } from "../../config/table-name.ts"
import { removeSpooled } from "../../druid/spool.ts"
import { proof } from "../../plan/proof.ts"
import { segmentSetText } from "../../plan/segment-set.ts"
import { apart, isAddition } from "../../plan/slices.ts"
import type { ReadySlice, Replacing } from "../../store/rows/commit.ts"
import { commitApart } from "../../store/rows/commit-apart.ts"
import { dropStaged, type Staged, stage } from "../../store/rows/stage.ts"
import { describeMismatch } from "../describe.ts"
import { commitOf, type Prepared } from "../prepare/prepare.ts"
import { chunksFor } from "../source.ts"
import type { Arrived } from "./downloads.ts"
import type { Fetched } from "./fetch.ts"
import { checkSegments, isPastBroker, SegmentLacking } from "./past-broker.ts"
import type { Job, Round } from "./round.ts"

/** A look that began after the responses had ended which it proves. */
interface ProvingLook {
  readonly segments: SegmentsLook
  /** false: only what is to be proven was looked at */
  readonly isWhole: boolean
}

interface HeldSlice {
  readonly job: Job
  readonly fetched: Fetched
  readonly staged: Staged
  readonly sinceMs: number
}

/** Rows of a row group of DuckDB's: what a commit leaves in its last one stays apart from what the next commit brings. */
const ROW_GROUP = 122_880
/** Rows that are worth a transaction, whatever they leave in the last row group. */
const COMMIT_ROWS = 3 * ROW_GROUP
/** Bytes of responses that are worth a transaction, however few rows they are: two slices of long rows. */
const COMMIT_BYTES = 100_000_000
/** While rows are committed, no more are parsed beside them than make so many together. */
const STAGED_ROWS = 2 * ROW_GROUP
/**
 * So many tables are worth a transaction with fewer rows: each costs DuckDB as much as tens of thousands of rows, and ends in
 * a row group of its own anyway. The next ones are parsed meanwhile.
 */
const COMMIT_TABLES = 16
/** If the user asks for small slices, commits stay small: this many slices at most. */
const COMMIT_SLICES = 4
/** Rows of a slow Druid wait no longer than this for their commit; the first rows of a run not even so long. */
const COMMIT_AFTER_MS = 5_000
const FIRST_COMMIT_AFTER_MS = 1_000

/** Counts may disagree because a server just came or went. After this many tries we report it. */
const MAX_MISMATCHES = 3
const MISMATCH_WAIT_MS = 1_000

export class Landing {
  readonly #round: Round
  readonly #commitRows: number
  /** parsed and waiting for their transaction */
  readonly #held: HeldSlice[] = []
  /** in the transaction under way */
  #committing: readonly HeldSlice[] = []
  /** checkpoints that go into the next transaction, proven by a count alone */
  #refreshed = new Map<Prepared, readonly Part[]>()
  /** a look that proves all that is held: it began after their responses had ended */
  #looked: Promise<ProvingLook> | undefined
  /** the latest look at all segments, if one was needed */
  look: SegmentsLook | undefined

  constructor(round: Round) {
    this.#round = round
    this.#commitRows = Math.min(COMMIT_ROWS, COMMIT_SLICES * round.request.pull.sliceRows)
  }

  get isEmpty(): boolean {
    return this.#held.length === 0 && this.#refreshed.size === 0
  }

  /** Renews checkpoints with the next transaction. */
  refresh(prepared: Prepared, parts: readonly Part[]): void {
    if (parts.length === 0) return
    this.#refreshed.set(prepared, [...(this.#refreshed.get(prepared) ?? []), ...parts])
  }

  /** What is held is worth a transaction, or has waited long enough for one. */
  get isDue(): boolean {
    const [oldest] = this.#held
    if (oldest === undefined) return false
    if (this.#isWorthCommitting() || this.#round.request.limit?.isOver() === true) return true
    const longestMs = this.#round.hasStored ? COMMIT_AFTER_MS : FIRST_COMMIT_AFTER_MS
    return this.#round.ports.clock.nowMs() - oldest.sinceMs >= longestMs
  }

  /** Nothing more is to be parsed for now: it would only need more memory. */
  get isFull(): boolean {
    const isBeside = this.#held.length > 0 && this.#committing.length > 0
    const staged = [...this.#held, ...this.#committing]
    const isMuch = rowsOf(staged) >= STAGED_ROWS || bytesOf(staged) >= COMMIT_BYTES
    return (isBeside && isMuch) || this.#isWorthCommitting()
  }

  /** @param next what is about to be parsed */
  #isWorthCommitting(next?: Job): boolean {
    const rows = rowsOf(this.#held) + (next?.slice.rows ?? 0)
    if (isWorthCommitting(rows, this.#commitRows) || bytesOf(this.#held) >= COMMIT_BYTES) return true
    const jobs = [...this.#held.map(({ job }) => job), ...(next === undefined ? [] : [next])]
    const tables = new Set(jobs.map(({ prepared }) => prepared)).size
    return rows >= ROW_GROUP / 2 && tables >= COMMIT_TABLES
  }

  /**
   * Parses what has arrived; it is held until `commit`.
   * @param isLast nothing more is on its way: it will be committed next
   * @throws DruidsyncError if the machine fails
   */
  async stage(one: Arrived, isLast: boolean): Promise<void> {
    // The look that proves must begin after the last of the responses has ended; it runs while that one is parsed.
    const isNext = isLast || this.#isWorthCommitting(one.job)
    void this.#forget()
    if (isNext) this.#looked = this.#lookAgain([...this.#held.map(({ job }) => job), one.job], isLast)
    await this.#parse(one)
  }

  /**
   * Proves and commits what is held.
   * @param isLast nothing more is on its way
   * @throws DruidsyncError if the machine fails
   */
  async commit(isLast: boolean): Promise<void> {
    const batch = this.#held.splice(0)
    this.#committing = batch
    const refreshed = this.#refreshed
    this.#refreshed = new Map()
    const jobs = batch.map(({ job }) => job)
    const looked = this.#looked ?? (batch.length > 0 ? this.#lookAgain(jobs, isLast) : undefined)
    this.#looked = undefined
    try {
      const proven = looked === undefined ? new Map() : await this.#prove(batch, await looked)
      await this.#store(proven, refreshed)
    } catch (error) {
      // Report the original error; ignore errors from cleaning up.
      await this.#dropAll(batch).catch(() => undefined)
      throw error
    } finally {
      this.#committing = []
    }
    await this.#dropAll(batch)
    collectGarbage()
  }

  /**
   * Looks at what is to be proven; the last time at everything, since that is what the next round begins with.
   * @param jobs of all that is to be proven
   */
  #lookAgain(jobs: readonly Job[], isLast: boolean): Promise<ProvingLook> {
    const { ports } = this.#round
    const within = new Map<string, Interval[]>()
    for (const job of jobs) {
      const { name } = job.prepared.settings
      within.set(name, [...(within.get(name) ?? []), spanOf(job)])
    }
    const looked = ports.catalog
      .segments(ports.signal, isLast ? undefined : within)
      .then((segments) => ({ segments, isWhole: isLast }))
    // Staging may fail before anyone waits for this.
    looked.catch(() => undefined)
    return looked
  }

  /** Lets go of a look that proves nothing any more. */
  #forget(): Promise<void> {
    const forgotten = this.#looked?.then(({ segments }) => segments.drop()).catch(() => undefined)
    this.#looked = undefined
    return forgotten ?? Promise.resolve()
  }

  async #parse({ job, fetched, space }: Arrived): Promise<void> {
    const { ports, numbering } = this.#round
    const { loader } = ports
    try {
      const table = `stage_${numbering.next++}`
      const intervals = job.slice.works.map((work) => work.interval)
      const { columns, rowHash } = job.prepared
      const staged = await stage(loader, table, fetched.paths, columns, intervals, rowHash, fetched.form)
      const drop = async (error: unknown) => {
        await dropStaged(loader, table)
        throw error
      }
      await checkSegments(ports, fetched, staged.perSegment).catch(drop)
      await this.#refuseTorn(job, fetched, staged).catch(drop)
      if (staged.suspects.length > 0) {
        await this.#refuseSeveral(job, staged).catch(drop)
        // What was asked about the rows is true of these segments only if they are still the same afterwards.
        void this.#forget()
      }
      this.#held.push({ job, fetched, staged, sinceMs: ports.clock.nowMs() })
    } catch (error) {
      if (!(error instanceof DruidsyncError) || error.code === "disk-full") throw error
      if (error.code === "response-mismatch") this.#round.fetchFailed(job, error)
      // Each time one replica less is asked, and at last the broker: this ends.
      else if (error instanceof SegmentLacking) this.#round.add(job)
      // What is wrong with rows of a data node may be so with that data node alone.
      else if ((error.retryable || isPastBroker(fetched)) && job.mismatches < MAX_MISMATCHES)
        this.#round.add({ ...job, mismatches: job.mismatches + 1 })
      else this.#round.sliceFailed(job, error)
    } finally {
      await removeSpooled(fetched.paths)
      space.release()
    }
  }

  /** Drops the slices that were not committed, and the look that would have proven them. */
  async drop(): Promise<void> {
    await this.#forget()
    await this.#dropAll(this.#held.splice(0))
  }

  async #dropAll(slices: readonly HeldSlice[]): Promise<void> {
    for (const { staged } of slices) await dropStaged(this.#round.ports.engine, staged.table)
  }

  /**
   * Texts that look like Druid's way to write several values are either just that or texts: only Druid knows. Metadata
   * said that there are none; it may have been incomplete, or rows came since.
   * @throws DruidsyncError `response-mismatch` if they are several values: the slice has to be fetched as lists
   */
  async #refuseSeveral(job: Job, rows: Staged): Promise<void> {
    const { ports } = this.#round
    const { source } = job.prepared
    const learnt = this.#round.progressOf(job.prepared).severalValues
    const unknown = rows.suspects.filter((name) => !learnt.has(name))
    if (unknown.length === rows.suspects.length) {
      const columns = job.prepared.columns.filter((column) => unknown.includes(column.name))
      const found = await ports.catalog.severalValues(source, columns, job.slice.interval, ports.signal)
      if (found.rows < rows.rows) {
        throw new DruidsyncError("count-mismatch", `Druid counts ${found.rows} rows, ${rows.rows} arrived`, {
          retryable: true,
        })
      }
      for (const name of found.names) learnt.add(name)
    }
    const several = rows.suspects.filter((name) => learnt.has(name))
    if (several.length === 0) return
    throw severalCame(several)
  }

  /**
   * A row with several values is in several groups, where Druid is not told to take them as a list: then groups have more
   * rows than there are. Metadata said that no row has several; it may have been incomplete, and tells nothing of expressions.
   * @throws DruidsyncError `response-mismatch` if a row has several: the slice has to be fetched as lists
   */
  async #refuseTorn({ prepared, slice }: Job, { asked }: Fetched, { source }: Staged): Promise<void> {
    const { aggregate } = prepared.source
    if (aggregate === undefined) return
    const most = slice.works.reduce((sum, work, n) => sum + (asked?.after[n] ?? work.expectedRows ?? 0), 0)
    if (source.rows <= most) return
    const learnt = this.#round.progressOf(prepared).severalValues
    const single = prepared.columns.filter(
      ({ name, druidType, multiValue }) =>
        druidType === "STRING" && !multiValue && aggregate.by.some((one) => one.name === name),
    )
    const { catalog, signal } = this.#round.ports
    const found = await catalog.severalValues(prepared.source, single, slice.interval, signal)
    for (const name of found.names) learnt.add(name)
    if (found.names.size > 0) throw severalCame([...found.names])
  }

  /** @returns what is proven; the rest comes again, or is left out */
  async #prove(
    batch: readonly HeldSlice[],
    { segments, isWhole }: ProvingLook,
  ): Promise<Map<Prepared, ReadySlice[]>> {
    const { ports } = this.#round
    const chunksOfJob = async (job: Job) => {
      const { settings } = job.prepared
      return chunksFor(settings, await segments.segments(settings.name, [spanOf(job)]))
    }
    // Servers that come or go need a moment; asking again at once would only see the same.
    const notBeforeMs = ports.clock.nowMs() + MISMATCH_WAIT_MS
    const ready = new Map<Prepared, ReadySlice[]>()
    for (const { job, fetched, staged } of batch) {
      const { prepared, slice } = job
      const { digest } = prepared
      const { source } = staged
      const chunks = await chunksOfJob(job)
      const verdict = proof(slice, source.counts, source.rows, fetched.asked, chunks, digest)
      if (verdict.kind === "proven") {
        const list = ready.get(prepared) ?? []
        list.push({
          staged,
          columns: storedColumns(prepared),
          parts: prepared.source.aggregate === undefined ? verdict.parts : ofGroups(verdict.parts, staged),
          replacing: replacing(slice),
          beside: isAddition(slice) ? slice.works.map(({ added }) => added!.heldRows) : undefined,
          bytes: fetched.bytes,
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
        // The other slices of the batch must not wait for one that does not agree: it is fetched again by itself.
        if (pieces.length > 1 || job.mismatches < MAX_MISMATCHES) {
          const mismatches = pieces.length > 1 ? job.mismatches : job.mismatches + 1
          for (const piece of pieces) this.#round.add({ ...job, slice: piece, mismatches, notBeforeMs })
          continue
        }
      }
      const result = this.#round.resultOf(prepared)
      const { kind, message } = verdict
      const reason = kind === "mismatch" ? describeMismatch(slice, source.counts, message) : message
      result.unproven.push({ interval: slice.interval, reason })
      if (verdict.kind === "changed") result.changed = true
    }
    const { look } = this
    if (isWhole) this.look = segments
    await (isWhole ? look : segments)?.drop()
    return ready
  }

  async #store(
    ready: ReadonlyMap<Prepared, readonly ReadySlice[]>,
    refreshed: ReadonlyMap<Prepared, readonly Part[]>,
  ): Promise<void> {
    const { ports, request } = this.#round
    const plans = [...new Set([...ready.keys(), ...refreshed.keys()])]
    const commits = plans.map((prepared) => ({
      ...commitOf(prepared),
      slices: ready.get(prepared) ?? [],
      refreshed: refreshed.get(prepared) ?? [],
    }))
    if (commits.length === 0) return
    const results = await commitApart(
      ports.engine,
      ports.file,
      commits,
      { id: request.runId, nowMs: ports.clock.nowMs(), origin: ports.origin },
      ports.signal,
    )
    for (const [n, one] of commits.entries()) {
      const prepared = plans[n]!
      const done = results[n]!
      if (done.error !== undefined) {
        this.#round.resultOf(prepared).error ??= done.error
        continue
      }
      for (const { column, type } of done.widened) {
        const message = `column "${column}" became ${type}: DOUBLE would lose digits`
        ports.emit({ type: "warning", ...labelOf(prepared.settings), message })
      }
      const rows = rowsOf(one.slices)
      const result = this.#round.progressOf(prepared)
      result.rowsFetched += rows
      result.rowsPastBroker += rowsOf(one.slices.filter(({ staged }) => staged.perSegment.length > 0))
      result.rowsDeleted += done.deleted
      result.slices += one.slices.length
      result.committed.push(...one.slices.flatMap((slice) => slice.parts.map((part) => part.interval)))
      if (one.slices.length > 0)
        ports.emit({
          type: "committed",
          ...labelOf(prepared.settings),
          rows: sumOf(one.slices, ({ staged }) => staged.source.rows),
          slices: one.slices.length,
        })
    }
  }
}

/** What has to be looked at to prove a slice: its chunks, whole. They are ascending. */
function spanOf({ slice: { works } }: Job): Interval {
  return { start: works[0]!.chunk.interval.start, end: works.at(-1)!.chunk.interval.end }
}

/** Of their responses. */
function bytesOf(slices: readonly HeldSlice[]): number {
  return sumOf(slices, ({ fetched }) => fetched.bytes)
}

function rowsOf(slices: readonly Pick<ReadySlice, "staged">[]): number {
  return sumOf(slices, ({ staged }) => staged.rows)
}

/**
 * Whether rows make a transaction worth its fixed costs. The checkpoint after a commit rewrites neighbouring row groups
 * that fit into one less: half-empty ones between full ones, 1 to 4 CPU seconds per million rows. Hence a commit of one or
 * two row groups must fill the last one by more than half; from three on there is no such neighbour. Smaller commits need
 * less memory and lock the file for less long. Less than all of this is committed only when nothing more is on its way.
 */
function isWorthCommitting(rows: number, most: number): boolean {
  if (rows >= most) return true
  return rows > ROW_GROUP && rows % ROW_GROUP > ROW_GROUP / 2
}

function severalCame(columns: readonly string[]): DruidsyncError {
  const names = columns.map((name) => `"${name}"`).join(", ")
  return new DruidsyncError("response-mismatch", `rows with several values came for ${names}; fetched again`)
}

/** Checkpoints of groups: their rows are those of the table. */
function ofGroups(parts: readonly Part[], { counts }: Staged): Part[] {
  return parts.map((part, n) => ({ ...part, rows: counts[n]!, sourceRows: part.rows }))
}

/** Columns of a staging table of this plan. */
function storedColumns({ columns, rowHash }: Prepared): readonly Column[] {
  return rowHash === undefined ? columns : [...columns, rowHash]
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
