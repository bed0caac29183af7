/**
 * How a table changed since it was made, kept in `_sync_changes` for people: written in the commit that changes it, from
 * what really became of its columns.
 */
import type { Engine } from "../engine.ts"
import type { CheckpointOwner } from "./checkpoints.ts"
import { insertRows, keepNewest, readRows } from "./sync-table.ts"
import { CHANGES, type ChangeKind, type StoredColumn } from "./tables.ts"

export interface TableChange {
  readonly change: ChangeKind
  /** name in Druid; undefined if it is about the table */
  readonly column: string | undefined
  /** type, or name of the table, before and after */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** More than these of one table are not kept: the newest are. */
const MOST = 200

/** A table before a commit and after it. */
export interface TableStep {
  /** undefined if the commit made the table */
  readonly before: { readonly name: string; readonly columns: readonly StoredColumn[] } | undefined
  readonly after: { readonly name: string; readonly columns: readonly StoredColumn[] }
  /** columns that the stored rows came with; undefined if none were stored */
  readonly read: ReadonlySet<string> | undefined
}

/**
 * @param gone columns that were noted as vanished and have not returned
 */
export function tableChanges({ before, after, read }: TableStep, gone: ReadonlySet<string>): TableChange[] {
  if (before === undefined) return []
  const changes: TableChange[] = []
  if (before.name !== after.name) {
    changes.push({ change: "renamed", column: undefined, before: before.name, after: after.name })
  }
  const was = new Map(before.columns.map((column) => [column.name, column.duckdbType]))
  for (const { name, duckdbType } of after.columns) {
    const type = was.get(name)
    const change = (kind: ChangeKind) =>
      changes.push({ change: kind, column: name, before: type, after: duckdbType })
    if (type === undefined) change("added")
    else if (type !== duckdbType) change("retyped")
    if (read === undefined) continue
    if (!read.has(name) && !gone.has(name)) change("vanished")
    else if (read.has(name) && gone.has(name)) change("returned")
  }
  return changes
}

/** Notes what a commit did to a table. Call within its transaction. */
export async function writeChanges(
  engine: Engine,
  owner: Omit<CheckpointOwner, "isNew">,
  step: TableStep,
): Promise<void> {
  if (step.before === undefined) return
  // Rows are numbered in the order in which they came.
  const noted = await readRows(engine, CHANGES, ["change", "column"], 'WHERE "table" = $1 ORDER BY rowid', [
    owner.table,
  ])
  const gone = new Set<string>()
  for (const { change, column = "" } of noted) {
    if (change === "vanished") gone.add(column)
    else if (change === "returned") gone.delete(column)
  }
  const { datasource, table, runId, nowMs } = owner
  const changes = tableChanges(step, gone).map((one) => ({ ...one, datasource, table, runId, atMs: nowMs }))
  await insertRows(engine, CHANGES, changes)
  if (noted.length + changes.length > MOST) await keepNewest(engine, CHANGES, [table], MOST)
}
