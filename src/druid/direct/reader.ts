/**
 * Rows past the broker: Druid compiles the scan, the broker says which segments it would read and where they are, and the
 * data nodes are asked for them themselves. What is unusual is left to SQL: `undefined` says so, never an empty answer.
 */
import type { Column, Interval, Segment } from "../../base/domain.ts"
import { DruidsyncError, messageOf } from "../../base/errors.ts"
import { anyOverlap, intersection } from "../../base/intervals.ts"
import type { DruidClient, SpoolOptions } from "../client.ts"
import { segmentId } from "../segment-id.ts"
import type { SpoolFile } from "../spool.ts"
import type { Source } from "../sql.ts"
import { askCandidates, compileScan, directSql } from "./ask.ts"
import { type NativeScan, type SegmentDescriptor, segmentsQuery } from "./compile.ts"
import { Failures } from "./failures.ts"
import { type Candidate, type NodeShare, sharesOf } from "./locate.ts"

/** A stretch of one chunk, and the chunk's segments as the plan knows them. */
export interface Wanted {
  readonly interval: Interval
  readonly segments: readonly Segment[]
  /** those of its segments that are to be read; left out: all */
  readonly only?: readonly Segment[] | undefined
}

/** Stretches of a datasource, and where their segments are. */
export interface Located {
  readonly scan: NativeScan
  readonly shares: readonly NodeShare[]
  /** bytes of a row in an answer, from a sample; undefined if there was none */
  readonly rowBytes: number | undefined
}

/** The two questions about a slice, beside the addresses of data nodes. */
const LOCATING = "locating"

export class DirectReader {
  readonly #client: DruidClient
  readonly #protocol: "http" | "https"
  readonly #scans = new Map<string, Promise<NativeScan | undefined>>()
  readonly #failures: Failures
  /** by address: ids of segments that it does not have */
  readonly #lacking = new Map<string, Set<string>>()
  readonly #onRefusal: (why: string) => void
  #refused = false
  #hasAnswered = false

  /** @param onRefusal told once why no data node is asked any more in this run */
  constructor(
    client: DruidClient,
    protocol: "http" | "https",
    onRefusal: (why: string) => void,
    nowMs: () => number,
  ) {
    this.#client = client
    this.#protocol = protocol
    this.#onRefusal = onRefusal
    this.#failures = new Failures(nowMs)
  }

  /**
   * Where the rows of the stretches are.
   * @returns undefined if SQL has to be asked: a stretch that the broker does not read whole from historicals, columns
   * that a data node would answer otherwise, a cluster without `candidates`, one that refused before, servers that fail
   * @throws DruidsyncError if Druid cannot be asked for the moment; the signal's reason
   */
  async locate(
    source: Source,
    columns: readonly Column[],
    wanted: readonly Wanted[],
    rowBytes: number | undefined,
    signal: AbortSignal,
  ): Promise<Located | undefined> {
    if (this.#refused || this.#failures.rests(LOCATING) || !columns.every(isAlike)) return undefined
    try {
      const scan = await this.#compiled(source, columns, signal)
      if (scan === undefined) return undefined
      const candidates = await this.#candidates(source, scan, wanted, signal)
      this.#failures.answered(LOCATING)
      const parts = candidates && chosen(wanted, candidates)
      if (parts === undefined) return undefined
      const shares = sharesOf(parts, (address) => this.#failures.has(address) || this.#lacking.has(address))
      if (shares.some(({ address }) => this.#failures.rests(address))) return undefined
      return { scan, shares, rowBytes }
    } catch (error) {
      if (signal.aborted || !this.#isLeft(error, LOCATING)) throw error
      return undefined
    }
  }

  /**
   * Which of the groups of stretches could be read past the broker, as far as the broker can tell: one question for all.
   * @throws the signal's reason
   */
  async covers(
    source: Source,
    columns: readonly Column[],
    groups: readonly (readonly Wanted[])[],
    signal: AbortSignal,
  ): Promise<boolean[]> {
    const none = groups.map(() => false)
    if (!columns.every(isAlike)) return none
    try {
      const scan = await this.#compiled(source, columns, signal)
      if (scan === undefined) return none
      const all = await this.#candidates(source, scan, groups.flat(), signal)
      if (all === undefined) return none
      return groups.map((wanted) => {
        const isOurs = anyOverlap(wanted.map(({ interval }) => interval))
        const ours = all.filter((one) => isOurs(one.interval))
        return chosen(wanted, ours) !== undefined
      })
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof DruidsyncError)) throw error
      // A pull would ask the broker in SQL then.
      return none
    }
  }

  /**
   * Writes all rows of one data node's share into the file.
   * @returns bytes of rows; undefined if it cannot be asked: SQL has to be, for these stretches at least
   * @throws DruidsyncError if a data node fails in the middle of its answer; the next try goes round it
   */
  async read(
    { scan, rowBytes }: Located,
    { address, segments }: NodeShare,
    file: SpoolFile,
    options: SpoolOptions,
  ): Promise<number | undefined> {
    try {
      const bytes = await this.#client.scan(address, segmentsQuery(scan, segments, rowBytes), file, options)
      this.#hasAnswered = true
      this.#failures.answered(address)
      return bytes
    } catch (error) {
      if (options.signal?.aborted || !this.#isLeft(error, address)) throw error
      return undefined
    }
  }

  /**
   * The data node answered without a segment that the broker says it has, or with a part of it. In this run it is not asked for
   * that one again, and for others only where no other data node has them.
   * @param id of the segment
   */
  lacks(address: string, id: string): void {
    this.#lacking.set(address, (this.#lacking.get(address) ?? new Set()).add(id))
  }

  /** @returns undefined as `candidatesIn` */
  async #candidates(
    { datasource }: Source,
    scan: NativeScan,
    wanted: readonly Wanted[],
    signal: AbortSignal,
  ): Promise<Candidate[] | undefined> {
    const intervals = wanted.map(({ interval }) => interval)
    const found = await askCandidates(this.#client, this.#protocol, datasource, scan, intervals, signal)
    if (this.#lacking.size === 0) return found
    return found?.map((one) => {
      const id = segmentId(datasource, one)
      return { ...one, servers: one.servers.filter(({ address }) => !this.#lacking.get(address)?.has(id)) }
    })
  }

  /** Judges a failure. @returns true if what was asked is left to SQL; else another try may help */
  #isLeft(error: unknown, who: string): boolean {
    const isRefused = isRefusal(error)
    // The first data node that is asked tells whether there is a way at all.
    const isNoWay = who !== LOCATING && isOutOfReach(error) && !this.#hasAnswered
    if (isRefused || isNoWay) this.#refuse(error)
    else if (!(error instanceof DruidsyncError) || !error.retryable || !this.#failures.note(who)) return false
    return true
  }

  /** No data node is asked any more in this run. */
  get isRefused(): boolean {
    return this.#refused
  }

  #refuse(error: unknown): void {
    if (!this.#refused) this.#onRefusal(messageOf(error))
    this.#refused = true
  }

  #compiled(
    source: Source,
    columns: readonly Column[],
    signal: AbortSignal,
  ): Promise<NativeScan | undefined> {
    const sql = directSql(source, columns)
    const known = this.#scans.get(sql)
    if (known !== undefined) return known
    const compiled = compileScan(this.#client, source, columns, sql, signal)
    // A failure may pass: the next caller asks again.
    compiled.catch(() => this.#scans.delete(sql))
    this.#scans.set(sql, compiled)
    return compiled
  }
}

/**
 * A data node writes a column's values as SQL does, or in a way that we know. Of other complex types it gives objects where
 * SQL gives texts of its own.
 */
export function isAlike({ druidType, duckdbType }: Pick<Column, "druidType" | "duckdbType">): boolean {
  return !druidType.startsWith("COMPLEX") || druidType === "COMPLEX<json>" || duckdbType === "BLOB"
}

/**
 * The candidates that are to be read.
 * @returns undefined unless the broker reads each segment of the plan in all of its stretch, from historicals, and nothing else
 */
function chosen(wanted: readonly Wanted[], candidates: readonly Candidate[]): Candidate[] | undefined {
  const left = new Map(candidates.map((one) => [partText(one), one]))
  const found: Candidate[] = []
  for (const { interval, segments, only } of wanted) {
    const partOf = (segment: Segment) => intersection(segment.interval, interval)
    const textOf = (segment: Segment) => partText({ ...segment, interval: partOf(segment) ?? interval })
    const isRead = only && new Set(only.map(textOf))
    for (const segment of segments) {
      if (segment.isTombstone || partOf(segment) === undefined) continue
      const text = textOf(segment)
      const candidate = left.get(text)
      if (candidate === undefined || !isSettled(candidate)) return undefined
      left.delete(text)
      if (isRead?.has(text) !== false) found.push(candidate)
    }
  }
  return left.size === 0 ? found : undefined
}

/** Historicals have it, and no one else. */
function isSettled({ servers }: Candidate): boolean {
  return servers.length > 0 && servers.every(({ isHistorical }) => isHistorical)
}

/** Tells parts of segments of one datasource apart. */
const partText = (part: SegmentDescriptor) => segmentId("", part)

/** Not allowed, or not there: it will not be otherwise within this run. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof DruidsyncError &&
    !error.retryable &&
    !error.asksForLess &&
    ["auth", "forbidden", "not-druid", "query"].includes(error.code)
  )
}

/** No connection came about: nothing was asked yet. */
function isOutOfReach(error: unknown): boolean {
  return error instanceof DruidsyncError && ["connect", "tls"].includes(error.code)
}
