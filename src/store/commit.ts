/**
 * Brings proven, staged slices into the user's file: schema, rows, checkpoints, state and history in one transaction
 * (invariants I1, I2). What calls this has proven the rows; what is here keeps them and their checkpoints together.
 */
import type { Column, Interval, Part, PartState } from "../domain.ts"
import { DruidsyncError, ExitCode } from "../errors.ts"
import { intersection, subtract, union } from "../intervals.ts"
import { formatDruidTime } from "../time.ts"
import { commonType, conversion } from "./drift.ts"
import type { Engine } from "./engine.ts"
import { literal } from "./engine.ts"
import type { DatabaseFile } from "./file.ts"
import { quoteIdentifier } from "./identifier.ts"
import type { Staged } from "./stage.ts"
import type { StoredColumn } from "./state.ts"
import { ensureTables, tableNames } from "./tables.ts"
import { timeCondition, timestampLiteral } from "./times.ts"

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
  readonly replacing: readonly Interval[]
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
  return file.write(async () => {
    await ensureTables(engine)
    const deleted: number[] = []
    const widened: { datasource: string; column: string; type: string }[] = []
    for (const one of commits) {
      const table = await prepareTable(engine, file.path, one, widened)
      let removed = 0
      for (const slice of one.slices) removed += await replaceRows(engine, table, one, slice, run)
      if (one.remove.length > 0) removed += await removeRows(engine, table, one.target, one.remove, run)
      for (const interval of one.keep) await markParts(engine, table, one.target, interval, "kept", run)
      for (const part of one.refreshed) await writeParts(engine, table, one.target, [part], run)
      await writeState(engine, table, one)
      deleted.push(removed)
    }
    return { deleted, widened }
  }, signal)
}

async function prepareTable(
  engine: Engine,
  path: string,
  one: DatasourceCommit,
  widened: { datasource: string; column: string; type: string }[],
): Promise<TableNow> {
  const { target } = one
  const name = `file.${quoteIdentifier(target.table)}`
  const owned = await engine.rows('SELECT "table" FROM file._sync_state WHERE datasource = $1', [
    target.datasource,
  ])
  const others = await tableNames(engine)
  const exists = others.some((other) => other.toLowerCase() === target.table.toLowerCase())
  if (owned.length === 0 && exists) throw foreignTable(path, target)
  if (owned.length > 0 && owned[0]![0] !== target.table) {
    if (exists) throw foreignTable(path, target)
    await engine.run(
      `ALTER TABLE file.${quoteIdentifier(String(owned[0]![0]))} RENAME TO ${quoteIdentifier(target.table)}`,
    )
  }
  if (owned.length === 0) {
    await engine.run(
      `CREATE TABLE ${name} (${target.schema.map((c) => `${quoteIdentifier(c.target)} ${c.duckdbType}`).join(", ")})`,
    )
    await engine.run(
      `COMMENT ON TABLE ${name} IS ${literal(`Druid datasource ${target.datasource}, kept by druidsync`)}`,
    )
    for (const column of target.schema) await comment(engine, name, column)
    return { name, schema: target.schema }
  }
  const schema = await bringToSchema(engine, name, one, widened)
  return { name, schema }
}

interface TableNow {
  /** qualified and quoted */
  readonly name: string
  readonly schema: readonly StoredColumn[]
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
  const text = `Druid ${column.druidType}${renamed}`
  await engine.run(`COMMENT ON COLUMN ${table}.${quoteIdentifier(column.target)} IS ${literal(text)}`)
}

/** Adds columns and widens types. Where a widening would lose a value, the column becomes VARCHAR instead. */
async function bringToSchema(
  engine: Engine,
  table: string,
  one: DatasourceCommit,
  widened: { datasource: string; column: string; type: string }[],
): Promise<StoredColumn[]> {
  const rows = await engine.rows("SELECT columns::VARCHAR FROM file._sync_state WHERE datasource = $1", [
    one.target.datasource,
  ])
  const current = new Map(
    (JSON.parse(String(rows[0]![0])) as StoredColumn[]).map((column) => [column.name, column]),
  )
  const result: StoredColumn[] = []
  for (const wanted of one.target.schema) {
    const has = current.get(wanted.name)
    const quoted = quoteIdentifier(wanted.target)
    if (has === undefined) {
      await engine.run(`ALTER TABLE ${table} ADD COLUMN ${quoted} ${wanted.duckdbType}`)
      await comment(engine, table, wanted)
      result.push(wanted)
      continue
    }
    let column = { ...wanted, duckdbType: commonType(has.duckdbType, wanted.duckdbType) }
    if (column.duckdbType === "DOUBLE" && (await losesIntegers(engine, table, one, has, column))) {
      column = { ...column, duckdbType: "VARCHAR" }
      widened.push({ datasource: one.target.datasource, column: column.name, type: "VARCHAR" })
    }
    if (column.duckdbType !== has.duckdbType) {
      const value = conversion(quoted, has.duckdbType, column.duckdbType)
      await engine.run(
        `ALTER TABLE ${table} ALTER ${quoted} SET DATA TYPE ${column.duckdbType} USING ${value}`,
      )
    }
    if (column.duckdbType !== has.duckdbType || column.druidType !== has.druidType)
      await comment(engine, table, column)
    result.push(column)
  }
  return result
}

/** True where a BIGINT, stored or staged, would not survive as DOUBLE. */
async function losesIntegers(
  engine: Engine,
  table: string,
  one: DatasourceCommit,
  has: StoredColumn,
  column: StoredColumn,
): Promise<boolean> {
  const places: string[] = []
  if (has.duckdbType === "BIGINT") places.push(table)
  for (const slice of one.slices) {
    const staged = slice.columns.find((c) => c.name === column.name)
    if (staged?.duckdbType === "BIGINT") places.push(quoteIdentifier(slice.staged.table))
  }
  const name = quoteIdentifier(column.target)
  for (const place of places) {
    const [row] = await engine.rows(
      `SELECT count(*) FROM ${place} WHERE ${name}::DOUBLE::HUGEINT <> ${name}::HUGEINT`,
    )
    if (Number(row![0]) > 0) return true
  }
  return false
}

async function replaceRows(
  engine: Engine,
  table: TableNow,
  one: DatasourceCommit,
  slice: ReadySlice,
  run: { id: string; nowMs: number },
): Promise<number> {
  let deleted = 0
  for (const interval of union(slice.parts.map((part) => part.interval))) {
    deleted += await engine.change(`DELETE FROM ${table.name} WHERE ${timeCondition(interval)}`)
  }
  for (const interval of slice.replacing) await markParts(engine, table, one.target, interval, "stale", run)
  const types = new Map(table.schema.map((column) => [column.name, column.duckdbType]))
  const names = slice.columns.map((column) => quoteIdentifier(column.target))
  const values = slice.columns.map((column) =>
    conversion(
      quoteIdentifier(column.target),
      column.duckdbType,
      types.get(column.name) ?? column.duckdbType,
    ),
  )
  if (slice.staged.rows > 0) {
    await engine.run(
      `INSERT INTO ${table.name} (${names.join(", ")}) SELECT ${values.join(", ")} FROM ${quoteIdentifier(slice.staged.table)}`,
    )
  }
  await writeParts(engine, table, one.target, slice.parts, run)
  return deleted
}

async function removeRows(
  engine: Engine,
  table: TableNow,
  target: Target,
  intervals: readonly Interval[],
  run: { id: string; nowMs: number },
): Promise<number> {
  let deleted = 0
  for (const interval of intervals) {
    deleted += await engine.change(`DELETE FROM ${table.name} WHERE ${timeCondition(interval)}`)
    await cutParts(engine, table, target, interval, run)
  }
  return deleted
}

interface HeldRow {
  interval: Interval
  segments: string
  rows: number
  state: PartState
  settings: string
}

async function heldOverlapping(engine: Engine, target: Target, interval: Interval): Promise<HeldRow[]> {
  const rows = await engine.rows(
    "SELECT start_ms, end_ms, segments, rows, state, settings FROM file._sync_chunks WHERE datasource = $1 AND start_ms < $2 AND end_ms > $3 ORDER BY start_ms",
    [target.datasource, interval.end, interval.start],
  )
  return rows.map(([start, end, segments, count, state, settings]) => ({
    interval: { start: start as bigint, end: end as bigint },
    segments: String(segments),
    rows: Number(count),
    state: String(state) as PartState,
    settings: String(settings),
  }))
}

/** Takes an interval out of the checkpoints; what stands out of it on either side stays, counted anew. */
async function cutParts(
  engine: Engine,
  table: TableNow,
  target: Target,
  interval: Interval,
  run: { id: string; nowMs: number },
): Promise<HeldRow[]> {
  const held = await heldOverlapping(engine, target, interval)
  if (held.length === 0) return held
  await engine.run("DELETE FROM file._sync_chunks WHERE datasource = $1 AND start_ms < $2 AND end_ms > $3", [
    target.datasource,
    interval.end,
    interval.start,
  ])
  for (const part of held) {
    for (const rest of subtract(part.interval, [interval])) {
      await insertPart(
        engine,
        target,
        { ...part, interval: rest, rows: await countRows(engine, table, rest) },
        run,
      )
    }
  }
  return held
}

async function markParts(
  engine: Engine,
  table: TableNow,
  target: Target,
  interval: Interval,
  state: PartState,
  run: { id: string; nowMs: number },
): Promise<void> {
  for (const part of await cutParts(engine, table, target, interval, run)) {
    const inside = intersection(part.interval, interval)!
    const rows = await countRows(engine, table, inside)
    // A checkpoint without rows that Druid has no segment for says nothing: it goes.
    if (state === "kept" && rows === 0) continue
    await insertPart(engine, target, { ...part, interval: inside, state, rows }, run)
  }
}

async function countRows(engine: Engine, table: TableNow, interval: Interval): Promise<number> {
  const [row] = await engine.rows(`SELECT count(*) FROM ${table.name} WHERE ${timeCondition(interval)}`)
  return Number(row![0])
}

async function writeParts(
  engine: Engine,
  table: TableNow,
  target: Target,
  parts: readonly Part[],
  run: { id: string; nowMs: number },
): Promise<void> {
  for (const part of parts) {
    await cutParts(engine, table, target, part.interval, run)
    await insertPart(engine, target, part, run)
  }
}

async function insertPart(
  engine: Engine,
  target: Target,
  part: Part,
  run: { id: string; nowMs: number },
): Promise<void> {
  const { start, end } = part.interval
  await engine.run(
    `INSERT INTO file._sync_chunks VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, ${timestampLiteral(run.nowMs)})`,
    [
      target.datasource,
      start,
      end,
      `${formatDruidTime(start)}/${formatDruidTime(end)}`,
      BigInt(part.rows),
      part.state,
      part.segments,
      part.settings,
      run.id,
    ],
  )
}

async function writeState(engine: Engine, table: TableNow, one: DatasourceCommit): Promise<void> {
  const { target } = one
  const [sum] = await engine.rows(
    "SELECT coalesce(sum(rows), 0)::BIGINT FROM file._sync_chunks WHERE datasource = $1",
    [target.datasource],
  )
  const [cursor] = await engine.rows(`SELECT epoch_ms(max("__time")) FROM ${table.name}`)
  const cursorMs = cursor![0] as bigint | null
  await engine.run(
    `INSERT INTO file._sync_state (datasource, "table", cursor, rows, status, columns, settings, format)
     VALUES ($1, $2, ${cursorMs === null ? "NULL" : `epoch_ms(${cursorMs}::BIGINT)`}, $3, 'running', $4, $5, 1)
     ON CONFLICT (datasource) DO UPDATE SET "table" = excluded."table", cursor = excluded.cursor, rows = excluded.rows,
       columns = excluded.columns, settings = excluded.settings`,
    [target.datasource, target.table, sum![0] as bigint, JSON.stringify(table.schema), target.settings],
  )
}
