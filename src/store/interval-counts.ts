/** Counts the rows of a table per interval in one pass, whatever the number of intervals. */
import type { Interval } from "../domain.ts"
import type { Engine } from "./engine.ts"

/**
 * One `count(*) FILTER` per interval takes DuckDB quadratic time (10 s for a thousand); a decision tree over the bounds
 * takes each row down its logarithm, 50 ms for 125,000 rows and a thousand intervals (measured, 1.5.5).
 *
 * @param table quoted name of a table that has `__time`
 * @param intervals ascending, disjoint
 * @returns rows per interval; rows outside of all are in none
 */
export async function countsByInterval(
  engine: Pick<Engine, "rows">,
  table: string,
  intervals: readonly Interval[],
): Promise<number[]> {
  const counts = intervals.map(() => 0)
  if (intervals.length === 0) return counts
  const rows = await engine.rows(
    `SELECT n, count(*) FROM (SELECT ${decision(intervals, 0, intervals.length)} AS n ` +
      `FROM (SELECT epoch_ms("__time") AS t FROM ${table})) WHERE n >= 0 GROUP BY n`,
  )
  for (const [n, count] of rows) counts[Number(n)] = Number(count)
  return counts
}

/** SQL for the index of the interval that holds `t` among those from `from` to before `to`, or -1. */
function decision(intervals: readonly Interval[], from: number, to: number): string {
  if (to - from === 1) {
    const { start, end } = intervals[from]!
    return `CASE WHEN t >= ${start} AND t < ${end} THEN ${from} ELSE -1 END`
  }
  const middle = (from + to) >> 1
  const before = decision(intervals, from, middle)
  return `CASE WHEN t < ${intervals[middle]!.start} THEN ${before} ELSE ${decision(intervals, middle, to)} END`
}
