/**
 * Rows past the broker: Druid compiles the scan, the broker says which segments it would read and where they are, and the
 * data nodes are asked for them themselves. What is unusual is left to SQL: `undefined` says so, never an empty answer.
 */
import type { Column, Interval, Segment } from "../../base/domain.ts"
import { DruidsyncError, messageOf } from "../../base/errors.ts"
import { anyOverlap, contains, intersection, sameInterval } from "../../base/intervals.ts"
import type { DruidClient, SpoolOptions } from "../client.ts"
import type { SpoolFile } from "../spool.ts"
import type { Source } from "../sql.ts"
import { askCandidates, compileScan, directSql } from "./ask.ts"
import { type NativeScan, segmentsQuery } from "./compile.ts"
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
      const intervals = wanted.map(({ interval }) => interval)
      const candidates = await askCandidates(
        this.#client,
        this.#protocol,
        source.datasource,
        scan,
        intervals,
        signal,
      )
      this.#failures.answered(LOCATING)
      if (candidates === undefined || !isCovered(wanted, candidates)) return undefined
      const shares = sharesOf(chosen(wanted, candidates), (address) => this.#failures.has(address))
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
      const intervals = groups.flat().map(({ interval }) => interval)
      const { datasource } = source
      const all = await askCandidates(this.#client, this.#protocol, datasource, scan, intervals, signal)
      return groups.map((wanted) => {
        const isOurs = anyOverlap(wanted.map(({ interval }) => interval))
        return (
          all !== undefined &&
          isCovered(
            wanted,
            all.filter((one) => isOurs(one.interval)),
          )
        )
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

/** Each segment of the plan is read by the broker in all of its stretch, from a historical, and nothing else is. */
function isCovered(wanted: readonly Wanted[], candidates: readonly Candidate[]): boolean {
  const left = new Set(candidates)
  for (const { interval, segments } of wanted) {
    for (const segment of segments) {
      const part = intersection(segment.interval, interval)
      if (part === undefined || segment.isTombstone) continue
      const found = candidates.find((one) => isThat(one, segment) && sameInterval(one.interval, part))
      if (found === undefined || !found.servers.every(({ isHistorical }) => isHistorical)) return false
      left.delete(found)
    }
  }
  return left.size === 0
}

/** Without those that are not to be read. */
function chosen(wanted: readonly Wanted[], candidates: readonly Candidate[]): readonly Candidate[] {
  if (wanted.every(({ only }) => only === undefined)) return candidates
  const segments = wanted.flatMap((one) => one.only ?? one.segments)
  return candidates.filter((candidate) => segments.some((segment) => isThat(candidate, segment)))
}

function isThat({ version, partition, interval }: Candidate, segment: Segment): boolean {
  return (
    version === segment.version && partition === segment.partition && contains(segment.interval, interval)
  )
}

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
