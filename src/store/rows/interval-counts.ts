/** Which interval a row lies in, and how many rows lie in each: one pass over a table, whatever the number of intervals. */
import type { Interval } from "../../base/domain.ts"
import type { Engine } from "../engine.ts"
import { storable, timeBound, timeOfMs } from "../notes/times.ts"

/**
 * The number of the interval that a time lies in, -1 for none: a binary search in nested CASEs, so that a row costs a
 * handful of comparisons whatever the number of intervals. Standard SQL, the same for Druid and DuckDB.
 * @param intervals ascending, disjoint, at least one
 * @param time SQL of the time
 * @param bound SQL of a time to compare it with, from milliseconds; left out: these
 */
export function bucketSql(
  intervals: readonly Interval[],
  time: string,
  bound: (ms: bigint) => string = String,
): string {
  const steps: { from: bigint; bucket: number }[] = []
  for (const [n, { start, end }] of intervals.entries()) {
    if (steps.at(-1)?.from === start) steps.pop()
    steps.push({ from: start, bucket: n }, { from: end, bucket: -1 })
  }
  const search = (low: number, high: number): string => {
    // between steps[low - 1] and steps[high]
    if (low === high) return String(low === 0 ? -1 : steps[low - 1]!.bucket)
    const middle = (low + high) >> 1
    return `CASE WHEN ${time} < ${bound(steps[middle]!.from)} THEN ${search(low, middle)} ELSE ${search(middle + 1, high)} END`
  }
  return search(0, steps.length)
}

/** The number of the interval that a stored row lies in, -1 for none. */
export function storedBucket(intervals: readonly Interval[]): string {
  return bucketSql(intervals, '"__time"', timeBound)
}

/** More intervals are looked up in a table of them. */
const FEW_INTERVALS = 32

/** SQL of rows `n` (the number of the interval that a row lies in) and `k`. */
function lookedUp(table: string, intervals: readonly Interval[], where: string, number: string): string {
  const list = (of: (interval: Interval) => bigint) => `'[${intervals.map(of).join(",")}]'::BIGINT[]`
  const start = list((one) => storable(one.start))
  const end = list((one) => storable(one.end))
  return `SELECT n, k FROM (SELECT "__time" AS t, ${number} AS k FROM ${table} WHERE ${where})
    ASOF JOIN (SELECT n, ${timeOfMs("s")} AS from_time, ${timeOfMs("e")} AS to_time FROM (
      SELECT unnest(${start}) AS s, unnest(${end}) AS e, unnest(range(${intervals.length})) AS n)) ON t >= from_time
    WHERE t < to_time`
}

/**
 * One `count(*) FILTER` per interval takes DuckDB quadratic time (10 s for a thousand), and reading a thousand nested CASEs
 * takes it 0.1 s; of many intervals the last that begins before a row is looked up instead (ASOF; measured, 1.5.6).
 *
 * @param table quoted name of a table that has `__time`
 * @param intervals ascending, disjoint
 * @param where SQL condition that holds for all rows of the intervals, where it spares looking at others
 * @param number SQL of a number of a row; left out: each row counts as one
 * @returns rows per interval; rows outside of all are in none
 */
export async function countsByInterval(
  engine: Pick<Engine, "rows">,
  table: string,
  intervals: readonly Interval[],
  where = "TRUE",
  number = "1",
): Promise<number[]> {
  const counts = intervals.map(() => 0)
  if (intervals.length === 0) return counts
  const numbered = `SELECT ${storedBucket(intervals)} AS n, ${number} AS k FROM ${table} WHERE ${where}`
  const source = intervals.length > FEW_INTERVALS ? lookedUp(table, intervals, where, number) : numbered
  const rows = await engine.rows(`SELECT n, sum(k) FROM (${source}) WHERE n >= 0 GROUP BY n`)
  for (const [n, count] of rows) counts[Number(n)] = Number(count)
  return counts
}
