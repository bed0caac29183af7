/**
 * What is to be fetched of one datasource, decided step by step: what needs no question first, then batch by batch what
 * Druid has to be asked about. What is decided can be fetched while the rest is being decided.
 */

import type { Chunk, Interval, Part, Slice, Work } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { subtract, union } from "../../base/intervals.ts"
import { sumOf } from "../../base/lists.ts"
import type { Share } from "../../base/shard.ts"
import type { Source } from "../../druid/sql.ts"
import { conditionOf, estimatedRows } from "../../plan/chunks.ts"
import { type Recount, recounted, stateAfter } from "../../plan/diff.ts"
import { staysSettled } from "../../plan/proof.ts"
import { needsMeasuring, slicesOf } from "../../plan/slices.ts"
import type { Ports } from "../ports.ts"
import { count, type Doubt, measured, promiseOf } from "./measure.ts"

/** One step's result. */
export interface Decided {
  readonly slices: readonly Slice[]
  /** checkpoints whose rows a count has proven: they are renewed without a fetch */
  readonly refreshed: readonly Part[]
  /** chunks of which nothing can be said now */
  readonly doubtful: readonly Doubt[]
}

/** Chunks, and rows of theirs, that are asked about at once: few at first, so that something can be fetched soon. */
const FIRST = { chunks: 100, rows: 5_000_000 } as const
const MOST = { chunks: 2_000, rows: 100_000_000 } as const
const GROWTH = 4

/** What the questions are about. */
interface Asked {
  readonly source: Source
  /** all chunks of the datasource that hold rows of ours, ascending */
  readonly chunks: readonly Chunk[]
  readonly share: Share
  /** the chunks at these intervals as Druid lists them now (`chunksNow`) */
  readonly look: (intervals: readonly Interval[], signal: AbortSignal) => Promise<readonly Chunk[]>
}

export class Decisions {
  readonly #asks: Pick<Ports, "catalog">
  readonly #subject: Asked
  /** ascending */
  #works: readonly Work[]
  #recounts: readonly Recount[]
  #refreshed: Part[] = []
  #doubtful: Doubt[] = []
  #size: { readonly chunks: number; readonly rows: number } = FIRST

  constructor(
    asks: Pick<Ports, "catalog">,
    subject: Asked,
    works: readonly Work[],
    recounts: readonly Recount[],
  ) {
    this.#asks = asks
    this.#subject = subject
    this.#works = works
    this.#recounts = recounts
  }

  /** Nothing is left to decide. */
  get isDone(): boolean {
    return this.#works.length + this.#recounts.length === 0
  }

  /** Everything that may still have to be fetched: of what is to be counted, all. */
  get candidates(): readonly Work[] {
    const possible = this.#recounts.flatMap(({ chunk, parts, reason }) =>
      parts.map(({ interval }): Work => {
        const state = stateAfter(conditionOf(chunk))
        return { interval, chunk, reason, state, expectedRows: undefined }
      }),
    )
    return [...this.#works, ...possible]
  }

  /** Stretches that nothing was decided about. */
  get left(): readonly Interval[] {
    return union(this.candidates.map((work) => work.interval))
  }

  /** Counts until there is something to fetch, or nothing left to count. @throws DruidsyncError */
  async untilWork(signal: AbortSignal): Promise<Omit<Decided, "slices">> {
    while (this.#works.length === 0 && this.#recounts.length > 0) await this.#recount(signal)
    return this.#taken()
  }

  /**
   * Decides a bit more.
   * @param target rows of a slice
   * @throws DruidsyncError; what it was about is still left then
   */
  async next(target: number, signal: AbortSignal): Promise<Decided> {
    if (this.#works.length === 0) await this.#recount(signal)
    const isOpen = (work: Work) => {
      const isShared = this.#subject.share(work.interval) === "some"
      return needsMeasuring(work, target, this.#subject.source.filter !== undefined || isShared)
    }
    const open = this.#works.filter(isOpen)
    const known = open.length === 0 ? this.#works : this.#works.filter((work) => !isOpen(work))
    if (known.length > 0) {
      this.#works = open
      return this.#decided(known, target)
    }
    const works = await this.#asking(open, (some) =>
      measured({ ...this.#asks, signal }, this.#subject.source, some, target),
    )
    if (works === undefined) return this.#decided([], target)
    this.#works = open.slice(works.batch.length)
    this.#doubtful.push(...works.answer.doubtful)
    return this.#decided(works.answer.works, target)
  }

  /** Compares what is held of some chunks with what Druid counts there. */
  async #recount(signal: AbortSignal): Promise<void> {
    const asked = await this.#asking(this.#recounts, (some) =>
      count(
        { ...this.#asks, signal },
        this.#subject.source,
        some.flatMap((recount) => [...partsOf(recount), ...restOf(recount)]),
      ),
    )
    if (asked === undefined) return
    const counts = new Map(asked.answer.map((bucket) => [bucket.interval.start, bucket]))
    const answers = asked.batch.map((recount) => {
      const own = partsOf(recount).map(({ start }) => counts.get(start)!)
      const rest = restOf(recount).map(({ start }) => counts.get(start)!)
      const counted = sumOf([...own, ...rest], ({ all }) => all)
      return { chunk: recount.chunk, counted, ...recounted(recount, own, counted) }
    })
    const moved = await this.#movedMeanwhile(answers, signal)
    const works: Work[] = []
    for (const { chunk, counted, doubtful, refreshed, works: own } of answers) {
      if (doubtful || moved.has(chunk)) {
        this.#doubtful.push({ chunk, counted, promised: promiseOf(chunk) })
        continue
      }
      works.push(...own)
      this.#refreshed.push(...refreshed)
    }
    this.#recounts = this.#recounts.slice(asked.batch.length)
    this.#works = works
  }

  /**
   * Chunks of which a count seems to prove rows, but was of other segments than those listed before. Where metadata promises
   * the rows of a chunk, its count has been held against that; of the others another look tells.
   */
  async #movedMeanwhile(
    answers: readonly { readonly chunk: Chunk; readonly refreshed: readonly Part[] }[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<Chunk>> {
    const open = answers
      .filter(({ chunk, refreshed }) => refreshed.length > 0 && promiseOf(chunk) === undefined)
      .map(({ chunk }) => chunk)
    if (open.length === 0) return new Set()
    const now = await this.#subject.look(
      open.map((chunk) => chunk.interval),
      signal,
    )
    return new Set(open.filter((chunk) => !staysSettled(chunk, now)))
  }

  /**
   * Asks about as much as one question may be about: more each time, and less where it was too much for Druid.
   * @returns undefined if there is nothing to ask
   */
  async #asking<T extends { readonly chunk: Chunk }, A>(
    open: readonly T[],
    ask: (batch: readonly T[]) => Promise<A>,
  ): Promise<{ batch: readonly T[]; answer: A } | undefined> {
    for (;;) {
      const batch = firstOf(open, this.#size)
      if (batch.length === 0) return undefined
      try {
        const answer = await ask(batch)
        const { chunks, rows } = this.#size
        this.#size = {
          chunks: Math.min(MOST.chunks, chunks * GROWTH),
          rows: Math.min(MOST.rows, rows * GROWTH),
        }
        return { batch, answer }
      } catch (error) {
        const mayCut = error instanceof DruidsyncError && error.asksForLess && batch.length > 1
        if (!mayCut) throw error
        const rows = sumOf(batch, ({ chunk }) => estimatedRows(chunk))
        this.#size = { chunks: Math.ceil(batch.length / 2), rows: Math.ceil(rows / 2) }
      }
    }
  }

  #decided(works: readonly Work[], target: number): Decided {
    return { slices: slicesOf(works, this.#subject.chunks, target), ...this.#taken() }
  }

  #taken(): Omit<Decided, "slices"> {
    const [refreshed, doubtful] = [this.#refreshed, this.#doubtful]
    this.#refreshed = []
    this.#doubtful = []
    return { refreshed, doubtful }
  }
}

/** The works and recounts of one chunk stay together. */
function firstOf<T extends { readonly chunk: Chunk }>(
  open: readonly T[],
  size: { readonly chunks: number; readonly rows: number },
): readonly T[] {
  let chunks = 0
  let rows = 0
  let last: Chunk | undefined
  for (const [n, { chunk }] of open.entries()) {
    if (chunk === last) continue
    last = chunk
    chunks++
    rows += estimatedRows(chunk)
    if (chunks > 1 && (chunks > size.chunks || rows > size.rows)) return open.slice(0, n)
  }
  return open
}

function partsOf(recount: Recount): Interval[] {
  return recount.parts.map((part) => part.interval)
}

function restOf(recount: Recount): Interval[] {
  return subtract(recount.chunk.interval, partsOf(recount))
}
