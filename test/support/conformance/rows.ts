/**
 * Rows as canonical text and multisets of them: two rows are equal if and only if their texts are. Each kind of value
 * has its own form, so that 5, 5.0 and "5" differ, NULL differs from "", and 64-bit integers keep all digits.
 */

/** Canonical text of one value. Kinds: integers as bigint or digits, doubles as number, texts, lists of those. */
export const canonical = {
  time: (ms: bigint | string) => `t${ms}`,
  long: (value: bigint | number | string | null) => (value === null ? "null" : `${value}`),
  double: (value: number | string | null) => {
    if (value === null) return "null"
    const number = Number(value)
    return Object.is(number, -0) ? "-0d" : `${number}d`
  },
  float: (value: number | string | null) => (value === null ? "null" : `${Math.fround(Number(value))}f`),
  string: (value: string | null) => (value === null ? "null" : JSON.stringify(value)),
  list: (value: readonly unknown[] | null, element: (one: never) => string) =>
    value === null ? "null" : `[${value.map((one) => element(one as never)).join(",")}]`,
} as const

/** One row: values by column, in the order of the columns' names, whatever order they came in. */
export function rowText(cells: Iterable<readonly [column: string, text: string]>): string {
  return [...cells]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([column, text]) => `${column}=${text}`)
    .join("|")
}

/** Texts and how often each is there. */
export class Multiset {
  readonly #counts = new Map<string, number>()
  size = 0

  static of(texts: Iterable<string>): Multiset {
    const set = new Multiset()
    for (const text of texts) set.add(text)
    return set
  }

  add(text: string): void {
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1)
    this.size++
  }

  /** different texts */
  get distinct(): number {
    return this.#counts.size
  }

  count(text: string): number {
    return this.#counts.get(text) ?? 0
  }

  /** The texts that this has more often than the other, with the surplus. */
  *minus(other: Multiset): Generator<readonly [text: string, surplus: number]> {
    for (const [text, count] of this.#counts) {
      const surplus = count - other.count(text)
      if (surplus > 0) yield [text, surplus]
    }
  }
}

/** undefined where the two are equal, else a sentence with a few rows of each kind. */
export function difference(actual: Multiset, expected: Multiset): string | undefined {
  const missing = [...expected.minus(actual)]
  const extra = [...actual.minus(expected)]
  if (missing.length === 0 && extra.length === 0) return undefined
  const total = (rows: (readonly [string, number])[]) => rows.reduce((sum, [, n]) => sum + n, 0)
  const some = (rows: (readonly [string, number])[]) =>
    rows
      .slice(0, 3)
      .map(([text, n]) => `\n    ${n} × ${text.slice(0, 400)}`)
      .join("")
  return (
    `${actual.size} rows where ${expected.size} are expected` +
    `\n  missing: ${total(missing)}${some(missing)}\n  too many: ${total(extra)}${some(extra)}`
  )
}
