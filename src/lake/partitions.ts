/** Which days or months of a table have rows. Called while the user's file is attached as `file`. */
import type { Interval } from "../base/domain.ts"
import { quoteName } from "../base/names.ts"
import { fromCivil, MIN_TIME } from "../base/time.ts"
import type { Engine } from "../store/engine.ts"
import { timeCondition } from "../store/notes/times.ts"
import type { LakePartition, LakePartitioning } from "./layout.ts"

/**
 * Days or months that have rows, ascending; before them what stands at Druid's first instant, where there is any.
 * @param within only this stretch
 * @returns `timeless`: rows whose time is NULL or infinitely late, which druidsync never stores
 */
export async function readPartitions(
  engine: Engine,
  table: string,
  by: LakePartitioning,
  within?: Interval,
): Promise<{ partitions: LakePartition[]; timeless: number }> {
  const condition = within === undefined ? "TRUE" : timeCondition(within)
  // Not `date_trunc`: it takes four times as long, and fails on infinities (1.5.6). Those have no year.
  const day = by === "day" ? 'day("__time")' : "1"
  const rows = await engine.rows(
    `SELECT year("__time") AS y, month("__time") AS m, ${day} AS d, "__time" = '-infinity' AS is_first, count(*)
     FROM file.${quoteName(table)} WHERE ${condition} GROUP BY ALL ORDER BY y NULLS FIRST, m, d`,
  )
  const partitions: LakePartition[] = []
  let timeless = 0
  for (const [year, month, day, isFirst, count] of rows) {
    if (year !== null) {
      const date = { year: Number(year), month: Number(month), day: Number(day) }
      partitions.push({ date, interval: intervalOf(date, by), rows: Number(count) })
    } else if (isFirst === true) {
      const interval = { start: MIN_TIME, end: MIN_TIME + 1n }
      partitions.push({ date: undefined, interval, rows: Number(count) })
    } else timeless += Number(count)
  }
  return { partitions, timeless }
}

/** The whole day, or the month that begins with it. */
function intervalOf(date: NonNullable<LakePartition["date"]>, by: LakePartitioning): Interval {
  const start = fromCivil({ ...date, ofDayMs: 0 })!
  if (by === "day") return { start, end: start + 86_400_000n }
  const isLast = date.month === 12
  const year = date.year + Number(isLast)
  return { start, end: fromCivil({ year, month: isLast ? 1 : date.month + 1, day: 1, ofDayMs: 0 })! }
}
