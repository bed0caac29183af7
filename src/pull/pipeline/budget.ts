/**
 * Keeps the bytes on the spool within a limit. A download is let in when what it will probably take fits beside the
 * others; what it takes in truth is counted as it arrives, and who goes beyond the limit is told at once.
 */

/** One download's share of the spool. */
export interface Space {
  /** Counts bytes that arrived (negative: were removed). @returns false where the limit is exceeded now */
  took(bytes: number): boolean
  /** The file is gone. */
  release(): void
}

export class Budget {
  readonly #limit: number
  /** promised or taken, whichever is more, of each share */
  #promised = 0
  /** bytes that are there */
  #taken = 0
  #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Waits until so many bytes fit beside the others; alone, everything fits.
   * @throws the signal's reason
   */
  async reserve(bytes: number, signal: AbortSignal): Promise<Space> {
    while (this.#promised > 0 && this.#promised + bytes > this.#limit) {
      signal.throwIfAborted()
      await this.#change(signal)
    }
    signal.throwIfAborted()
    let taken = 0
    let promised = bytes
    this.#promised += promised
    const promise = (now: number) => {
      this.#promised += now - promised
      promised = now
    }
    return {
      took: (more) => {
        taken += more
        this.#taken += more
        promise(Math.max(bytes, taken))
        return this.#taken <= this.#limit
      },
      release: () => {
        this.#taken -= taken
        taken = 0
        promise(0)
        this.#wake()
      },
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done)
        resolve()
      }
      this.#waiting.push(done)
      signal.addEventListener("abort", done, { once: true })
    })
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
