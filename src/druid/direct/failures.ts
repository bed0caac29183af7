/** Who fails twice in a row is not asked for a while: what it was to send is asked of others meanwhile. */

/** So many failures in a row are no accident. */
const MOST_IN_A_ROW = 2
const REST_MS = 60_000

export class Failures {
  readonly #nowMs: () => number
  readonly #inARow = new Map<string, number>()
  readonly #restsUntilMs = new Map<string, number>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** @returns true if it rests from now on */
  note(who: string): boolean {
    const failures = (this.#inARow.get(who) ?? 0) + 1
    this.#inARow.set(who, failures)
    if (failures >= MOST_IN_A_ROW) this.#restsUntilMs.set(who, this.#nowMs() + REST_MS)
    return this.rests(who)
  }

  answered(who: string): void {
    this.#inARow.delete(who)
    this.#restsUntilMs.delete(who)
  }

  /** It failed the last time that it was asked. */
  has(who: string): boolean {
    return this.#inARow.has(who)
  }

  /** It is not to be asked now. */
  rests(who: string): boolean {
    return (this.#restsUntilMs.get(who) ?? 0) > this.#nowMs()
  }
}
