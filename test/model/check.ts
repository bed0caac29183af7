/** The invariants of docs/architecture.md, asked of a file: what must hold after any pull, and what must hold after one that exits 0. */

import type { Interval, Part } from "../../src/base/domain.ts"
import { overlaps, subtract, union } from "../../src/base/intervals.ts"
import { formatDruidTime, MIN_TIME } from "../../src/base/time.ts"
import type { DatasourceSettings } from "../../src/config/settings.ts"
import type { Copy } from "./copy.ts"
import { fateBefore, multiset, rowsWithin, type Segments, type Stretch, type TextRow } from "./truth.ts"

const show = ({ start, end }: Interval) => `${formatDruidTime(start)}/${formatDruidTime(end)}`

function mustEqual(what: string, found: readonly TextRow[], expected: readonly TextRow[]): void {
  const [a, b] = [multiset(found), multiset(expected)]
  if (a !== b) throw new Error(`${what}\n--- in the file\n${a}\n--- expected\n${b}`)
}

/**
 * What holds at any moment, whatever died: checkpoints are disjoint and count their rows, together they count all, and
 * the rows of every complete one are those of the segments it names (I1, I2, I3).
 * @param settingsOf settings by their digest, as the history had them
 */
export function checkAnyTime(
  name: string,
  copy: Copy,
  segments: Segments,
  settingsOf: ReadonlyMap<string, DatasourceSettings>,
): void {
  let counted = 0
  for (const [n, part] of copy.parts.entries()) {
    const where = `${name} ${show(part.interval)} (${part.state})`
    const next = copy.parts[n + 1]
    if (next !== undefined && overlaps(part.interval, next.interval))
      throw new Error(`${where}: overlaps the checkpoint of ${show(next.interval)}`)
    const rows = rowsWithin(copy.rows, part.interval)
    counted += rows.length
    if (rows.length !== part.rows)
      throw new Error(`${where}: the checkpoint says ${part.rows} rows, the table has ${rows.length}`)
    if (part.state === "complete" || (isOld(part) && segments.areTelling(part.segments))) {
      const settings = settingsOf.get(part.settings)
      if (settings === undefined) throw new Error(`${where}: settings ${part.settings} never were`)
      mustEqual(
        `${where}: rows of ${part.segments}`,
        rows,
        segments.rowsOf(part.segments, part.interval, settings),
      )
    }
  }
  if (counted !== copy.rows.length) {
    const loose = copy.rows.filter((row) =>
      copy.parts.every((part) => row.time < part.interval.start || row.time >= part.interval.end),
    )
    throw new Error(`${name}: rows that no checkpoint covers:\n${multiset(loose)}`)
  }
  if (copy.stateRows !== copy.rows.length)
    throw new Error(`${name}: _sync_state says ${copy.stateRows} rows, the table has ${copy.rows.length}`)
  const greatest = copy.rows.reduce<bigint | undefined>(
    (max, row) => (max === undefined || row.time > max ? row.time : max),
    undefined,
  )
  if (copy.cursorMs !== greatest)
    throw new Error(`${name}: the cursor is ${copy.cursorMs}, the greatest __time is ${greatest}`)
}

function isOld(part: Part): boolean {
  return part.state === "stale" || part.state === "kept"
}

/**
 * What holds after a pull that exits 0, with Druid unchanged since its last look (I6): every stretch that Druid serves
 * is as in Druid, the others are as they were before.
 * @param servedGone some server still answered for dropped segments: they may be deleted later
 * @param schemaLags Druid's SQL may not know all columns of realtime rows yet: these are fetched again anyway
 * @param start of the window of `keep`; undefined: everything is kept
 */
export function checkComplete(
  name: string,
  settings: DatasourceSettings,
  stretches: readonly Stretch[],
  before: Copy | undefined,
  after: Copy,
  servedGone: boolean,
  schemaLags: boolean,
  start: bigint | undefined,
): void {
  if (start !== undefined) checkBefore(name, stretches, before, after, start)
  const from = start ?? MIN_TIME
  const past = { start: MIN_TIME, end: from }
  const inWindow = (rows: readonly TextRow[]) => rows.filter(({ time }) => time >= from)
  for (const stretch of stretches) {
    const isLeft = stretch.isCold || (stretch.isLive && settings.realtime === "exclude")
    const rows = inWindow(isLeft ? rowsWithin(before?.rows ?? [], stretch.interval) : stretch.rows)
    const found = inWindow(rowsWithin(after.rows, stretch.interval))
    if (stretch.isLive && schemaLags && found.length === rows.length) continue
    mustEqual(`${name} ${show(stretch.interval)}: exit 0, but`, found, rows)
  }
  const active = union(stretches.map((stretch) => stretch.interval))
  const ours = (rows: readonly TextRow[]) =>
    inWindow(rows).filter((row) => active.every(({ start, end }) => row.time < start || row.time >= end))
  const kept = ours(after.rows)
  if (settings.deletions === "keep") {
    mustEqual(`${name}: rows that Druid dropped`, kept, ours(before?.rows ?? []))
    for (const part of after.parts)
      if (part.state !== "kept" && subtract(part.interval, [...active, past]).length > 0)
        throw new Error(`${name} ${show(part.interval)}: dropped in Druid, but "${part.state}" here`)
  } else if (kept.length > 0) {
    if (!servedGone) throw new Error(`${name}: rows that Druid dropped are still here:\n${multiset(kept)}`)
    mustEqual(`${name}: rows that Druid dropped and still serves`, kept, ours(before?.rows ?? []))
  }
}

/** Rows before the window are gone, whatever they were; or all there, where Druid has no row in it. */
function checkBefore(
  name: string,
  stretches: readonly Stretch[],
  before: Copy | undefined,
  after: Copy,
  start: bigint,
): void {
  const older = (copy: Copy | undefined) => (copy?.rows ?? []).filter(({ time }) => time < start)
  const fate = fateBefore(stretches, start)
  if (fate === "left")
    mustEqual(`${name}: rows before a window without a row of Druid's`, older(after), older(before))
  if (fate === "left" || (fate === "either" && multiset(older(after)) === multiset(older(before)))) return
  mustEqual(`${name}: rows before the window`, older(after), [])
  for (const part of after.parts)
    if (part.interval.start < start)
      throw new Error(`${name} ${show(part.interval)}: a checkpoint before the window`)
}
