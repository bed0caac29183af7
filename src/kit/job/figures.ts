/** What the file holds of each table after a run, as numbers for machines. */

import type { Clock } from "../../base/clock.ts"
import { withFile } from "../../store/file/reading.ts"
import { type StateAt, stateAt } from "../../store/notes/ahead.ts"
import { readState, rowsIn } from "../../store/notes/state.ts"

export interface Figures {
  readonly rows: number
  /** may still change in Druid */
  readonly provisionalRows: number
  /** gone from Druid, kept here */
  readonly keptRows: number
  /** greatest `__time` that is not after now, epoch ms; undefined without one */
  readonly newestMs: number | undefined
  /** after now */
  readonly aheadRows: number
  readonly lastSuccessMs: number | undefined
}

/** How long we wait for another program that has the file open, ms. */
const LOCK_WAIT_MS = 2_000

/** By table. */
export function figuresOf({ held, ahead }: StateAt): ReadonlyMap<string, Figures> {
  return new Map(
    [...held].map(([name, one]) => {
      const { rows, cursorMs, lastSuccessMs } = one
      const later = ahead.get(name)
      const newest = later === undefined ? cursorMs : later.newestMs
      const newestMs = newest === undefined ? undefined : Number(newest)
      const [provisionalRows, keptRows] = [rowsIn(one, "provisional"), rowsIn(one, "kept")]
      return [name, { rows, provisionalRows, keptRows, newestMs, aheadRows: later?.rows ?? 0, lastSuccessMs }]
    }),
  )
}

/**
 * For a run that broke off before it could report its figures. Opens an engine of its own.
 * @returns undefined if the file cannot be read now
 */
export async function readFigures(
  path: string,
  clock: Clock,
): Promise<ReadonlyMap<string, Figures> | undefined> {
  const reading = { path, lockWaitMs: LOCK_WAIT_MS, clock, memoryLimit: "64MB", threads: 1 }
  try {
    const held = await withFile(reading, async (engine, file) =>
      stateAt(engine, file, await readState(engine, file), clock.nowMs()),
    )
    return figuresOf(held)
  } catch {
    // The caller falls back on the figures of the run before.
    return undefined
  }
}
