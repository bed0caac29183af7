/** The first half of the pipeline: a job's response onto the spool, whose limit holds while it arrives. */
import { DruidsyncError } from "../../base/errors.ts"
import type { Ports, PullRequest } from "../ports.ts"
import { Budget, type Space } from "./budget.ts"
import { type Fetched, fetchSlice } from "./fetch.ts"
import type { Pass } from "./gate.ts"
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

export class Download {
  readonly #round: Round
  readonly #inFlight: InFlight
  readonly #spool: Budget
  #rowBytes = USUAL_ROW_BYTES

  constructor(round: Round, inFlight: InFlight) {
    this.#round = round
    this.#inFlight = inFlight
    this.#spool = new Budget(round.request.pull.spoolLimitBytes)
  }

  /**
   * @param pass the place among those in flight, given up while it waits to try again
   * @throws DruidsyncError, among others `query` where the answer does not fit the spool: a smaller slice may
   */
  async fetch(job: Job, pass: Pass): Promise<Arrived> {
    const { ports, request, numbering } = this.#round
    const { slice, prepared } = job
    const rows = slice.rows > 0 ? slice.rows : request.pull.sliceRows / 2
    const rowBytes = Math.max(this.#rowBytes, prepared.rowBytes ?? 0)
    const space = await this.#spool.reserve(rows * rowBytes, ports.signal)
    let { era } = this.#inFlight
    const counting: Ports = {
      ...ports,
      clock: {
        nowMs: () => ports.clock.nowMs(),
        sleep: async (ms, signal) => {
          await pass.outside(() => ports.clock.sleep(ms, signal))
          era = this.#inFlight.era
        },
      },
      emit: (event) => {
        ports.emit(event)
        if (event.type === "retry") this.#inFlight.refused(era, event.code === "too-many-requests")
        if (event.type === "received") this.#inFlight.received(event.bytes)
        if (event.type === "received" && !space.took(event.bytes) && event.bytes > 0) throw spoolFull(request)
      },
    }
    let fetched: Fetched
    try {
      fetched = await fetchSlice(counting, prepared, slice, numbering.next++)
    } catch (error) {
      space.release()
      throw error
    }
    if (slice.rows >= ROWS_TO_LEARN_FROM)
      this.#rowBytes = Math.max(this.#rowBytes, fetched.bytes / slice.rows)
    this.#round.progressOf(prepared).bytes += fetched.bytes
    const datasource = prepared.settings.name
    ports.emit({ type: "fetched", datasource, bytes: fetched.bytes, expectedRows: slice.rows })
    return { job, fetched, space }
  }
}

function spoolFull({ pull }: PullRequest): DruidsyncError {
  const limit = `${Math.round(pull.spoolLimitBytes / 1e6)} MB`
  return new DruidsyncError("query", `the answer was refused as too big for the spool (limit ${limit})`, {
    asksForLess: true,
    hint: 'raise "spoolLimit", or lower "sliceRows" or "concurrency"',
  })
}
