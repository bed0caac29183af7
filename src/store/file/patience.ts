/** Waits for a lock that another program holds: up to a limit, with growing pauses, and says once who holds it. */
import type { Clock } from "../../base/clock.ts"

export interface PatienceOptions {
  readonly waitMs: number
  readonly clock: Clock
  /** called once with the program that holds the lock, in words */
  readonly onWait?: ((holder: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** First pause between two tries, ms; pauses grow to ten times this. */
const PAUSE_MS = 25

export class Patience {
  readonly #options: PatienceOptions
  readonly #endMs: number
  #pauseMs = PAUSE_MS
  #hasSaid = false

  /** The time begins now. */
  constructor(options: PatienceOptions) {
    this.#options = options
    this.#endMs = options.clock.nowMs() + options.waitMs
  }

  /** @returns false if the time is over; else after a pause. @throws the signal's reason */
  async wait(holder: string): Promise<boolean> {
    const { clock, onWait, signal } = this.#options
    const leftMs = this.#endMs - clock.nowMs()
    if (leftMs <= 0) return false
    if (!this.#hasSaid) onWait?.(holder)
    this.#hasSaid = true
    await clock.sleep(Math.min(this.#pauseMs, leftMs), signal)
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS * 10)
    return true
  }
}
