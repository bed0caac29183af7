/**
 * Brings proven, staged slices into the user's file: schema, rows, checkpoints, state and history in one transaction
 * (invariants I1, I2). What calls this has proven the rows; what is here keeps them and their checkpoints together.
 */
import type { Column, Interval, Part } from "../../base/domain.ts"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import { union } from "../../base/intervals.ts"
import { fold, quoteName } from "../../base/names.ts"
import type { Engine } from "../engine.ts"
import { literal } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { writeChanges } from "../notes/changes.ts"
import { type CheckpointOwner, markParts, removeParts, writeParts } from "../notes/checkpoints.ts"
import type { StoredColumn } from "../notes/tables.ts"
import { ensureTables, tableNames } from "../notes/tables.ts"
import { timeCondition } from "../notes/times.ts"
import { conversion, losesDigits } from "./convert.ts"
import { commonColumn, textInstead } from "./drift.ts"
import { ROW_HASH_NAME } from "./row-hash.ts"
import type { Staged } from "./stage.ts"

/** Who the rows belong to and how the run is called. */
export interface Target {
  readonly datasource: string
  readonly table: string
  readonly settings: string
  /** the table's columns after this commit */
  readonly schema: readonly StoredColumn[]
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
  /** of its rows, as they came */
  readonly bytes: number
}

/** A chunk of which a slice replaces only a piece. */
export interface Replacing {
  readonly interval: Interval
  /** its segments now: rows that came from these are not old */
  readonly segments: string
}

/** Everything one transaction does for one datasource. */
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

export interface CommitResult {
  /** per datasource, in order */
  readonly deleted: readonly number[]
  /** columns whose type had to become wider than planned: `datasource.column → type` */
  readonly widened: readonly { datasource: string; column: string; type: string }[]
}

/** @throws DruidsyncError `foreign`, `locked`, `file`, `disk-full` */
export function commit(
  engine: Engine,
  file: DatabaseFile,
  commits: readonly DatasourceCommit[],
  run: { readonly id: string; readonly nowMs: number },
  signal?: AbortSignal,
): Promise<CommitResult> {
  const bringing = commits.flatMap((one) => one.slices).reduce((sum, slice) => sum + slice.bytes, 0)
  const work = async () => {
    await ensureTables(engine)
    const deleted: number[] = []
    const widened: { datasource: string; column: string; type: string }[] = []
    const tables = await tableNames(engine)
    for (const one of commits) {
      const table = await prepareTable(engine, file.path, one, tables, widened)
      const owner = { datasource: one.target.datasource, table: table.name, runId: run.id, nowMs: run.nowMs }
      let removed = 0
      for (const slice of one.slices) removed += await replaceRows(engine, table, slice, owner)
      removed += await removeRows(engine, table, owner, one.remove)
      await markParts(engine, owner, one.keep, "kept")
      await writeParts(engine, owner, one.refreshed)
      await writeState(engine, table, one, removed > 0)
      await writeChanges(engine, owner, {
        before: table.before,
        after: { name: one.target.table, columns: table.schema },
        read: columnsRead(one.slices),
      })
      deleted.push(removed)
    }
    return { deleted, widened }
  }
  return file.write(work, signal, bringing)
}

/** @param tables names of the tables and views in the file; kept up to date */
async function prepareTable(
  engine: Engine,
  path: string,
  one: DatasourceCommit,
  tables: string[],
  widened: { datasource: string; column: string; type: string }[],
): Promise<TableNow> {
  const { target } = one
  const name = `file.${quoteName(target.table)}`
  const owned = await engine.rows('SELECT "table" FROM file._sync_state WHERE datasource = $1', [
    target.datasource,
  ])
  const known = owned.length === 0 ? undefined : String(owned[0]![0])
  // A table that the user dropped is made anew; its checkpoints went with it (see `readState`).
  const before = known !== undefined && tables.includes(known) ? known : undefined
  if (before === undefined && known !== undefined) {
    await engine.run("DELETE FROM file._sync_chunks WHERE datasource = $1", [target.datasource])
    await engine.run("UPDATE file._sync_state SET cursor = NULL WHERE datasource = $1", [target.datasource])
  }
  const isTaken = tables.some((other) => fold(other) === fold(target.table) && other !== before)
  if (isTaken) throw foreignTable(path, target)
  if (before !== target.table) {
    if (before !== undefined) tables.splice(tables.indexOf(before), 1)
    tables.push(target.table)
  }
  if (before !== undefined && before !== target.table) {
    await engine.run(`ALTER TABLE file.${quoteName(before)} RENAME TO ${quoteName(target.table)}`)
  }
  if (before === undefined) {
    await engine.run(
      `CREATE TABLE ${name} (${target.schema.map((c) => `${quoteName(c.target)} ${c.duckdbType}`).join(", ")})`,
    )
    await engine.run(
      `COMMENT ON TABLE ${name} IS ${remark(`Druid datasource ${target.datasource}, kept by druidsync`)}`,
    )
    for (const column of target.schema) await comment(engine, name, column)
    return { name, schema: target.schema, before: undefined }
  }
  const current = await storedColumns(engine, target.datasource)
  const schema = await bringToSchema(engine, name, one, current, widened)
  return { name, schema, before: { name: before, columns: current } }
}

interface TableNow {
  /** qualified and quoted */
  readonly name: string
  readonly schema: readonly StoredColumn[]
  /** as it was before this commit; undefined where this commit made it */
  readonly before: { readonly name: string; readonly columns: readonly StoredColumn[] } | undefined
}

/** Names of the columns that came with the rows; undefined where none came. */
function columnsRead(slices: readonly ReadySlice[]): ReadonlySet<string> | undefined {
  const full = slices.filter((slice) => slice.staged.rows > 0)
  return full.length === 0
    ? undefined
    : new Set(full.flatMap((slice) => slice.columns.map((column) => column.name)))
}

async function storedColumns(engine: Engine, datasource: string): Promise<StoredColumn[]> {
  const rows = await engine.rows("SELECT columns::VARCHAR FROM file._sync_state WHERE datasource = $1", [
    datasource,
  ])
  return JSON.parse(String(rows[0]![0])) as StoredColumn[]
}

function foreignTable(path: string, target: Target): DruidsyncError {
  return new DruidsyncError(
    "foreign",
    `${path} already has a table "${target.table}" that druidsync did not make; it was left as it is`,
    {
      exitCode: ExitCode.usage,
      hint: `give datasource "${target.datasource}" another "table" in the config, or use another --out`,
    },
  )
}

async function comment(engine: Engine, table: string, column: StoredColumn): Promise<void> {
  const renamed = column.target === column.name ? "" : `, column "${column.name}" in Druid`
  const text =
    column.name === ROW_HASH_NAME
      ? "SHA-256 of the row's values, made by druidsync"
      : `Druid ${column.druidType}${column.multiValue ? ", several values" : ""}${renamed}`
  await engine.run(`COMMENT ON COLUMN ${table}.${quoteName(column.target)} IS ${remark(text)}`)
}

/** A comment as a literal: DuckDB's SQL ends at a NUL, even between quotes. */
function remark(text: string): string {
  return literal(text.replaceAll("\u0000", "\u2400"))
}

/** Adds columns and widens types. Where a widening would lose a value, the column becomes VARCHAR instead. */
async function bringToSchema(
  engine: Engine,
  table: string,
  one: DatasourceCommit,
  columns: readonly StoredColumn[],
  widened: { datasource: string; column: string; type: string }[],
): Promise<StoredColumn[]> {
  const current = new Map(columns.map((column) => [column.name, column]))
  const result: StoredColumn[] = []
  for (const wanted of one.target.schema) {
    const has = current.get(wanted.name)
    const quoted = quoteName(wanted.target)
    if (has === undefined) {
      await engine.run(`ALTER TABLE ${table} ADD COLUMN ${quoted} ${wanted.duckdbType}`)
      await comment(engine, table, wanted)
      result.push(wanted)
      continue
    }
    let column = commonColumn(has, wanted)
    if (column.duckdbType.startsWith("DOUBLE") && (await losesIntegers(engine, table, one, has, column))) {
      column = { ...column, duckdbType: textInstead(column.duckdbType) }
      widened.push({ datasource: one.target.datasource, column: column.name, type: column.duckdbType })
    }
    if (column.duckdbType !== has.duckdbType) {
      const value = conversion(quoted, has.duckdbType, column.duckdbType)
      await engine.run(
        `ALTER TABLE ${table} ALTER ${quoted} SET DATA TYPE ${column.duckdbType} USING ${value}`,
      )
    }
    const isSame =
      column.duckdbType === has.duckdbType &&
      column.druidType === has.druidType &&
      column.multiValue === has.multiValue
    if (!isSame) await comment(engine, table, column)
    result.push(column)
  }
  return result
}

/** True where an integer, stored or staged, would not survive as DOUBLE. */
async function losesIntegers(
  engine: Engine,
  table: string,
  one: DatasourceCommit,
  has: StoredColumn,
  column: StoredColumn,
): Promise<boolean> {
  const places = [{ table, type: has.duckdbType }]
  for (const slice of one.slices) {
    const staged = slice.columns.find((c) => c.name === column.name)
    if (staged !== undefined) places.push({ table: quoteName(slice.staged.table), type: staged.duckdbType })
  }
  for (const place of places) {
    const loses = losesDigits(quoteName(column.target), place.type)
    if (loses === "FALSE") continue
    const [row] = await engine.rows(`SELECT count(*) FROM ${place.table} WHERE ${loses}`)
    if (Number(row![0]) > 0) return true
  }
  return false
}

async function replaceRows(
  engine: Engine,
  table: TableNow,
  slice: ReadySlice,
  owner: CheckpointOwner,
): Promise<number> {
  let deleted = 0
  for (const interval of union(slice.parts.map((part) => part.interval))) {
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

/**
 * @param isCounted the greatest time may have gone with deleted rows: look at the whole table. Else what was staged tells.
 */
async function writeState(
  engine: Engine,
  table: TableNow,
  one: DatasourceCommit,
  isCounted: boolean,
): Promise<void> {
  const { target } = one
  const [sum] = await engine.rows(
    "SELECT coalesce(sum(rows), 0)::BIGINT FROM file._sync_chunks WHERE datasource = $1",
    [target.datasource],
  )
  const places = isCounted ? [table.name] : one.slices.map((slice) => quoteName(slice.staged.table))
  const times = places.map((place) => `SELECT max("__time") AS t FROM ${place}`)
  if (!isCounted) {
    times.push(`SELECT cursor FROM file._sync_state WHERE datasource = ${literal(target.datasource)}`)
  }
  const [cursor] = await engine.rows(
    `SELECT epoch_ms(max(t)) FROM (${times.join(" UNION ALL ")}) AS times(t)`,
  )
  const cursorMs = cursor![0] as bigint | null
  const time = cursorMs === null ? "NULL" : `epoch_ms(${cursorMs}::BIGINT)`
  const values = [
    target.datasource,
    target.table,
    sum![0] as bigint,
    JSON.stringify(table.schema),
    target.settings,
  ]
  // Two statements cost a fifth of one with ON CONFLICT (measured, DuckDB 1.5.5).
  const updated = await engine.change(
    `UPDATE file._sync_state SET "table" = $2, cursor = ${time}, rows = $3, columns = $4, settings = $5
     WHERE datasource = $1`,
    values,
  )
  if (updated > 0) return
  await engine.run(
    `INSERT INTO file._sync_state (datasource, "table", cursor, rows, status, columns, settings, format)
     VALUES ($1, $2, ${time}, $3, 'running', $4, $5, 1)`,
    values,
  )
}
