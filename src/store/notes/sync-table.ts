/**
 * How one of druidsync's own tables is described: each column once, with its name and type in the file, how it is read
 * and how it is written. What makes a table, reads rows of it and inserts them follows from that.
 */
import type { DuckDBValue } from "@duckdb/node-api"
import { DruidsyncError } from "../../base/errors.ts"
import { quoteName } from "../../base/names.ts"
import { firstLine, says } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import { msOfTime, timeBound, timestampLiteral } from "./times.ts"

export interface SyncColumn<T> {
  /** in the file */
  readonly name: string
  /** type and constraint, as in CREATE TABLE */
  readonly definition: string
  /** SQL that reads it */
  readonly select: string
  readonly read: (value: DuckDBValue) => T
  /** SQL of a value */
  readonly write: (value: T) => string
  /** SQL of a list of values, undefined for NULL: DuckDB reads it in a fraction of the time that as many expressions take */
  readonly writeAll?: (values: readonly (T | undefined)[]) => string
  /** SQL of its value in files that lack it, of the row `old` */
  readonly before?: string
}

/** Columns by the names that rows have in this program. */
// biome-ignore lint/suspicious/noExplicitAny: columns of any type, told apart by `RowOf`
type SyncColumns = Readonly<Record<string, SyncColumn<any>>>

export interface SyncTable<C extends SyncColumns = SyncColumns> {
  readonly name: string
  /** for people who look into the file */
  readonly comment: string
  readonly columns: C
  /** SQL of what its rows are read from */
  readonly from: string
}

/** A row of a table as an object. */
export type RowOf<T extends SyncTable> = {
  readonly [K in keyof T["columns"]]: T["columns"][K] extends SyncColumn<infer V> ? V : never
}

export function syncTable<C extends SyncColumns>(name: string, comment: string, columns: C): SyncTable<C> {
  return { name, comment, columns, from: `file.${name}` }
}

function column<T>(
  name: string,
  type: string,
  {
    select = quoteName(name),
    ...forms
  }: Pick<SyncColumn<T>, "read" | "write" | "writeAll"> & {
    select?: string
  },
): SyncColumn<T> {
  return { name, definition: `${type} NOT NULL`, select, ...forms }
}

const textList = (values: readonly unknown[]) =>
  `json_transform(${literal(JSON.stringify(values.map((value) => value ?? null)))}, '["VARCHAR"]')`

const numberList = (values: readonly unknown[]) =>
  `'[${values.map((value) => value ?? "NULL").join(",")}]'::BIGINT[]`

export const text = <T extends string = string>(name: string) =>
  column<T>(name, "VARCHAR", {
    read: (value) => String(value) as T,
    write: literal,
    writeAll: textList,
  })

/** A number that JavaScript holds exactly. */
export const count = (name: string, type: "BIGINT" | "INTEGER" = "BIGINT") =>
  column<number>(name, type, { read: Number, write: String, writeAll: numberList })

/** A time of Druid's, epoch ms: its range is greater than a TIMESTAMP's. */
export const druidMs = (name: string) =>
  column<bigint>(name, "BIGINT", {
    read: (value) => value as bigint,
    write: String,
    writeAll: numberList,
  })

/** A time of Druid's that some row has, epoch ms, kept as a TIMESTAMP for people. */
export const rowTime = (name: string) =>
  column<bigint>(name, "TIMESTAMP", {
    select: msOfTime(quoteName(name)),
    read: (value) => value as bigint,
    write: timeBound,
  })

/** A time of our own clock, epoch ms. */
export const instant = (name: string) =>
  column<number>(name, "TIMESTAMP", {
    select: `epoch_ms(${quoteName(name)})`,
    read: Number,
    write: timestampLiteral,
  })

export const json = <T>(name: string) =>
  column<T>(name, "JSON", {
    select: `${quoteName(name)}::VARCHAR`,
    read: (value) => JSON.parse(String(value)) as T,
    write: (value) => literal(JSON.stringify(value)),
  })

/** NULL in the file is undefined here. */
export function optional<T>(inner: SyncColumn<T>): SyncColumn<T | undefined> {
  return {
    ...inner,
    definition: inner.definition.replace(" NOT NULL", ""),
    read: (value) => (value === null ? undefined : inner.read(value)),
    write: (value) => (value === undefined ? "NULL" : inner.write(value)),
  }
}

/** A column that files of an earlier version lack. @param before SQL of its value there, of the row `old` */
export function later<T>(inner: SyncColumn<T>, before: string): SyncColumn<T> {
  return { ...inner, before }
}

/** The statements that make the table in the file attached as `file`. */
export function definitionOf({ name, comment, columns }: SyncTable): string[] {
  const lines = Object.values(columns).map((one) => `${quoteName(one.name)} ${one.definition}`)
  return [
    `CREATE TABLE file.${name} (${lines.join(", ")})`,
    `COMMENT ON TABLE file.${name} IS ${literal(comment)}`,
  ]
}

/** The table as the file attached as `file` has it: columns that it lacks are made up as they are read. */
export async function asStored<C extends SyncColumns>(
  engine: Pick<Engine, "rows">,
  table: SyncTable<C>,
): Promise<SyncTable<C>> {
  const found = await engine.rows(`SELECT name FROM pragma_table_info('file.main.${table.name}')`)
  const names = new Set(found.map(([name]) => String(name)))
  const values = Object.values(table.columns).flatMap(({ name, before }) =>
    before === undefined || names.has(name) ? [] : [`${before} AS ${quoteName(name)}`],
  )
  if (values.length === 0) return table
  return { ...table, from: `(SELECT rowid, *, ${values.join(", ")} FROM file.${table.name} AS old)` }
}

/**
 * @param table as the file has it (`asStored`), or as this version makes it: within a write, after `ensureTables`
 * @param keys the columns to read; `*`: all
 * @param tail SQL after the FROM clause: WHERE, ORDER BY and the like, in the names of the file
 * @throws DruidsyncError `file` where another program changed the table
 */
export async function readRows<C extends SyncColumns, K extends keyof C & string = keyof C & string>(
  engine: Pick<Engine, "rows">,
  table: SyncTable<C>,
  keys: readonly K[] | "*",
  tail = "",
  values: readonly DuckDBValue[] = [],
): Promise<Pick<RowOf<SyncTable<C>>, K>[]> {
  const names = keys === "*" ? Object.keys(table.columns) : keys
  const columns = names.map((one) => table.columns[one]!)
  const selects = columns.map((one) => one.select).join(", ")
  const rows = await rowsFrom(engine, table.name, `SELECT ${selects} FROM ${table.from} ${tail}`, values)
  return rows.map((row) => {
    const result: Record<string, unknown> = {}
    for (const [n, name] of names.entries()) result[name] = columns[n]!.read(row[n]!)
    return result as Pick<RowOf<SyncTable<C>>, K>
  })
}

/** Rows of a table as the file has it: none where it comes from a version that had no such table. See `readRows`. */
export async function readNotes<C extends SyncColumns, K extends keyof C & string = keyof C & string>(
  engine: Pick<Engine, "rows">,
  inFile: readonly string[],
  table: SyncTable<C>,
  keys: readonly K[] | "*",
  tail = "",
): Promise<Pick<RowOf<SyncTable<C>>, K>[]> {
  return inFile.includes(table.name) ? readRows(engine, await asStored(engine, table), keys, tail) : []
}

/** Replaces what is noted of each of the user's tables. Call within a write, after `ensureTables`. */
export async function replaceNotes<C extends SyncColumns>(
  engine: Pick<Engine, "run">,
  table: SyncTable<C>,
  owners: readonly { readonly table: string }[],
  rows: readonly RowOf<SyncTable<C>>[],
): Promise<void> {
  if (owners.length === 0) return
  const names = owners.map((owner) => literal(owner.table)).join(", ")
  await engine.run(`DELETE FROM file.${table.name} WHERE "table" IN (${names})`)
  await insertRows(engine, table, rows)
}

/**
 * Rows of a query on one of druidsync's own tables.
 * @throws DruidsyncError `file` where another program changed the table
 */
export function rowsFrom(
  engine: Pick<Engine, "rows">,
  name: string,
  sql: string,
  values: readonly DuckDBValue[] = [],
): Promise<DuckDBValue[][]> {
  return engine.rows(sql, values).catch((cause: unknown) => {
    if (!says(cause, "otherColumns")) throw cause
    const message = `another program changed druidsync's own table ${name}: ${firstLine(cause)}`
    throw new DruidsyncError("file", message, {
      hint: "undo that in the file, or pull into another --out",
      cause,
    })
  })
}

/** So many rows are written as lists, where their columns can be. */
const MANY_ROWS = 50

/** One statement for all rows: a slice may bring a thousand checkpoints. */
export async function insertRows<C extends SyncColumns>(
  engine: Pick<Engine, "run">,
  table: SyncTable<C>,
  rows: readonly RowOf<SyncTable<C>>[],
): Promise<void> {
  if (rows.length === 0) return
  const columns = Object.entries(table.columns)
  const into = `INSERT INTO file.${table.name} (${columns.map(([, one]) => quoteName(one.name)).join(", ")})`
  const lists = rows.length < MANY_ROWS ? undefined : listsOf(columns, rows)
  if (lists !== undefined) return engine.run(`${into} SELECT ${lists.join(", ")}`)
  const values = rows.map((row) => `(${columns.map(([name, one]) => one.write(row[name])).join(", ")})`)
  return engine.run(`${into} VALUES ${values.join(", ")}`)
}

/** SQL of each column: what is the same in all rows once, else a list; undefined where a column cannot be written as one. */
function listsOf(
  columns: readonly (readonly [string, SyncColumn<unknown>])[],
  rows: readonly Readonly<Record<string, unknown>>[],
): string[] | undefined {
  const lists: string[] = []
  for (const [name, one] of columns) {
    const first = rows[0]![name]
    if (rows.every((row) => row[name] === first)) lists.push(one.write(first))
    else if (one.writeAll !== undefined) lists.push(`unnest(${one.writeAll(rows.map((row) => row[name]))})`)
    else return undefined
  }
  // Where all are the same, something has to say how many there are.
  return lists.some((list) => list.startsWith("unnest(")) ? lists : undefined
}

/**
 * One statement for all rows, which have the same columns.
 * @param key the column that tells which row of the table each of them is about
 */
export async function updateRows<C extends SyncColumns, K extends keyof C & string>(
  engine: Pick<Engine, "run">,
  table: SyncTable<C>,
  key: K,
  rows: readonly (Partial<RowOf<SyncTable<C>>> & Pick<RowOf<SyncTable<C>>, K>)[],
): Promise<void> {
  if (rows.length === 0) return
  const columns = Object.entries(table.columns).filter(([name]) => name in rows[0]!)
  const nameOf = (one: SyncColumn<unknown>) => quoteName(one.name)
  const names = columns.map(([, one]) => nameOf(one))
  const values = rows.map((row) => `(${columns.map(([name, one]) => one.write(row[name])).join(", ")})`)
  const keyName = nameOf(table.columns[key]!)
  const sets = names.filter((name) => name !== keyName).map((name) => `${name} = now.${name}`)
  await engine.run(
    `UPDATE file.${table.name} AS old SET ${sets.join(", ")}
     FROM (VALUES ${values.join(", ")}) AS now(${names.join(", ")}) WHERE old.${keyName} = now.${keyName}`,
  )
}

/** Keeps the newest rows of each of the user's tables. Rows are numbered in the order in which they came. */
export async function keepNewest(
  engine: Engine,
  table: SyncTable,
  owners: Iterable<string>,
  most: number,
): Promise<void> {
  for (const owner of new Set(owners)) {
    await engine.run(
      `DELETE FROM file.${table.name} WHERE "table" = $1 AND rowid NOT IN (
        SELECT rowid FROM file.${table.name} WHERE "table" = $1 ORDER BY rowid DESC LIMIT ${most})`,
      [owner],
    )
  }
}
