/** Wakes everyone who waits for "something changed"; each then looks for itself. An abort rings it too. */
export class Bell {
  #waiting: (() => void)[] = []
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener("abort", () => this.ring(), { once: true })
  }

  /** Resolves at the next ring; at once after an abort, whose ring may be over before anyone came to listen. */
  wait(): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  ring(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
