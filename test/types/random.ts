/** Random numbers that come again: the same seed, the same sequence. */

export interface Random {
  /** a whole number from `least` to `greatest`, both included */
  int(least: number, greatest: number): number
  /** 64 random bits */
  bits64(): bigint
  /** one of the list */
  of<T>(list: readonly T[]): T | undefined
}

/** mulberry32: 32 bits of state, enough for tests. */
export function random(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  const int = (least: number, greatest: number) => least + (next() % (greatest - least + 1))
  return {
    int,
    bits64: () => (BigInt(next()) << 32n) | BigInt(next()),
    of: (list) => list[int(0, Math.max(0, list.length - 1))],
  }
}
