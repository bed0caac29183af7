/**
 * How many requests for rows are in flight at once: as many as help. Each number of requests that is tried is measured by
 * the bytes that arrive per second; the smallest that brings about as many as the best is kept, and its neighbours are
 * tried again, less and less often. A server that asks to come back later, or fails, is asked half as much. Pure: time is handed in.
 */

/** Numbers that are tried; between neighbours a difference can be measured. */
const LADDER = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64] as const
/**
 * A number is measured over this many responses for each request in flight, and this long, ms. What is settled on is
 * measured longer than what is tried: a pull of a few slices is over before anything is tried.
 */
const RESPONSES_PER_REQUEST = { settled: 3, tried: 1 }
const LEAST_MS = 1_000
/** More requests have to bring this share more, or they are not worth the server's while. */
const WORTH = 0.05
/** How much the latest measurement counts beside all before it. */
const WEIGHT = 0.5
/** Measurements between two trials: at first, and at most. */
const FIRST_PATIENCE = 1
const MOST_PATIENCE = 8
/** Measurements until what was too many is tried again. */
const CEILING_FOR = 16

export interface Bounds {
  /** requests to begin with; 1 or more */
  readonly start: number
  /** never more than this; 1 or more */
  readonly most: number
}

export class InFlight {
  /** ascending */
  readonly #levels: readonly number[]
  /** bytes per second by level, as far as measured; others are kept in proportion to the one that is measured */
  readonly #rates: (number | undefined)[]
  /** index of the level that is settled on, and of the one that is being measured */
  #home: number
  #trial: number
  #patience = FIRST_PATIENCE
  /** measurements until the next trial, and where that goes */
  #left = FIRST_PATIENCE
  #upNext = true
  /** the measurement under way; undefined until the first response after a change */
  #window: { readonly sinceMs: number; bytes: number; responses: number } | undefined
  #era = 0
  /** index of the lowest level that was too many, and for how many more measurements that is believed */
  #ceiling: number
  #ceilingFor = 0

  constructor({ start: wanted, most }: Bounds) {
    const start = Math.min(wanted, most)
    const levels = new Set([...LADDER, start, most])
    this.#levels = [...levels].filter((level) => level <= most).sort((a, b) => a - b)
    this.#rates = this.#levels.map(() => undefined)
    this.#home = this.#levels.indexOf(start)
    this.#trial = this.#home
    this.#ceiling = this.#levels.length
  }

  /** Requests that may be in flight now. */
  get limit(): number {
    return this.#levels[this.#trial]!
  }

  /** Goes up with each halving: what was sent before one says nothing about the number after it. */
  get era(): number {
    return this.#era
  }

  /** @param bytes that arrived (negative: of a response that was cut, and thrown away) */
  received(bytes: number): void {
    if (this.#window !== undefined) this.#window.bytes += bytes
  }

  /**
   * A response is complete, and more are wanted.
   * @param nowMs by the same clock each time, ms
   * @param waiting complete responses that are not loaded yet: while there are several, more requests bring nothing
   */
  arrived(nowMs: number, waiting: number): void {
    if (this.#levels.length === 1) return
    const window = this.#window
    if (window === undefined || nowMs < window.sinceMs) {
      this.#window = { sinceMs: nowMs, bytes: 0, responses: 0 }
      return
    }
    window.responses++
    const ms = nowMs - window.sinceMs
    const { settled, tried } = RESPONSES_PER_REQUEST
    const enough = this.limit * (this.#trial === this.#home ? settled : tried)
    if (ms < LEAST_MS || window.responses < enough) return
    this.#measured((window.bytes * 1000) / ms)
    const before = this.#trial
    this.#next(waiting)
    this.#window = this.#trial === before ? { sinceMs: nowMs, bytes: 0, responses: 0 } : undefined
  }

  /**
   * A request failed, or was refused for now. However many of an era fail, the number is halved once.
   * @param era that in which the request was sent
   * @param tooMany the server says that there were too many: as many are not tried again for a while
   */
  refused(era: number, tooMany: boolean): void {
    if (era !== this.#era) return
    this.#era++
    const half = this.limit / 2
    if (tooMany) {
      this.#ceiling = Math.max(1, this.#trial)
      this.#ceilingFor = CEILING_FOR
    }
    for (let n = this.#trial; n < this.#levels.length; n++) this.#rates[n] = undefined
    this.#home = Math.max(
      0,
      this.#levels.findLastIndex((level) => level <= half),
    )
    this.#trial = this.#home
    this.#window = undefined
    this.#upNext = true
    this.#patience = FIRST_PATIENCE
    this.#left = FIRST_PATIENCE
  }

  #measured(rate: number): void {
    const old = this.#rates[this.#trial]
    const mean = old === undefined ? rate : old + WEIGHT * (rate - old)
    // Where the server gets slower or faster, it does for any number of requests.
    if (this.#trial === this.#home && old !== undefined && old > 0) {
      for (const [n, other] of this.#rates.entries())
        if (other !== undefined) this.#rates[n] = (other * mean) / old
    }
    this.#rates[this.#trial] = mean
    this.#ceilingFor--
    if (this.#ceilingFor <= 0) this.#ceiling = this.#levels.length
  }

  #next(waiting: number): void {
    // More requests bring nothing while what arrived is not loaded.
    const canRise = (from: number) => from + 1 < this.#ceiling && waiting <= 1
    if (this.#trial === this.#home) {
      this.#left--
      if (this.#left > 0) return
      const rises = canRise(this.#home) && (this.#upNext || this.#home === 0)
      if (rises) this.#trial = this.#home + 1
      else if (this.#home > 0) this.#trial = this.#home - 1
      return
    }
    const best = Math.max(...this.#rates.map((rate) => rate ?? 0))
    const settled = this.#rates.findIndex((rate) => rate !== undefined && rate >= best * (1 - WORTH))
    const wasWorth = settled === this.#trial
    this.#upNext = settled === this.#home ? !this.#upNext : settled > this.#home
    this.#patience = settled === this.#home ? Math.min(MOST_PATIENCE, this.#patience * 2) : FIRST_PATIENCE
    this.#left = this.#patience
    this.#home = settled
    // As long as it gets better, on.
    this.#trial = wasWorth && this.#upNext && canRise(settled) ? settled + 1 : settled
  }
}
