/**
 * How a table changed since it was made, kept in `_sync_changes` for people: written in the commit that changes it, from
 * what really became of its columns.
 */
import type { Engine } from "../engine.ts"
import type { StoredColumn } from "./state.ts"
import { timestampLiteral } from "./times.ts"

/** What became of a column, or of the table's name. */
export type ChangeKind =
  | "added"
  | "retyped"
  /** new rows come without it: Druid has it no more, or the configuration leaves it out */
  | "vanished"
  /** new rows have it again */
  | "returned"
  | "renamed"

export interface TableChange {
  readonly change: ChangeKind
  /** name in Druid; undefined where it is about the table */
  readonly column: string | undefined
  /** type, or name of the table, before and after */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** More than these of one datasource are not kept: the newest are. */
const MOST = 200

/** A table before a commit and after it. */
export interface TableStep {
  /** undefined where the commit made the table */
  readonly before: { readonly name: string; readonly columns: readonly StoredColumn[] } | undefined
  readonly after: { readonly name: string; readonly columns: readonly StoredColumn[] }
  /** columns that the stored rows came with; undefined where none were stored */
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
  owner: { readonly datasource: string; readonly runId: string; readonly nowMs: number },
  step: TableStep,
): Promise<void> {
  if (step.before === undefined) return
  // Rows are numbered in the order in which they came.
  const noted = await engine.rows(
    'SELECT rowid, change, "column" FROM file._sync_changes WHERE datasource = $1 ORDER BY rowid',
    [owner.datasource],
  )
  const gone = new Set<string>()
  for (const [, change, column] of noted) {
    if (change === "vanished") gone.add(String(column))
    else if (change === "returned") gone.delete(String(column))
  }
  const changes = tableChanges(step, gone)
  for (const { change, column, before, after } of changes) {
    await engine.run(
      `INSERT INTO file._sync_changes VALUES ($1, $2, ${timestampLiteral(owner.nowMs)}, $3, $4, $5, $6)`,
      [owner.datasource, owner.runId, change, column ?? null, before ?? null, after ?? null],
    )
  }
  const over = noted.slice(0, Math.max(0, noted.length + changes.length - MOST))
  if (over.length === 0) return
  await engine.run(
    `DELETE FROM file._sync_changes WHERE rowid IN (${over.map(([id]) => String(id)).join(", ")})`,
  )
}
