/**
 * Brings proven, staged slices into the user's file: schema, rows, checkpoints, state and history in one transaction
 * (invariants I1, I2). What calls this has proven the rows; what is here keeps them and their checkpoints together.
 */

import type { Column, Interval, Part } from "../../base/domain.ts"
import { union } from "../../base/intervals.ts"
import { sumOf } from "../../base/lists.ts"
import { quoteName } from "../../base/names.ts"
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { writeChanges } from "../notes/changes.ts"
import { type CheckpointOwner, markParts, removeParts, writeParts } from "../notes/checkpoints.ts"
import { writeOrigins } from "../notes/origins.ts"
import { ensureTables, tableNames } from "../notes/tables.ts"
import { timeCondition } from "../notes/times.ts"
import { bindIndexes } from "./by-hand.ts"
import { type Done, writeStates } from "./commit-state.ts"
import { conversion } from "./convert.ts"
import { countsByInterval } from "./interval-counts.ts"
import type { Staged } from "./stage.ts"
import { prepareTable, type TableNow, type TableWish, type Widened } from "./table-schema.ts"

/** Who the rows belong to and how the run is called. */
export interface Target extends TableWish {
  readonly settings: string
}

/** A slice ready to be committed. */
export interface ReadySlice {
  readonly staged: Staged
  /** columns of the staging table */
  readonly columns: readonly Column[]
  /** one checkpoint per stretch, in time order; `rows` as counted in the staged rows */
  readonly parts: readonly Part[]
  /** chunks being replaced: what we still hold of their old rows is marked stale */
  readonly replacing: readonly Replacing[]
  /** per part: rows that the table must hold of it, and that stay beside those that come; undefined: they are replaced */
  readonly beside?: readonly number[] | undefined
  /** of its rows, as they came */
  readonly bytes: number
}

/** A chunk of which a slice replaces only a piece. */
export interface Replacing {
  readonly interval: Interval
  /** its segments now: rows that came from these are not old */
  readonly segments: string
}

/** Everything one transaction does for one table. */
export interface DatasourceCommit {
  readonly target: Target
  readonly slices: readonly ReadySlice[]
  /** checkpoints whose rows were proven equal without a fetch */
  readonly refreshed: readonly Part[]
  /** stretches that Druid dropped: marked as ours alone */
  readonly keep: readonly Interval[]
  /** stretches that Druid dropped: deleted here too */
  readonly remove: readonly Interval[]
}

/** The run that commits. */
export interface CommittingRun {
  readonly id: string
  readonly nowMs: number
  /** where its rows come from: host, port and base path. Default: not known */
  readonly origin?: string | undefined
}

export interface CommitResult {
  /** per table, in order */
  readonly deleted: readonly number[]
  readonly widened: readonly Widened[]
}

/** @throws DruidsyncError `foreign`, `locked`, `file`, `disk-full` */
export function commit(
  engine: Engine,
  file: DatabaseFile,
  commits: readonly DatasourceCommit[],
  run: CommittingRun,
  signal?: AbortSignal,
): Promise<CommitResult> {
  const bringing = sumOf(
    commits.flatMap((one) => one.slices),
    (slice) => slice.bytes,
  )
  const work = async () => {
    await ensureTables(engine)
    const done: Done[] = []
    const tables = await tableNames(engine)
    for (const one of commits) {
      const table = await prepareTable(engine, file.path, one.target, one.slices, tables)
      const { datasource, table: name } = one.target
      const isNew = table.before === undefined
      const owner = { datasource, table: name, isNew, runId: run.id, nowMs: run.nowMs }
      if (!isNew) await bindIndexes(engine, table.name, "__time")
      let removed = 0
      for (const slice of one.slices) removed += await replaceRows(engine, table, slice, owner)
      removed += await removeRows(engine, table, owner, one.remove)
      await markParts(engine, owner, one.keep, "kept")
      await writeParts(engine, owner, one.refreshed)
      for (const statement of table.indexes) await engine.run(statement)
      await writeChanges(engine, owner, {
        before: table.before,
        after: { name: one.target.table, columns: table.schema },
        read: columnsRead(one.slices),
      })
      done.push({ commit: one, table, deleted: removed })
    }
    await writeStates(engine, done)
    const targets = commits.map(({ target }) => target)
    if (run.origin !== undefined) await writeOrigins(engine, targets, run.origin, run.nowMs)
    return {
      deleted: done.map(({ deleted }) => deleted),
      widened: done.flatMap(({ table }) => table.widened),
    }
  }
  return file.write(work, signal, bringing)
}

/** Names of the columns that came with the rows; undefined if none came. */
function columnsRead(slices: readonly ReadySlice[]): ReadonlySet<string> | undefined {
  const full = slices.filter((slice) => slice.staged.rows > 0)
  return full.length === 0
    ? undefined
    : new Set(full.flatMap((slice) => slice.columns.map((column) => column.name)))
}

/** The rows of a slice take the place of what is held of its parts, or come beside it. @returns rows deleted */
async function replaceRows(
  engine: Engine,
  table: TableNow,
  slice: ReadySlice,
  owner: CheckpointOwner,
): Promise<number> {
  let deleted = 0
  const intervals = slice.parts.map((part) => part.interval)
  if (slice.beside !== undefined && !(await areHeld(engine, table, intervals, slice.beside))) {
    await markParts(engine, owner, intervals, "stale")
    return 0
  }
  for (const interval of slice.beside === undefined && !owner.isNew ? union(intervals) : []) {
    deleted += await engine.change(`DELETE FROM ${table.name} WHERE ${timeCondition(interval)}`)
  }
  for (const { interval, segments } of slice.replacing) {
    // What already came from the chunk's new segments, by an earlier slice, is not old.
    await markParts(engine, owner, [interval], "stale", (part) => part.segments !== segments)
  }
  const types = new Map(table.schema.map((column) => [column.name, column.duckdbType]))
  const names = slice.columns.map((column) => quoteName(column.target))
  const values = slice.columns.map((column) =>
    conversion(quoteName(column.target), column.duckdbType, types.get(column.name) ?? column.duckdbType),
  )
  if (slice.staged.rows > 0) {
    await engine.run(
      `INSERT INTO ${table.name} (${names.join(", ")}) SELECT ${values.join(", ")} FROM ${quoteName(slice.staged.table)}`,
    )
  }
  await writeParts(engine, owner, slice.parts)
  return deleted
}

/** False where another program has changed the table meanwhile: then nothing is known of what is there. */
async function areHeld(
  engine: Engine,
  table: TableNow,
  intervals: readonly Interval[],
  rows: readonly number[],
): Promise<boolean> {
  const all = timeCondition({ start: intervals[0]!.start, end: intervals.at(-1)!.end })
  const held = await countsByInterval(engine, table.name, intervals, all)
  return rows.every((number, n) => held[n] === number)
}

async function removeRows(
  engine: Engine,
  table: TableNow,
  owner: CheckpointOwner,
  intervals: readonly Interval[],
): Promise<number> {
  let deleted = 0
  for (const interval of intervals) {
    deleted += await engine.change(`DELETE FROM ${table.name} WHERE ${timeCondition(interval)}`)
  }
  await removeParts(engine, owner, intervals)
  return deleted
}
