/**
 * The cheap comparison of two sides, whatever they are: a number of rows and sums of hashes for each stretch. One sum
 * over whole rows says whether a stretch is equal; where it is not, a sum for each column says which columns differ.
 */

import { tellingNames } from "./sides.ts"

/** What one side answers for a stretch. */
export interface Print {
  readonly rows: number
  /** a sum of hashes for each group of columns that was asked for */
  readonly sums: readonly string[]
}

/**
 * Asks both sides at once. @param groups columns that are hashed together, and with the time of their row; an empty
 * group stands for the time alone
 * @returns a print for each stretch, from each side
 */
export type AskPrints<C> = (groups: readonly (readonly C[])[]) => Promise<readonly [Print[], Print[]]>

/** What the fingerprints of a stretch say. */
export interface PrintComparison {
  readonly leftRows: number
  readonly rightRows: number
  readonly isEqual: boolean
}

/** Sums per question when each column has its own. */
const COLUMNS_AT_ONCE = 40

/** Compares whole rows. @param groups all columns, in as many groups as one hash can take. @returns one per stretch */
export async function comparePrints<C>(
  ask: AskPrints<C>,
  groups: readonly (readonly C[])[],
): Promise<PrintComparison[]> {
  const [left, right] = await ask(groups)
  return left.map((one, n) => {
    const other = right[n]!
    const isEqual = one.rows === other.rows && one.sums.every((sum, k) => sum === other.sums[k])
    return { leftRows: one.rows, rightRows: other.rows, isEqual }
  })
}

/**
 * Which columns differ. Worth asking only where the numbers of rows are equal.
 * @param columns all but the time
 * @returns names for each stretch
 */
export async function differingColumns<C extends { readonly name: string }>(
  ask: AskPrints<C>,
  columns: readonly C[],
): Promise<(readonly string[])[]> {
  const found: Set<string>[] = []
  for (let i = 0; i === 0 || i < columns.length; i += COLUMNS_AT_ONCE) {
    const some = columns.slice(i, i + COLUMNS_AT_ONCE)
    const [left, right] = await ask([[], ...some.map((column) => [column])])
    for (const [n, { sums }] of left.entries()) {
      found[n] ??= new Set()
      for (const [k, sum] of sums.entries())
        if (sum !== right[n]!.sums[k]) found[n].add(k === 0 ? "__time" : some[k - 1]!.name)
    }
  }
  return found.map((names) => tellingNames([...names]))
}

/**
 * Prints from the rows of an answer.
 * @param rows `[number of the stretch, rows, sums…]`, in any order; a stretch without rows may be left out
 * @param stretches how many were asked for
 * @param sums how many each of them has
 */
export function printsOf(rows: readonly (readonly unknown[])[], stretches: number, sums: number): Print[] {
  const none: Print = { rows: 0, sums: Array.from({ length: sums }, () => "0") }
  const prints = Array.from({ length: stretches }, () => none)
  for (const [stretch, count, ...values] of rows) {
    const n = Number(stretch)
    // Rows between the stretches, and Druid's one row of zeros where a single stretch is empty.
    if (n < 0 || Number(count) === 0) continue
    prints[n] = { rows: Number(count), sums: values.map((sum) => String(sum ?? "0")) }
  }
  return prints
}
