/** Wakes everyone who waits for "something changed"; each then looks for itself. An abort rings it too. */
export class Bell {
  #waiting: (() => void)[] = []

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.ring(), { once: true })
  }

  /** Resolves at the next ring. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  ring(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
