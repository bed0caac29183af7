/**
 * Makes a datasource's table what a commit wants it to be: made, renamed, with new columns, with wider types. Call within
 * the transaction of the commit.
 */
import type { Column } from "../../base/domain.ts"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import { fold, quoteName } from "../../base/names.ts"
import { type Engine, literal } from "../engine.ts"
import { readRows, updateRows } from "../notes/sync-table.ts"
import { STATE, type StoredColumn } from "../notes/tables.ts"
import { conversion, losesDigits } from "./convert.ts"
import { commonColumn, textInstead } from "./drift.ts"
import { ROW_HASH_NAME } from "./row-hash.ts"
import type { Staged } from "./stage.ts"

/** What a table is to be. */
export interface TableWish {
  readonly datasource: string
  readonly table: string
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
  readonly datasource: string
  readonly column: string
  readonly type: string
}

/** What it became. */
export interface TableNow {
  /** qualified and quoted */
  readonly name: string
  readonly schema: readonly StoredColumn[]
  /** as it was before this commit; undefined where this commit made it */
  readonly before: { readonly name: string; readonly columns: readonly StoredColumn[] } | undefined
  readonly widened: readonly Widened[]
}

/**
 * @param path of the file, for words
 * @param tables names of the tables and views in the file; kept up to date
 * @throws DruidsyncError `foreign` where another table has the name
 */
export async function prepareTable(
  engine: Engine,
  path: string,
  wish: TableWish,
  incoming: readonly Incoming[],
  tables: string[],
): Promise<TableNow> {
  const name = `file.${quoteName(wish.table)}`
  const ofDatasource = "WHERE datasource = $1"
  const [owned] = await readRows(engine, STATE, ["table", "columns"], ofDatasource, [wish.datasource])
  const known = owned?.table
  // A table that the user dropped is made anew; its checkpoints went with it (see `readState`).
  const before = known !== undefined && tables.includes(known) ? known : undefined
  if (before === undefined && known !== undefined) {
    await engine.run("DELETE FROM file._sync_chunks WHERE datasource = $1", [wish.datasource])
    await updateRows(engine, STATE, { cursorMs: undefined }, ofDatasource, [wish.datasource])
  }
  const isTaken = tables.some((other) => fold(other) === fold(wish.table) && other !== before)
  if (isTaken) throw foreignTable(path, wish)
  if (before !== wish.table) {
    if (before !== undefined) tables.splice(tables.indexOf(before), 1)
    tables.push(wish.table)
  }
  if (before !== undefined && before !== wish.table) {
    await engine.run(`ALTER TABLE file.${quoteName(before)} RENAME TO ${quoteName(wish.table)}`)
  }
  if (before === undefined) {
    await engine.run(
      `CREATE TABLE ${name} (${wish.schema.map((c) => `${quoteName(c.target)} ${c.duckdbType}`).join(", ")})`,
    )
    await engine.run(
      `COMMENT ON TABLE ${name} IS ${remark(`Druid datasource ${wish.datasource}, kept by druidsync`)}`,
    )
    for (const column of wish.schema) await comment(engine, name, column)
    return { name, schema: wish.schema, before: undefined, widened: [] }
  }
  const current = owned!.columns
  const brought = await bringToSchema(engine, name, wish, incoming, current)
  return { name, ...brought, before: { name: before, columns: current } }
}

function foreignTable(path: string, wish: TableWish): DruidsyncError {
  return new DruidsyncError(
    "foreign",
    `${path} already has a table "${wish.table}" that druidsync did not make; it was left as it is`,
    {
      exitCode: ExitCode.usage,
      hint: `give datasource "${wish.datasource}" another "table" in the config, or use another --out`,
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
  { datasource, schema }: TableWish,
  incoming: readonly Incoming[],
  columns: readonly StoredColumn[],
): Promise<Pick<TableNow, "schema" | "widened">> {
  const current = new Map(columns.map((column) => [column.name, column]))
  const result: StoredColumn[] = []
  const widened: Widened[] = []
  for (const wanted of schema) {
    const has = current.get(wanted.name)
    const quoted = quoteName(wanted.target)
    if (has === undefined) {
      await engine.run(`ALTER TABLE ${table} ADD COLUMN ${quoted} ${wanted.duckdbType}`)
      await comment(engine, table, wanted)
      result.push(wanted)
      continue
    }
    let column = commonColumn(has, wanted)
    if (
      column.duckdbType.startsWith("DOUBLE") &&
      (await losesIntegers(engine, table, incoming, has, column))
    ) {
      column = { ...column, duckdbType: textInstead(column.duckdbType) }
      widened.push({ datasource, column: column.name, type: column.duckdbType })
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
  return { schema: result, widened }
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
