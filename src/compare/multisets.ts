/**
 * The exact comparison of two sides: rows of the left count 1 each, those of the right -1, equal rows are added up, and
 * what is not 0 differs. Grouping takes NULL for equal to NULL and NaN to NaN, and spills to disk where memory ends.
 */
import { groupBy } from "../base/lists.ts"
import type { Engine } from "../store/engine.ts"
import { columnName, type Sides, tellingNames } from "./sides.ts"

/** A row that one side has more often than the other. */
export interface OddRow {
  /** how many more the left has; negative: the right */
  readonly times: number
  /** in the order of the columns, as text; null is NULL */
  readonly values: readonly (string | null)[]
}

/** What differs in one stretch. */
export interface Difference {
  /** rows that only the left has, and only the right; duplicates count. Both 0: the stretch is equal */
  readonly onlyLeft: number
  readonly onlyRight: number
  /** columns whose values differ at some time, in their order */
  readonly columns: readonly string[]
  /** some of the rows, at most `EXAMPLES` from each side */
  readonly examples: readonly OddRow[]
}

/** Differing rows shown for each stretch and side. */
export const EXAMPLES = 3

const EQUAL: Difference = { onlyLeft: 0, onlyRight: 0, columns: [], examples: [] }

/**
 * Compares the rows of both sides. The file is attached as `file` where a side reads from it.
 * @param stretches how many there are
 * @param buckets so many passes, each over a part of the rows: bounds what is held at a time
 * @returns one per stretch; the first column is the time where `columns` is to mean anything
 */
export async function compareMultisets(
  engine: Engine,
  sides: Sides,
  stretches: number,
  buckets = 1,
): Promise<Difference[]> {
  const found: Difference[] = Array.from({ length: stretches }, () => EQUAL)
  try {
    for (let bucket = 0; bucket < buckets; bucket++) {
      await engine.run(differenceSql(sides, buckets, bucket))
      for (const [n, one] of await readDifferences(engine, sides.names)) found[n] = joined(found[n]!, one)
    }
  } finally {
    await engine.run("DROP TABLE IF EXISTS difference")
  }
  return found
}

/** Two parts of one stretch, compared apart. */
function joined(a: Difference, b: Difference): Difference {
  const room = { left: EXAMPLES, right: EXAMPLES }
  return {
    onlyLeft: a.onlyLeft + b.onlyLeft,
    onlyRight: a.onlyRight + b.onlyRight,
    columns: [...new Set([...a.columns, ...b.columns])],
    examples: [...a.examples, ...b.examples].filter(({ times }) => room[times > 0 ? "left" : "right"]-- > 0),
  }
}

/** Makes table `difference`: `stretch`, the columns, and how many more the left has: `n`. */
function differenceSql({ left, right }: Sides, buckets: number, bucket: number): string {
  // Rows of one time stay together: that is what columns are compared by.
  const where = buckets === 1 ? "" : ` WHERE hash(${columnName(0)}) % ${buckets} = ${bucket}`
  const side = (sql: string, weight: number) => `SELECT *, ${weight} AS side FROM (${sql})${where}`
  return (
    `CREATE OR REPLACE TABLE difference AS SELECT * EXCLUDE (side), sum(side)::BIGINT AS n FROM ` +
    `(${side(left, 1)} UNION ALL ${side(right, -1)}) GROUP BY ALL HAVING sum(side) <> 0`
  )
}

async function readDifferences(engine: Engine, names: readonly string[]): Promise<Map<number, Difference>> {
  const sums = await engine.rows(
    "SELECT stretch, coalesce(sum(n) FILTER (n > 0), 0), coalesce(-sum(n) FILTER (n < 0), 0) FROM difference GROUP BY stretch",
  )
  if (sums.length === 0) return new Map()
  const differing: { n: number; name: string }[] = []
  for (const [k, name] of names.entries()) {
    const stretches = await engine.rows(differingSql(k))
    differing.push(...stretches.map(([stretch]) => ({ n: Number(stretch), name })))
  }
  const columns = groupBy(differing, ({ n }) => n)
  const examples = groupBy(await engine.rows(examplesSql(names)), ([stretch]) => Number(stretch))
  return new Map(
    sums.map(([stretch, onlyLeft, onlyRight]) => {
      const n = Number(stretch)
      const one: Difference = {
        onlyLeft: Number(onlyLeft),
        onlyRight: Number(onlyRight),
        columns: tellingNames((columns.get(n) ?? []).map(({ name }) => name)),
        examples: (examples.get(n) ?? []).map(oddRow),
      }
      return [n, one]
    }),
  )
}

/** From a row of `examplesSql`. */
function oddRow([, times, ...values]: readonly unknown[]): OddRow {
  return { times: Number(times), values: values.map((value) => (value === null ? null : String(value))) }
}

/** Stretches in which the values that a column has at each time differ. */
function differingSql(k: number): string {
  const keys = [...new Set(["stretch", columnName(0), columnName(k)])].join(", ")
  return `SELECT DISTINCT stretch FROM (SELECT ${keys} FROM difference GROUP BY ${keys} HAVING sum(n) <> 0)`
}

function examplesSql(names: readonly string[]): string {
  const values = names.map((_, k) => `${columnName(k)}::VARCHAR`)
  const order = names.map((_, k) => columnName(k)).join(", ")
  return (
    `SELECT stretch, n, ${values.join(", ")} FROM difference ` +
    `QUALIFY row_number() OVER (PARTITION BY stretch, n > 0 ORDER BY ${order}) <= ${EXAMPLES} ORDER BY stretch, c0, n`
  )
}
