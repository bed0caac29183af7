/** Holds bytes on the spool within a limit: who would exceed it waits until others have been loaded. */
export class Budget {
  #used = 0
  #waiting: (() => void)[] = []
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  add(amount: number): void {
    this.#used += amount
    if (amount < 0) this.#wake()
  }

  /** Resolves when less than the limit is used; at once where nothing is used at all. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.#used >= this.#limit && this.#used > 0) {
      signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener("abort", done)
          resolve()
        }
        this.#waiting.push(done)
        signal.addEventListener("abort", done, { once: true })
      })
    }
    signal.throwIfAborted()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
