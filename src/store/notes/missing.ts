/** The stretches that a run had to leave incomplete, kept in `_sync_missing` for people; no plan is made from them. */
import type { Interval } from "../../base/domain.ts"
import { byStart, intervalText } from "../../base/intervals.ts"
import type { Engine } from "../engine.ts"
import { replaceNotes } from "./sync-table.ts"
import { MISSING } from "./tables.ts"

/** A stretch that Druid has and the file does not hold as it is there. */
export interface MissingStretch {
  readonly interval: Interval
  /** why, in words */
  readonly reason: string
}

/** More than these of one table are not kept: the newest are. */
const MOST = 1_000

/**
 * Replaces what was noted of these tables, one statement for all. Call within a write, after `ensureTables`.
 * @param found an empty list where nothing is missing any more
 */
export async function writeMissing(
  engine: Engine,
  run: { readonly id: string; readonly nowMs: number },
  found: readonly {
    readonly datasource: string
    readonly table: string
    readonly missing?: readonly MissingStretch[]
  }[],
): Promise<void> {
  const rows = found.flatMap(({ datasource, table, missing = [] }) =>
    joined(missing)
      .slice(-MOST)
      .map(({ interval, reason }) => ({
        datasource,
        table,
        ...interval,
        interval: intervalText(interval),
        reason,
        runId: run.id,
        notedMs: run.nowMs,
      })),
  )
  await replaceNotes(engine, MISSING, found, rows)
}

/** In time order; neighbours with the same reason are one. */
function joined(missing: readonly MissingStretch[]): MissingStretch[] {
  const result: MissingStretch[] = []
  for (const next of [...missing].sort((a, b) => byStart(a.interval, b.interval))) {
    const last = result.at(-1)
    if (last === undefined || last.reason !== next.reason || next.interval.start > last.interval.end) {
      result.push(next)
      continue
    }
    const end = next.interval.end > last.interval.end ? next.interval.end : last.interval.end
    result[result.length - 1] = { reason: last.reason, interval: { start: last.interval.start, end } }
  }
  return result
}
