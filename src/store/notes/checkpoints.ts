/**
 * The checkpoints in `_sync_chunks`, kept disjoint: what is written takes the place of what was there, and what stood
 * out of it on either side stays, counted anew. Call within the transaction that changes the rows (invariant I1), after
 * the rows have been changed.
 */
import { ROWS_COLUMN } from "../../base/buckets.ts"
import type { Interval, Part, PartState } from "../../base/domain.ts"
import { anyOverlap, intersection, intervalText, subtract, union } from "../../base/intervals.ts"
import { quoteName } from "../../base/names.ts"
import { type Engine, literal } from "../engine.ts"
import { asStored, insertRows, type RowOf, readRows, rowsFrom } from "./sync-table.ts"
import { CHUNKS } from "./tables.ts"
import { timeCondition } from "./times.ts"

const PART_COLUMNS = ["start", "end", "segments", "rows", "sourceRows", "state", "settings"] as const

function partOf(row: Pick<RowOf<typeof CHUNKS>, (typeof PART_COLUMNS)[number]>): Part {
  const { start, end, ...part } = row
  return { interval: { start, end }, ...part }
}

/**
 * Checkpoints by table, ascending.
 * @param from SQL of what has the columns of `_sync_chunks`. Default: the file attached as `file`
 */
export async function readParts(engine: Engine, from?: string, where = ""): Promise<Map<string, Part[]>> {
  const keys = ["table", ...PART_COLUMNS] as const
  const chunks = from === undefined ? await asStored(engine, CHUNKS) : { ...CHUNKS, from }
  const parts = new Map<string, Part[]>()
  // All have the same settings, and pieces of one chunk the same segments: one text for all of them.
  const texts = new Map<string, string>()
  const shared = (text: string) => {
    const known = texts.get(text) ?? text
    texts.set(known, known)
    return known
  }
  const tail = `${where} ORDER BY "table", start_ms`
  for (const { table, ...row } of await readRows(engine, chunks, keys, tail)) {
    const list = parts.get(table) ?? []
    parts.set(table, list)
    list.push(partOf({ ...row, segments: shared(row.segments), settings: shared(row.settings) }))
  }
  return parts
}

/** Of one table, of the file attached as `file`. @param within only those that overlap it */
export async function partsOf(engine: Engine, table: string, within?: Interval): Promise<readonly Part[]> {
  const overlaps = within === undefined ? "" : ` AND start_ms < ${within.end} AND end_ms > ${within.start}`
  const parts = await readParts(engine, undefined, `WHERE "table" = ${literal(table)}${overlaps}`)
  return parts.get(table) ?? []
}

/** Checkpoints in one state, summed up. */
export interface PartSum {
  readonly parts: number
  readonly rows: number
}

/** Of each table, by state; states without any are missing. */
export async function sumParts(engine: Engine): Promise<Map<string, Map<PartState, PartSum>>> {
  const sums = new Map<string, Map<PartState, PartSum>>()
  const { from } = await asStored(engine, CHUNKS)
  const rows = await rowsFrom(
    engine,
    CHUNKS.name,
    `SELECT "table", state, count(*), sum(rows)::BIGINT FROM ${from} GROUP BY "table", state`,
  )
  for (const [table, state, parts, count] of rows) {
    const name = String(table)
    const own = sums.get(name) ?? new Map<PartState, PartSum>()
    sums.set(name, own.set(String(state) as PartState, { parts: Number(parts), rows: Number(count) }))
  }
  return sums
}

/** Which rows the checkpoints belong to. */
export interface CheckpointOwner {
  readonly datasource: string
  /** as it is called in the file */
  readonly table: string
  /** the table was made in this transaction: nothing was held before */
  readonly isNew: boolean
  readonly runId: string
  readonly nowMs: number
}

/** Writes checkpoints in place of whatever overlaps them. `parts` are disjoint. */
export async function writeParts(
  engine: Engine,
  owner: CheckpointOwner,
  parts: readonly Part[],
): Promise<void> {
  if (owner.isNew) return insertParts(engine, owner, parts)
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
