/**
 * The first half of the pipeline: the response of each job onto the spool. As many requests are in flight as help
 * (`in-flight.ts`), and the spool's limit holds while they arrive. Whatever a job waits for otherwise, for room on the
 * spool, before another try, it holds no place among those in flight.
 */
import PQueue from "p-queue"
import { DruidsyncError } from "../../base/errors.ts"
import { labelOf } from "../../config/table-name.ts"
import type { Ports, PullRequest } from "../ports.ts"
import { anyOf } from "../time-limit.ts"
import { Budget, type Space } from "./budget.ts"
import { type Fetched, fetchSlice } from "./fetch.ts"
import type { InFlight } from "./in-flight.ts"
import type { Job, Round } from "./round.ts"

/** A complete response, not yet parsed. */
export interface Arrived {
  readonly job: Job
  readonly fetched: Fetched
  readonly space: Space
}

/** What a row is taken to need on the spool before any was seen, and from how many on what was seen counts. */
const USUAL_ROW_BYTES = 200
const ROWS_TO_LEARN_FROM = 100
/** A request that was in flight before goes first. */
const AGAIN = 1

export class Downloads {
  readonly #round: Round
  /** those of the round; when the time given is over, what is still in flight is cut */
  readonly #ports: Ports
  readonly #inFlight: InFlight
  /** requests that wait for a place, and those in flight */
  readonly #queue: PQueue
  readonly #spool: Budget
  #rowBytes = USUAL_ROW_BYTES

  constructor(round: Round, inFlight: InFlight) {
    this.#round = round
    const { ports, request } = round
    this.#ports = { ...ports, signal: anyOf(ports.signal, request.limit?.closing) }
    this.#inFlight = inFlight
    this.#queue = new PQueue({ concurrency: inFlight.limit })
    this.#spool = new Budget(round.request.pull.spoolLimitBytes)
  }

  /**
   * @returns undefined if the job is not to be begun any more
   * @throws DruidsyncError, among others `query` if the answer does not fit the spool: a smaller slice may
   */
  async fetch(job: Job): Promise<Arrived | undefined> {
    const { signal } = this.#ports
    const space = await this.#spool.reserve(() => this.#bytesOf(job), signal, job.order)
    try {
      const fetched = await this.#fetchInto(space, job)
      this.#note(job, fetched)
      return { job, fetched, space }
    } catch (error) {
      space.release()
      if (error instanceof NotBegun) return undefined
      throw error
    }
  }

  /**
   * A response is complete. Where no request waits for a place there is nothing to learn from it.
   * @param waiting complete responses that are not loaded yet
   */
  arrived(waiting: number): void {
    if (this.#queue.size === 0) return
    const before = this.#inFlight.limit
    this.#inFlight.arrived(this.#round.ports.clock.nowMs(), waiting)
    const { limit } = this.#inFlight
    if (limit === before) return
    this.#queue.concurrency = limit
    this.#round.ports.emit({ type: "detail", message: `requests for rows at the same time: ${limit}` })
  }

  /** What a job will probably take on the spool. */
  #bytesOf({ slice, prepared }: Job): number {
    const rows = slice.rows > 0 ? slice.rows : this.#round.request.pull.sliceRows / 2
    return rows * (prepared.groupsPerRow ?? 1) * Math.max(this.#rowBytes, prepared.rowBytes ?? 0)
  }

  #fetchInto(space: Space, job: Job): Promise<Fetched> {
    const { request, numbering } = this.#round
    const ports = this.#ports
    let { era } = this.#inFlight
    return fetchSlice(ports, job.prepared, job.slice, numbering.next++, {
      label: labelOf(job.prepared.settings),
      // What did not agree once is asked of the broker, which knows where everything is.
      throughBroker: job.mismatches > 0,
      enter: (attempt, send) =>
        this.#queue.add(
          () => {
            ports.signal.throwIfAborted()
            if (!this.#round.mayBegin(job)) throw new NotBegun()
            era = this.#inFlight.era
            return send()
          },
          { priority: attempt > 0 ? AGAIN : -job.order },
        ),
      onBytes: (bytes) => {
        this.#inFlight.received(bytes)
        if (!space.took(bytes) && bytes > 0) throw spoolFull(request)
      },
      onWait: (error) => {
        this.#inFlight.refused(era, error.code === "too-many-requests")
        this.#queue.concurrency = this.#inFlight.limit
      },
    })
  }

  #note({ slice, prepared }: Job, { bytes }: Fetched): void {
    const isOfRows = prepared.source.aggregate === undefined
    if (isOfRows && slice.rows >= ROWS_TO_LEARN_FROM)
      this.#rowBytes = Math.max(this.#rowBytes, bytes / slice.rows)
    this.#round.progressOf(prepared).bytes += bytes
    this.#round.ports.emit({
      type: "fetched",
      ...labelOf(prepared.settings),
      bytes,
      expectedRows: slice.rows,
    })
  }
}

/** A job whose turn came too late: its datasource has failed, or the time is over. */
class NotBegun extends Error {}

function spoolFull({ pull }: PullRequest): DruidsyncError {
  const limit = `${Math.round(pull.spoolLimitBytes / 1e6)} MB`
  return new DruidsyncError("query", `the answer was refused as too big for the spool (limit ${limit})`, {
    asksForLess: true,
    hint: 'raise "spoolLimit", or lower "sliceRows" or "concurrency"',
  })
}
