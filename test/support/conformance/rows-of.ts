/** Small made-up rows for scenarios: the same call gives the same rows. */
import type { ColumnKind, InputRow } from "./world.ts"

export const COLUMNS = {
  page: "string",
  added: "long",
  ratio: "double",
} as const satisfies Record<string, ColumnKind>

const PAGES = ["Main", "", null, "it's", 'say "x"', "a\\", "line\nbreak", "😀", "null", "Zürich"]

/**
 * `count` rows spread evenly over a day (or from any ISO instant on).
 * @param seed another one gives other values at the same times
 */
export function dayOf(day: string, count: number, seed = 0): InputRow[] {
  const start = Date.parse(day)
  return Array.from({ length: count }, (_, i): InputRow => {
    const n = i * 7 + seed * 1_000_003
    return {
      __time: new Date(start + Math.floor((i * 86_400_000) / count)).toISOString(),
      page: PAGES[n % PAGES.length]!,
      added: n % 11 === 0 ? null : n % 5 === 0 ? 9_007_199_254_740_993n + BigInt(n) : n,
      ratio: n % 13 === 0 ? null : n / 7,
    }
  })
}

/** Rows of several days, one after another: `["2024-01-01", "2024-01-02"]`. */
export function daysOf(days: readonly string[], count: number, seed = 0): InputRow[] {
  return days.flatMap((day) => dayOf(day, count, seed))
}

/** `count` rows in one millisecond, every fifth of them identical. */
export function crowd(instant: string, count: number): InputRow[] {
  return Array.from({ length: count }, (_, i): InputRow => {
    return { __time: instant, page: `p${i % 5 === 0 ? 0 : i}`, added: i % 5 === 0 ? 1 : i, ratio: null }
  })
}
