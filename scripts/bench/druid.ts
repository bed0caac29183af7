/** The real Druid of the benchmark: started with the data folder of the last time, loaded once. */
import {
  countRows,
  type Druid,
  loadDataset,
  markUnused,
  segments,
  startDruid,
  waitSettled,
  wikipedia,
} from "../druid/index.ts"

export const DATASOURCE = "wikipedia"
/** Days that the rows are spread over, from here. */
const DAYS = 30
const START = "2016-06-01"
const DAY_MS = 86_400_000

export interface BenchDruid {
  readonly druid: Druid
  readonly rows: number
  /** Adds 1% of the rows, in a day of their own after all others. */
  addOnePercent(): Promise<void>
  /** Takes that day away again. */
  removeAdded(): Promise<void>
  /** Ingests one of the days anew: as many rows, other values. @returns its number of rows */
  replaceDay(seed: number): Promise<number>
}

export async function benchDruid(
  dataDir: string,
  portBase: number,
  rows: number,
  say: (text: string) => void,
): Promise<BenchDruid> {
  const druid = await startDruid({ dataDir, portBase, say })
  try {
    await dropExtra(druid)
    const has = await countRows(druid, DATASOURCE).catch(() => 0)
    if (has !== rows) {
      say(`loading ${rows} rows (Druid holds ${has})`)
      if (has > 0) {
        await markUnused(druid, DATASOURCE)
        await waitSettled(druid, DATASOURCE)
      }
      await loadDataset(druid, wikipedia({ rows, days: DAYS, start: START }))
    }
  } catch (error) {
    await druid.stop()
    throw error
  }
  return {
    druid,
    rows,
    addOnePercent: async () => {
      const more = wikipedia({ rows: Math.round(rows / 100), days: 1, start: dayText(DAYS), seed: 3 })
      await loadDataset(druid, more)
    },
    removeAdded: () => dropExtra(druid),
    replaceDay: async (seed) => {
      const dataset = wikipedia({ rows: Math.round(rows / DAYS), days: 1, start: dayText(DAYS / 2), seed })
      await loadDataset(druid, dataset)
      return dataset.rowCount
    },
  }
}

/** Takes away what lies behind the days that belong to the benchmark: left by a run that was interrupted. */
async function dropExtra(druid: Druid): Promise<void> {
  const limit = `${dayText(DAYS)}T00:00:00.000Z`
  const extra = (await segments(druid, DATASOURCE)).some((one) => one.is_active === 1 && one.start >= limit)
  if (!extra) return
  await markUnused(druid, DATASOURCE, `${limit}/2100-01-01T00:00:00.000Z`)
  await waitSettled(druid, DATASOURCE)
}

function dayText(n: number): string {
  return new Date(Date.parse(START) + n * DAY_MS).toISOString().slice(0, 10)
}
