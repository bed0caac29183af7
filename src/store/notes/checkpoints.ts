/**
 * The checkpoints in `_sync_chunks`, kept disjoint: what is written takes the place of what was there, and what stood
 * out of it on either side stays, counted anew. Call within the transaction that changes the rows (invariant I1), after
 * the rows have been changed.
 */
import { ROWS_COLUMN } from "../../base/buckets.ts"
import type { Interval, Part, PartState } from "../../base/domain.ts"
import { anyOverlap, intersection, intervalText, subtract, union } from "../../base/intervals.ts"
import { quoteName } from "../../base/names.ts"
import type { Engine } from "../engine.ts"
import { asStored, insertRows, type RowOf, readRows } from "./sync-table.ts"
import { CHUNKS } from "./tables.ts"
import { timeCondition } from "./times.ts"

const PART_COLUMNS = ["start", "end", "segments", "rows", "sourceRows", "state", "settings"] as const

function partOf(row: Pick<RowOf<typeof CHUNKS>, (typeof PART_COLUMNS)[number]>): Part {
  const { start, end, ...part } = row
  return { interval: { start, end }, ...part }
}

/** All checkpoints of the file attached as `file`, by table, ascending. */
export async function readParts(engine: Engine): Promise<Map<string, Part[]>> {
  const parts = new Map<string, Part[]>()
  const keys = ["table", ...PART_COLUMNS] as const
  const chunks = await asStored(engine, CHUNKS)
  for (const { table, ...row } of await readRows(engine, chunks, keys, 'ORDER BY "table", start_ms')) {
    const list = parts.get(table) ?? []
    parts.set(table, list)
    list.push(partOf(row))
  }
  return parts
}

/** Which rows the checkpoints belong to. */
export interface CheckpointOwner {
  readonly datasource: string
  /** as it is called in the file */
  readonly table: string
  readonly runId: string
  readonly nowMs: number
}

/** Writes checkpoints in place of whatever overlaps them. `parts` are disjoint. */
export async function writeParts(
  engine: Engine,
  owner: CheckpointOwner,
  parts: readonly Part[],
): Promise<void> {
  const { rest } = await cut(
    engine,
    owner,
    parts.map((part) => part.interval),
  )
  await insertParts(engine, owner, [...rest, ...parts])
}

/** Takes intervals out of the checkpoints. */
export async function removeParts(
  engine: Engine,
  owner: CheckpointOwner,
  intervals: readonly Interval[],
): Promise<void> {
  const { rest } = await cut(engine, owner, intervals)
  await insertParts(engine, owner, rest)
}

/**
 * Gives what we hold within the intervals another state, cutting checkpoints that stand out of them.
 * @param concerns which checkpoints; the others stay as they are
 */
export async function markParts(
  engine: Engine,
  owner: CheckpointOwner,
  intervals: readonly Interval[],
  state: PartState,
  concerns: (part: Part) => boolean = () => true,
): Promise<void> {
  const { taken, rest } = await cut(engine, owner, intervals, concerns)
  const marked: Part[] = []
  for (const part of taken) {
    for (const interval of union(intervals)) {
      const inside = intersection(part.interval, interval)
      if (inside === undefined) continue
      const piece = await pieceOf(engine, owner, part, inside)
      // A checkpoint without rows that Druid has no segment for says nothing: it goes.
      if (state === "kept" && piece.rows === 0) continue
      marked.push({ ...piece, state })
    }
  }
  await insertParts(engine, owner, [...rest, ...marked])
}

/** Deletes the checkpoints that overlap; returns them, and what of them lies outside of the intervals. */
async function cut(
  engine: Engine,
  owner: CheckpointOwner,
  intervals: readonly Interval[],
  concerns: (part: Part) => boolean = () => true,
): Promise<{ taken: Part[]; rest: Part[] }> {
  const merged = union(intervals)
  if (merged.length === 0) return { taken: [], rest: [] }
  const rows = await readRows(
    engine,
    CHUNKS,
    PART_COLUMNS,
    'WHERE "table" = $1 AND start_ms < $2 AND end_ms > $3',
    [owner.table, merged.at(-1)!.end, merged[0]!.start],
  )
  const isConcerned = anyOverlap(merged)
  const taken = rows.map(partOf).filter((part) => concerns(part) && isConcerned(part.interval))
  if (taken.length === 0) return { taken, rest: [] }
  // Checkpoints of a table are disjoint, so the start names one.
  await engine.run(
    `DELETE FROM file._sync_chunks WHERE "table" = $1 AND start_ms IN (${taken.map((part) => part.interval.start).join(", ")})`,
    [owner.table],
  )
  const rest: Part[] = []
  for (const part of taken) {
    for (const interval of subtract(part.interval, merged)) {
      rest.push(await pieceOf(engine, owner, part, interval))
    }
  }
  return { taken, rest }
}

/** A piece of a checkpoint, counted anew. */
async function pieceOf(
  engine: Engine,
  owner: CheckpointOwner,
  part: Part,
  interval: Interval,
): Promise<Part> {
  const sum = part.sourceRows === undefined ? "NULL" : `coalesce(sum(${quoteName(ROWS_COLUMN)}), 0)`
  const [row] = await engine.rows(
    `SELECT count(*), ${sum} FROM file.${quoteName(owner.table)} WHERE ${timeCondition(interval)}`,
  )
  const [rows, sourceRows] = row as [unknown, unknown]
  return {
    ...part,
    interval,
    rows: Number(rows),
    sourceRows: sourceRows === null ? undefined : Number(sourceRows),
  }
}

async function insertParts(engine: Engine, owner: CheckpointOwner, parts: readonly Part[]): Promise<void> {
  const { datasource, table, runId, nowMs } = owner
  const rows = parts.map(({ interval, ...part }) => ({
    sourceRows: undefined,
    ...part,
    ...interval,
    interval: intervalText(interval),
    datasource,
    table,
    runId,
    committedMs: nowMs,
  }))
  await insertRows(engine, CHUNKS, rows)
}
