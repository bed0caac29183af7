/** What the file holds of each datasource after a run, as numbers for machines. */

import type { Clock } from "../../base/clock.ts"
import { withFile } from "../../store/file/reading.ts"
import { type FileState, readState } from "../../store/notes/state.ts"

export interface Figures {
  readonly rows: number
  /** may still change in Druid */
  readonly provisionalRows: number
  /** gone from Druid, kept here */
  readonly keptRows: number
  readonly cursorMs: number | undefined
  readonly lastSuccessMs: number | undefined
}

/** Another program may be at work on the file: not for long. */
const LOCK_WAIT_MS = 2_000

/** By datasource. */
export function figuresOf({ datasources }: FileState): ReadonlyMap<string, Figures> {
  return new Map(
    [...datasources].map(([name, { rows, parts, cursorMs, lastSuccessMs }]) => {
      const rowsIn = (state: string) =>
        parts.reduce((sum, part) => (part.state === state ? sum + part.rows : sum), 0)
      const cursor = cursorMs === undefined ? undefined : Number(cursorMs)
      const [provisionalRows, keptRows] = [rowsIn("provisional"), rowsIn("kept")]
      return [name, { rows, provisionalRows, keptRows, cursorMs: cursor, lastSuccessMs }]
    }),
  )
}

/**
 * For where the run broke off before it could say so itself: it takes another engine.
 * @returns undefined where the file cannot be read now
 */
export async function readFigures(
  path: string,
  clock: Clock,
): Promise<ReadonlyMap<string, Figures> | undefined> {
  const reading = { path, lockWaitMs: LOCK_WAIT_MS, clock, memoryLimit: "64MB", threads: 1 }
  try {
    return figuresOf(await withFile(reading, readState))
  } catch {
    // Whoever asks says what it knew before.
    return undefined
  }
}
