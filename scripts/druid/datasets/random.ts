/** A small seeded random stream (sfc32): the same seed gives the same numbers on every machine and runtime. */

/** Draws from one stream; the order of calls is part of what a seed means. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 2 ** 32) >>> 0
    this.#c = 0x9e3779b9
    for (let i = 0; i < 12; i++) this.#next()
  }

  /** A 32-bit unsigned integer. */
  #next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11) | 0) + t) | 0
    return t >>> 0
  }

  /** In [0, 1). */
  float(): number {
    return this.#next() / 2 ** 32
  }

  /** A whole number in [0, below), `below` up to 2^32. */
  below(below: number): number {
    return Math.floor(this.float() * below)
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.float() < probability
  }

  /** One of the items, all equally likely. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  /** One of the items, early ones much likelier: like names in the wild. */
  pickSkewed<T>(items: readonly T[]): T {
    const x = this.float()
    return items[Math.floor(x * x * x * items.length)] as T
  }
}
