/** Lets in as many downloads as may be in flight. One that waits to try again is out meanwhile, and first in line after. */
import type { Bell } from "./bell.ts"
import type { InFlight } from "./in-flight.ts"

/** One download's place among those in flight. */
export interface Pass {
  /**
   * Gives up the place while `wait` runs, and waits for one again.
   * @throws what `wait` throws, and the signal's reason
   */
  outside(wait: () => Promise<void>): Promise<void>
  /** for good; a second time does nothing */
  leave(): void
}

export class Gate {
  readonly #inFlight: InFlight
  readonly #bell: Bell
  readonly #signal: AbortSignal
  #inside = 0
  #returning = 0

  /** @param signal ends the waiting; `bell` rings with it */
  constructor(inFlight: InFlight, bell: Bell, signal: AbortSignal) {
    this.#inFlight = inFlight
    this.#bell = bell
    this.#signal = signal
  }

  /** @returns undefined where no place is free; the bell rings when one may be */
  enter(): Pass | undefined {
    if (this.#returning > 0 || !this.#hasRoom) return undefined
    this.#inside++
    let isInside = true
    const leave = () => {
      if (!isInside) return
      isInside = false
      this.#inside--
      this.#bell.ring()
    }
    return {
      leave,
      outside: async (wait) => {
        leave()
        await wait()
        this.#returning++
        try {
          while (!this.#hasRoom) {
            await this.#bell.wait()
            this.#signal.throwIfAborted()
          }
        } finally {
          this.#returning--
        }
        this.#inside++
        isInside = true
      },
    }
  }

  get #hasRoom(): boolean {
    return this.#inside < this.#inFlight.limit
  }
}
