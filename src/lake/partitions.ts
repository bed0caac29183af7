/** Which days or months of a table have rows. Called while the user's file is attached as `file`. */
import type { Interval } from "../base/domain.ts"
import { quoteName } from "../base/names.ts"
import type { Engine } from "../store/engine.ts"
import { timeCondition } from "../store/notes/times.ts"
import type { LakePartition, LakePartitioning } from "./layout.ts"

/**
 * Days or months that have rows, ascending.
 * @param within only this stretch
 * @returns `timeless`: rows whose time is NULL or infinite, which druidsync never stores
 */
export async function readPartitions(
  engine: Engine,
  table: string,
  by: LakePartitioning,
  within?: Interval,
): Promise<{ partitions: LakePartition[]; timeless: number }> {
  const condition = within === undefined ? "TRUE" : timeCondition(within)
  const rows = await engine.rows(
    `WITH counted AS (
       SELECT date_trunc('${by}', "__time")::TIMESTAMP AS t, count(*) AS n
       FROM file.${quoteName(table)} WHERE ${condition} GROUP BY 1)
     SELECT isfinite(t), n, year(t), month(t), day(t), epoch_ms(t), epoch_ms(t + INTERVAL 1 ${by.toUpperCase()})
     FROM counted ORDER BY t`,
  )
  const partitions: LakePartition[] = []
  let timeless = 0
  for (const [isTime, count, year, month, day, start, end] of rows) {
    if (isTime !== true) timeless += Number(count)
    else
      partitions.push({
        year: Number(year),
        month: Number(month),
        day: Number(day),
        interval: { start: start as bigint, end: end as bigint },
        rows: Number(count),
      })
  }
  return { partitions, timeless }
}
