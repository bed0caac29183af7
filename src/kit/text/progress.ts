/**
 * How far a run is, from its events: rows, rate, share done, time left. Bytes that are still arriving are turned into
 * rows by the bytes per row of what was fetched before. The clock is handed in.
 */
import { sumOf } from "../../base/lists.ts"
import type { SyncEvent } from "../../pull/events.ts"
import { titleOf } from "./list.ts"

/** How far one table is, or all together. */
export interface Standing {
  readonly rows: number
  readonly expected: number
  /** of the rows, 0 to 1; undefined if nothing tells */
  readonly share: number | undefined
  /** rows per second of the last seconds; undefined before there are any */
  readonly rate: number | undefined
  /** bytes per second of the last seconds, known before the rows are */
  readonly bytesRate: number | undefined
  readonly leftMs: number | undefined
}

export interface DatasourceStanding extends Standing {
  /** fit to be printed */
  readonly title: string
  readonly phase: "queued" | "fetching" | "storing" | "done"
}

/** The rate is that of this many last milliseconds. */
const WINDOW_MS = 10_000
/** A rate over less than this is noise. */
const SHORTEST_MS = 1_000
const SAMPLE_MS = 250

/** Rows, or bytes, per second over a sliding window. */
class Rate {
  #samples: { atMs: number; amount: number }[] = []

  add(atMs: number, amount: number): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && atMs - last.atMs < SAMPLE_MS) return
    this.#samples.push({ atMs, amount })
    while (this.#samples.length > 2 && atMs - this.#samples[1]!.atMs >= WINDOW_MS) this.#samples.shift()
  }

  at(nowMs: number, amount: number): number | undefined {
    const first = this.#samples[0]
    if (first === undefined || nowMs - first.atMs < SHORTEST_MS) return undefined
    return Math.max(0, ((amount - first.amount) / (nowMs - first.atMs)) * 1000)
  }
}

/** What is known of one table. */
class Track {
  /** rows that all rounds up to now promise */
  expected = 0
  committedRows = 0
  committedSlices = 0
  plannedSlices = 0
  /** rows promised for the responses that arrived whole in this round, and those committed before it */
  fetchedRows = 0
  bytesFetched = 0
  /** rows and bytes of responses that promised rows: their ratio */
  ratioRows = 0
  ratioBytes = 0
  bytesReceived = 0
  readonly rate = new Rate()
  readonly bytesRate = new Rate()

  plan(rows: number, slices: number): void {
    this.expected = this.committedRows + rows
    this.plannedSlices = this.committedSlices + slices
    this.fetchedRows = this.committedRows
    this.bytesReceived = this.bytesFetched
  }

  /** Found in the same round, later. */
  planMore(rows: number, slices: number): void {
    this.expected += rows
    this.plannedSlices += slices
  }

  get rows(): number {
    const arriving = Math.max(0, this.bytesReceived - this.bytesFetched)
    const perRow = this.ratioRows > 0 ? this.ratioBytes / this.ratioRows : undefined
    const whole = Math.max(this.committedRows, this.fetchedRows)
    const rows = whole + (perRow === undefined || perRow === 0 ? 0 : arriving / perRow)
    return Math.max(this.committedRows, Math.min(Math.floor(rows), this.expected))
  }

  /** false if bytes arrive and nothing says yet how many rows they are */
  get isKnown(): boolean {
    return this.ratioRows > 0 || this.bytesReceived === this.bytesFetched
  }

  get phase(): DatasourceStanding["phase"] {
    if (this.committedSlices >= this.plannedSlices) return "done"
    if (this.bytesReceived > this.bytesFetched) return "fetching"
    if (this.fetchedRows > this.committedRows && this.fetchedRows >= this.expected) return "storing"
    return this.bytesReceived > 0 ? "fetching" : "queued"
  }
}

/** Takes the events of one run. */
export class RunProgress {
  /** by title */
  readonly #tracks = new Map<string, Track>()
  readonly #rate = new Rate()
  readonly #bytesRate = new Rate()

  take(event: SyncEvent, nowMs: number): void {
    if (event.type === "planned") {
      const title = titleOf(event)
      const track = this.#tracks.get(title) ?? new Track()
      this.#tracks.set(title, track)
      if (event.isMore === true) track.planMore(event.rows, event.slices)
      else track.plan(event.rows, event.slices)
      this.#sample(track, nowMs)
    } else if (event.type === "received" || event.type === "fetched" || event.type === "committed") {
      const track = this.#tracks.get(titleOf(event))
      if (track === undefined) return
      if (event.type === "received") track.bytesReceived += event.bytes
      else if (event.type === "fetched") {
        track.bytesFetched += event.bytes
        track.fetchedRows += event.expectedRows
        if (event.expectedRows > 0) {
          track.ratioRows += event.expectedRows
          track.ratioBytes += event.bytes
        }
      } else {
        track.committedRows += event.rows
        track.committedSlices += event.slices
      }
      this.#sample(track, nowMs)
    }
  }

  #sample(track: Track, nowMs: number): void {
    track.rate.add(nowMs, track.rows)
    track.bytesRate.add(nowMs, track.bytesReceived)
    this.#rate.add(nowMs, this.#rows())
    this.#bytesRate.add(nowMs, this.#bytes())
  }

  /** Tables that something was planned for, in the order that they were. */
  datasources(nowMs: number): DatasourceStanding[] {
    return [...this.#tracks].map(([title, track]) => {
      const { rows, expected, phase } = track
      const rate = phase === "fetching" ? track.rate.at(nowMs, rows) : undefined
      return {
        title,
        phase,
        rows,
        expected,
        rate,
        bytesRate: phase === "fetching" ? track.bytesRate.at(nowMs, track.bytesReceived) : undefined,
        share: phase === "done" ? 1 : track.isKnown ? shareOf(rows, expected) : undefined,
        leftMs: left(rows, expected, rate),
      }
    })
  }

  total(nowMs: number): Standing {
    const tracks = [...this.#tracks.values()]
    const rows = this.#rows()
    const expected = sumOf(tracks, (track) => track.expected)
    // While we cannot say how many rows some bytes are, we do not know the overall rate either.
    const isKnown = rows < expected && tracks.every((track) => track.isKnown)
    const rate = isKnown ? this.#rate.at(nowMs, rows) : undefined
    return {
      rows,
      expected,
      share: shareOf(rows, expected),
      rate,
      bytesRate: rows < expected ? this.#bytesRate.at(nowMs, this.#bytes()) : undefined,
      leftMs: left(rows, expected, rate),
    }
  }

  #rows(): number {
    return sumOf(this.#tracks.values(), (track) => track.rows)
  }

  #bytes(): number {
    return sumOf(this.#tracks.values(), (track) => track.bytesReceived)
  }
}

/** Never quite 1: what is not committed is not done. */
function shareOf(rows: number, expected: number): number | undefined {
  return expected > 0 ? Math.min(0.99, rows / expected) : undefined
}

function left(rows: number, expected: number, rate: number | undefined): number | undefined {
  if (rate === undefined || rate <= 0 || rows >= expected) return undefined
  return ((expected - rows) / rate) * 1000
}
