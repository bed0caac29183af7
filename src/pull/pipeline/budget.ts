/**
 * Keeps the bytes on the spool within a limit. A download is let in when what it will probably take fits beside the
 * others; what it takes in truth is counted as it arrives, and whoever goes beyond the limit is told at once.
 */

/** One download's share of the spool. */
export interface Space {
  /** Counts bytes that arrived (negative: were removed). @returns false if the limit is exceeded now */
  took(bytes: number): boolean
  /** The file is gone. */
  release(): void
}

interface Waiting {
  readonly bytes: () => number
  readonly order: number
  readonly enter: (space: Space) => void
}

export class Budget {
  readonly #limit: number
  /** promised or taken, whichever is more, of each share */
  #promised = 0
  /** bytes that are there */
  #taken = 0
  /** by their order */
  #waiting: Waiting[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Waits until so many bytes fit beside the others; alone, everything fits. What fits does not wait for what does not.
   * @param bytes asked for again each time that there is room
   * @param order lower ones are let in first
   * @throws the signal's reason
   */
  reserve(bytes: () => number, signal: AbortSignal, order = 0): Promise<Space> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const leave = () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting)
        reject(signal.reason)
      }
      const enter = (space: Space) => {
        signal.removeEventListener("abort", leave)
        resolve(space)
      }
      const waiting = { bytes, order, enter }
      const place = this.#waiting.findIndex((one) => one.order > order)
      this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, waiting)
      signal.addEventListener("abort", leave, { once: true })
      this.#letIn()
    })
  }

  /** Everyone who fits now. */
  #letIn(): void {
    const left: Waiting[] = []
    for (const one of this.#waiting) {
      const bytes = one.bytes()
      if (this.#promised > 0 && this.#promised + bytes > this.#limit) left.push(one)
      else one.enter(this.#share(bytes))
    }
    this.#waiting = left
  }

  #share(bytes: number): Space {
    let taken = 0
    let promised = 0
    const promise = (now: number) => {
      this.#promised += now - promised
      promised = now
    }
    promise(bytes)
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
        this.#letIn()
      },
    }
  }
}
