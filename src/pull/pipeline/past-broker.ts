/**
 * A slice past the broker: its segments are asked of the data nodes that have them. What a data node cannot prove by itself
 * is left to SQL, slice by slice.
 */

import PQueue from "p-queue"
import type { Column, Segment, Slice, Work } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { intersection } from "../../base/intervals.ts"
import { sumOf } from "../../base/lists.ts"
import type { PullSettings } from "../../config/settings.ts"
import type { SpoolOptions } from "../../druid/client.ts"
import type { SegmentDescriptor } from "../../druid/direct/compile.ts"
import type { NodeShare } from "../../druid/direct/locate.ts"
import type { DirectReader, Located, Wanted } from "../../druid/direct/reader.ts"
import { segmentId } from "../../druid/segment-id.ts"
import { removeSpooled, type SpoolFile, spooling } from "../../druid/spool.ts"
import type { Source } from "../../druid/sql.ts"
import { conditionOf } from "../../plan/chunks.ts"
import type { SpoolForm } from "../../store/rows/spool-source.ts"

/** What is read of a datasource. */
export interface Reading {
  readonly source: Source
  /** in the order of the response */
  readonly columns: readonly Column[]
  /** each column has one type in all segments: a data node writes what Druid's SQL would */
  readonly isUniform: boolean
  /** bytes of a row in a response, from a sample; undefined if there was none */
  readonly rowBytes: number | undefined
}

/** Rows on the spool, and of those that came from data nodes what each segment must have brought. */
export interface FromSegments {
  readonly paths: readonly string[]
  readonly bytes: number
  /** how the rows stand in the files */
  readonly form: SpoolForm
  /** of batches, per segment of the form; undefined if the slice holds a part of it, or a filter is set */
  readonly promised: readonly (Promised | undefined)[]
}

/** What a data node must have sent of a segment. */
interface Promised {
  /** by the metadata */
  readonly rows: number
  /** of the data node */
  readonly address: string
}

/** A data node sent less or more of a segment than its metadata promises. Another one may have it; after the last, the broker. */
export class SegmentLacking extends DruidsyncError {
  constructor(id: string, arrived: number, promised: number) {
    const message = `${arrived} rows of segment ${id} arrived, its metadata promises ${promised}`
    super("count-mismatch", message, { retryable: true })
  }
}

/** Requests that one data node is sent at a time: it reads a segment with one thread, and answers the queries of others beside. */
const REQUESTS_PER_NODE = 4

/** Slices that the broker is asked to locate at once, for a plan. */
const SLICES_PER_QUESTION = 100

/** Fetches slices of a run from data nodes, several of them side by side. */
export class PastBroker {
  readonly #reader: DirectReader
  /** by address */
  readonly #queues = new Map<string, PQueue>()

  constructor(reader: DirectReader) {
    this.#reader = reader
  }

  /** No data node is asked any more in this run. */
  get isRefused(): boolean {
    return this.#reader.isRefused
  }

  /**
   * Fetches the slice's segments into new files, one for each data node.
   * @param path of the first file; the others are called after it
   * @returns undefined if SQL has to be asked; there is no file then
   * @throws DruidsyncError if a data node fails in the middle; there is no file then
   */
  async fetch(
    { source, columns, isUniform, rowBytes }: Reading,
    slice: Slice,
    path: string,
    options: SpoolOptions & { readonly signal: AbortSignal },
  ): Promise<FromSegments | undefined> {
    if (!isUniform || !slice.works.every(isImmutable)) return undefined
    const located = await this.#reader.locate(source, columns, wantedOf(slice), rowBytes, options.signal)
    if (located === undefined) return undefined
    const files = await this.#readAll(located, path, options)
    if (files === undefined) return undefined
    const segments = segmentsOf(slice)
    const idOf = (one: SegmentDescriptor) => segmentId(source.datasource, one)
    // Of a part of a segment the interval is another one, and so the id: only whole ones are found by theirs.
    const senders = new Map(
      located.shares.flatMap(({ address, segments: sent }) => sent.map((one) => [idOf(one), address])),
    )
    const isAll = source.filter === undefined && source.shard === undefined
    return {
      ...files,
      form: { kind: "batches", segments: segments.map(idOf) },
      promised: segments.map((segment) => {
        const address = senders.get(idOf(segment))
        return isAll && address !== undefined ? { rows: segment.rows, address } : undefined
      }),
    }
  }

  /** Of each slice whether data nodes would be asked for it, as far as can be told without asking them. */
  async wouldFetch(
    { source, columns, isUniform }: Reading,
    slices: readonly Slice[],
    signal: AbortSignal,
  ): Promise<boolean[]> {
    const would = slices.map(() => false)
    const eligible = [...slices.keys()].filter((n) => isUniform && slices[n]!.works.every(isImmutable))
    for (let from = 0; from < eligible.length; from += SLICES_PER_QUESTION) {
      const some = eligible.slice(from, from + SLICES_PER_QUESTION)
      const groups = some.map((n) => wantedOf(slices[n]!))
      const answers = await this.#reader.covers(source, columns, groups, signal)
      for (const [place, n] of some.entries()) would[n] = answers[place]!
    }
    return would
  }

  /** As `DirectReader.lacks`. */
  lacks(address: string, id: string): void {
    this.#reader.lacks(address, id)
  }

  /** All shares at the same time. Where one fails, the others are stopped, and nothing is left of them. */
  async #readAll(
    located: Located,
    path: string,
    options: SpoolOptions & { readonly signal: AbortSignal },
  ): Promise<Pick<FromSegments, "bytes" | "paths"> | undefined> {
    const { shares } = located
    const stop = new AbortController()
    const each = { ...options, signal: AbortSignal.any([options.signal, stop.signal]) }
    // If all segments are empty there is no node to ask; the file is empty.
    const paths = [path, ...shares.slice(1).map((_, n) => `${path}.${n + 2}`)]
    const reads = paths.map(async (place, n) => {
      const share = shares[n]
      const read = (file: SpoolFile) =>
        share === undefined
          ? Promise.resolve(0)
          : this.#inTurn(share, each.signal, () => this.#reader.read(located, share, file, each))
      const bytes = await spooling(place, read).catch((error: unknown) => {
        stop.abort(error)
        throw error
      })
      if (bytes === undefined) stop.abort()
      return bytes
    })
    const ended = await Promise.allSettled(reads)
    const bytes = ended.map((one) => (one.status === "fulfilled" ? one.value : undefined))
    if (bytes.every((one) => one !== undefined)) return { paths, bytes: sumOf(bytes, (one) => one) }
    await removeSpooled(paths)
    options.signal.throwIfAborted()
    // Those that were stopped for another's sake give its error as theirs.
    const failed = ended.find((one) => one.status === "rejected")
    const isLeft = ended.some((one) => one.status === "fulfilled" && one.value === undefined)
    if (failed !== undefined && !isLeft) throw failed.reason
    return undefined
  }

  #inTurn<T>({ address }: NodeShare, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(address) ?? new PQueue({ concurrency: REQUESTS_PER_NODE })
    this.#queues.set(address, queue)
    return queue.add(async () => {
      signal.throwIfAborted()
      return ask()
    })
  }
}

/** Rows of added segments that are fetched without the rest of their chunk: a slice at most, and none where only the broker is asked. */
export function mostAdded(
  { direct }: { readonly direct?: PastBroker | undefined },
  { pull }: { readonly pull: PullSettings },
): number {
  return direct === undefined || direct.isRefused ? 0 : pull.sliceRows
}

/**
 * The segments of an added slice cannot be had from data nodes: through the broker their chunks come as a whole, which is
 * planned anew.
 */
export function needsWholeChunks({ datasource }: Source): DruidsyncError {
  const message = `what was added to "${datasource}" cannot be fetched alone; its chunks are fetched whole`
  return new DruidsyncError("response-mismatch", message)
}

/** Rows of data nodes. */
export function isPastBroker({ form }: Pick<FromSegments, "form">): boolean {
  return form.kind === "batches"
}

/**
 * Each whole segment brought the rows that its metadata promises. Who sent something else is not asked for it again.
 * @throws SegmentLacking
 */
export async function checkSegments(
  { direct }: { readonly direct?: PastBroker | undefined },
  { form, promised }: Pick<FromSegments, "form" | "promised">,
  perSegment: readonly number[],
): Promise<void> {
  if (form.kind !== "batches") return
  let lacking: SegmentLacking | undefined
  for (const [n, one] of promised.entries()) {
    if (one === undefined || perSegment[n] === one.rows) continue
    const id = form.segments[n]!
    direct?.lacks(one.address, id)
    lacking ??= new SegmentLacking(id, perSegment[n]!, one.rows)
  }
  if (lacking !== undefined) throw lacking
}

/** What is counted by the broker is read through it, too: row policies are its matter. */
function isImmutable({ chunk, state }: Work): boolean {
  return state === "complete" && conditionOf(chunk) === "settled" && !chunk.isPartlyHidden
}

function wantedOf({ works }: Slice): Wanted[] {
  return works.map(({ interval, chunk, added }) => ({
    interval,
    segments: chunk.segments,
    only: added?.segments,
  }))
}

/** Segments of which the slice holds something, each once. */
function segmentsOf({ works }: Slice): Segment[] {
  const found = new Set<Segment>()
  for (const { chunk, interval, added } of works) {
    for (const segment of added?.segments ?? chunk.segments) {
      if (!segment.isTombstone && intersection(segment.interval, interval) !== undefined) found.add(segment)
    }
  }
  return [...found]
}
