/**
 * Makes a table what a commit wants it to be: made, renamed, with new columns, with wider types. Call within
 * the transaction of the commit.
 */
import type { Column } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { fold, quoteName } from "../../base/names.ts"
import { type Engine, literal } from "../engine.ts"
import { ownOf, type Wanted } from "../notes/state.ts"
import { type RowOf, readRows } from "../notes/sync-table.ts"
import { CHUNKS, renameNotes, STATE, type StoredColumn } from "../notes/tables.ts"
import { readColumns, readComments, readIndexes, refuseOtherColumns } from "./by-hand.ts"
import { conversion, losesDigits } from "./convert.ts"
import { commonColumn, textInstead } from "./drift.ts"
import { rebuild } from "./rebuild.ts"
import { ROW_HASH_NAME } from "./row-hash.ts"
import type { Staged } from "./stage.ts"

/** What a table is to be. */
export interface TableWish extends Wanted {
  /** its columns after the commit */
  readonly schema: readonly StoredColumn[]
}

/** Rows that will go into it. */
export interface Incoming {
  readonly staged: Pick<Staged, "table">
  /** columns of the staging table */
  readonly columns: readonly Column[]
}

/** A column whose type had to become wider than was wished for. */
export interface Widened {
  readonly table: string
  readonly column: string
  readonly type: string
}

/** What it was. */
export interface TableBefore extends Pick<RowOf<typeof STATE>, "columns" | "cursorMs"> {
  /** as it was called in the file */
  readonly name: string
}

/** What it became. */
export interface TableNow {
  /** qualified and quoted */
  readonly name: string
  readonly schema: readonly StoredColumn[]
  /** `_sync_state` has a row of it */
  readonly isNoted: boolean
  /** as it was before this commit; undefined if this commit made it */
  readonly before: TableBefore | undefined
  readonly widened: readonly Widened[]
  /** statements that make the user's indexes again, once the rows are in */
  readonly indexes: readonly string[]
}

/**
 * @param path of the file, for words
 * @param tables names of the tables and views in the file; kept up to date
 * @throws DruidsyncError `foreign` if another table has the name, `file` if the user changed it so that it cannot be kept
 */
export async function prepareTable(
  engine: Engine,
  path: string,
  wish: TableWish,
  incoming: readonly Incoming[],
  tables: string[],
): Promise<TableNow> {
  const name = `file.${quoteName(wish.table)}`
  const keys = ["datasource", "table", "columns", "cursorMs"] as const
  const known = await readRows(engine, STATE, keys, "WHERE datasource = $1", [wish.datasource])
  const owned = ownOf(
    known.filter(({ table }) => tables.includes(table)),
    wish,
  )
  const before = owned?.table
  // A table that the user dropped is created again; its checkpoints went with it (see `readState`).
  const dropped = before === undefined ? ownOf(known, wish)?.table : undefined
  if (dropped !== undefined) {
    await engine.run('DELETE FROM file._sync_chunks WHERE "table" = $1', [dropped])
  }
  // What is noted of another datasource's table of the name, which the user dropped, is nobody's any more.
  if (before !== wish.table && dropped !== wish.table && !tables.includes(wish.table)) {
    for (const notes of [STATE, CHUNKS])
      await engine.run(`DELETE FROM file.${notes.name} WHERE "table" = $1`, [wish.table])
  }
  const noted = before ?? dropped
  if (noted !== undefined && noted !== wish.table) await renameNotes(engine, noted, wish.table)
  const isTaken = tables.some((other) => fold(other) === fold(wish.table) && other !== before)
  if (isTaken) throw foreignTable(path, wish)
  if (before !== wish.table) {
    if (before !== undefined) tables.splice(tables.indexOf(before), 1)
    tables.push(wish.table)
  }
  if (before === undefined) {
    await engine.run(
      `CREATE TABLE ${name} (${wish.schema.map((c) => `${quoteName(c.target)} ${c.duckdbType}`).join(", ")})`,
    )
    const ofTable = `COMMENT ON TABLE ${name} IS ${remark(`Druid datasource ${wish.datasource}, kept by druidsync`)}`
    const ofColumns = wish.schema.map((column) => comment(name, column))
    await engine.run([ofTable, ...ofColumns].join("; "))
    const isNoted = dropped !== undefined
    return { name, isNoted, schema: wish.schema, before: undefined, widened: [], indexes: [] }
  }
  const { columns, cursorMs } = owned!
  const brought = await bringToSchema(engine, path, before, wish, incoming, columns)
  return { name, isNoted: true, ...brought, before: { name: before, columns, cursorMs } }
}

function foreignTable(path: string, wish: TableWish): DruidsyncError {
  return new DruidsyncError(
    "foreign",
    `${path} already has a table "${wish.table}" that druidsync did not make; it was left as it is`,
    {
      hint: `give datasource "${wish.datasource}" another "table" in the config, or use another --out`,
    },
  )
}

function comment(table: string, column: StoredColumn): string {
  return `COMMENT ON COLUMN ${table}.${quoteName(column.target)} IS ${remark(commentOn(column))}`
}

function commentOn(column: StoredColumn): string {
  if (column.name === ROW_HASH_NAME) return "SHA-256 of the row's values, made by druidsync"
  const isDruids = column.target === column.name || column.expression !== undefined
  const renamed = isDruids ? "" : `, column "${column.name}" in Druid`
  const made = column.expression === undefined ? "" : `, computed in Druid: ${column.expression}`
  const hashed = column.isHashed === true ? ", kept as the SHA-256 of a secret salt and the value" : ""
  return `Druid ${column.druidType}${column.multiValue ? ", several values" : ""}${renamed}${made}${hashed}`
}

/** A comment as a literal: DuckDB's SQL ends at a NUL, even between quotes. */
function remark(text: string): string {
  return literal(text.replaceAll("\u0000", "\u2400"))
}

/** What becomes of one column. */
interface Step {
  readonly now: StoredColumn
  /** undefined if it is new */
  readonly was: StoredColumn | undefined
}

/** Renames the table, adds columns and widens types. */
async function bringToSchema(
  engine: Engine,
  path: string,
  before: string,
  wish: TableWish,
  incoming: readonly Incoming[],
  columns: readonly StoredColumn[],
): Promise<Pick<TableNow, "schema" | "widened" | "indexes">> {
  const { steps, widened } = await decide(engine, `file.${quoteName(before)}`, wish, incoming, columns)
  const fresh = steps.flatMap(({ was, now }) => (was === undefined ? [now] : []))
  const actual = await readColumns(engine, before)
  refuseOtherColumns(path, before, actual, columns, fresh)

  const values = new Map(
    steps.flatMap(({ was, now }): [string, string][] =>
      was === undefined || was.duckdbType === now.duckdbType
        ? []
        : [[now.target, conversion(quoteName(now.target), was.duckdbType, now.duckdbType)]],
    ),
  )
  const to = wish.table
  const isReshaped = before !== to || values.size > 0
  const found = isReshaped ? await readIndexes(engine, before) : []
  const name = `file.${quoteName(to)}`
  let indexes: string[] = []
  if (found.length > 0) {
    indexes = await rebuild(engine, path, { from: before, to, columns: actual, values, indexes: found })
  } else {
    if (before !== to) await engine.run(`ALTER TABLE file.${quoteName(before)} RENAME TO ${quoteName(to)}`)
    for (const { now } of steps) {
      const value = values.get(now.target)
      if (value === undefined) continue
      await engine.run(
        `ALTER TABLE ${name} ALTER ${quoteName(now.target)} SET DATA TYPE ${now.duckdbType} USING ${value}`,
      )
    }
  }
  for (const column of fresh) {
    await engine.run(`ALTER TABLE ${name} ADD COLUMN ${quoteName(column.target)} ${column.duckdbType}`)
    await engine.run(comment(name, column))
  }
  await commentAgain(engine, to, steps)
  return { schema: steps.map(({ now }) => now), widened, indexes }
}

/** Where a widening would lose a value, the column becomes VARCHAR instead. */
async function decide(
  engine: Engine,
  place: string,
  { table, schema }: TableWish,
  incoming: readonly Incoming[],
  columns: readonly StoredColumn[],
): Promise<{ steps: Step[]; widened: Widened[] }> {
  const current = new Map(columns.map((column) => [column.name, column]))
  const steps: Step[] = []
  const widened: Widened[] = []
  for (const wanted of schema) {
    const was = current.get(wanted.name)
    let now = was === undefined ? wanted : commonColumn(was, wanted)
    const isDouble = was !== undefined && now.duckdbType.startsWith("DOUBLE")
    if (isDouble && (await losesIntegers(engine, place, incoming, was, now))) {
      now = { ...now, duckdbType: textInstead(now.duckdbType) }
      widened.push({ table, column: now.name, type: now.duckdbType })
    }
    steps.push({ now, was })
  }
  return { steps, widened }
}

/** Comments follow what a column is in Druid; those of the user's own stay. */
async function commentAgain(engine: Engine, table: string, steps: readonly Step[]): Promise<void> {
  const changed = steps.filter(({ was, now }) => was !== undefined && commentOn(was) !== commentOn(now))
  if (changed.length === 0) return
  const comments = await readComments(engine, table)
  for (const { was, now } of changed) {
    const found = comments.get(now.target)
    if (found !== undefined && found !== commentOn(was!)) continue
    await engine.run(comment(`file.${quoteName(table)}`, now))
  }
}

/** True where an integer, stored or staged, would not survive as DOUBLE. */
async function losesIntegers(
  engine: Engine,
  table: string,
  incoming: readonly Incoming[],
  has: StoredColumn,
  column: StoredColumn,
): Promise<boolean> {
  const places = [{ table, type: has.duckdbType }]
  for (const slice of incoming) {
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
