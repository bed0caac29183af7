/**
 * What users made by hand on a table of ours: indexes, constraints, columns, comments. What a commit can live with
 * survives it. Anything else refuses the commit of this one datasource, in a sentence that names it and says what to do.
 */
import { DruidsyncError } from "../../base/errors.ts"
import { fold, quoteName } from "../../base/names.ts"
import { firstLine, says } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import type { StoredColumn } from "../notes/tables.ts"

export interface Index {
  readonly name: string
  readonly isUnique: boolean
  /** as DuckDB writes it: `CREATE INDEX i ON t(a);` */
  readonly sql: string
}

/** A column as it is in the file now. */
export interface ActualColumn {
  readonly name: string
  readonly type: string
  /** SQL of its default, or of what it is generated from */
  readonly expression: string | undefined
}

/** @param table not quoted, in the file attached as `file` */
export async function readColumns(engine: Engine, table: string): Promise<ActualColumn[]> {
  const rows = await engine.rows(
    `SELECT '.' || column_name, column_type, "default" FROM (DESCRIBE file.main.${quoteName(table)})`,
  )
  return rows.map(([name, type, expression]) => ({
    name: withoutDot(name),
    type: String(type),
    expression: expression === null ? undefined : String(expression),
  }))
}

export async function readIndexes(engine: Engine, table: string): Promise<Index[]> {
  const rows = await engine.rows(
    `SELECT index_name, is_unique, sql FROM duckdb_indexes() WHERE ${isTable(table)} ORDER BY index_name`,
  )
  return rows.map(([name, isUnique, sql]) => ({
    name: String(name),
    isUnique: isUnique === true,
    sql: String(sql),
  }))
}

/** As DuckDB writes them: `PRIMARY KEY(n)`, `CHECK((a != 'x'))`, `NOT NULL b`. */
export async function readConstraints(engine: Engine, table: string): Promise<string[]> {
  const rows = await engine.rows(
    `SELECT constraint_text, constraint_column_names[1] FROM duckdb_constraints() WHERE ${isTable(table)}`,
  )
  return rows.map(([text, column]) =>
    text === "NOT NULL" ? `NOT NULL ${quoteName(String(column))}` : `${text}`,
  )
}

/** The client drops a byte order mark at the front of a text: a dot before it keeps it there. */
function withoutDot(name: unknown): string {
  return String(name).slice(1)
}

/** Comments on columns, by name. */
export async function readComments(engine: Engine, table: string): Promise<ReadonlyMap<string, string>> {
  const rows = await engine.rows(
    `SELECT '.' || column_name, comment FROM duckdb_columns() WHERE ${isTable(table)} AND comment IS NOT NULL`,
  )
  return new Map(rows.map(([name, comment]) => [withoutDot(name), String(comment)]))
}

function isTable(table: string): string {
  return `database_name = 'file' AND schema_name = 'main' AND table_name = ${literal(table)}`
}

/**
 * @param held our columns, as we left them
 * @param fresh columns that the table is to get
 * @throws DruidsyncError `file` if the table's columns are not what we left, or one of the user's has the name of a new one
 */
export function refuseOtherColumns(
  path: string,
  table: string,
  actual: readonly ActualColumn[],
  held: readonly StoredColumn[],
  fresh: readonly StoredColumn[],
): void {
  const types = new Map(actual.map(({ name, type }) => [name, type]))
  const where = `table "${table}" of ${path}`
  for (const { target, duckdbType } of held) {
    const type = types.get(target)
    if (type === undefined) {
      const again = `rename it back if it was renamed, or ${anew(table)}`
      throw refused(`${where} no longer has column "${target}"; another program changed it`, again)
    }
    if (type !== duckdbType) {
      const back = `ALTER TABLE ${quoteName(table)} ALTER ${quoteName(target)} SET DATA TYPE ${duckdbType}`
      throw refused(
        `column "${target}" of ${where} is ${type} now, not ${duckdbType}: another program changed it`,
        `change it back (${back}), or ${anew(table)}`,
      )
    }
  }
  const names = new Map(actual.map(({ name }) => [fold(name), name]))
  for (const { target } of fresh) {
    const name = names.get(fold(target))
    if (name === undefined) continue
    throw refused(
      `${where} has a column "${name}" that druidsync did not make, and Druid has one of that name now`,
      `give yours another name: ALTER TABLE ${quoteName(table)} RENAME ${quoteName(name)} TO …`,
    )
  }
}

/** Looks whether a table still has our columns, while the file is attached. @throws DruidsyncError `file`, naming what has not */
export async function refuseChanged(
  engine: Engine,
  path: string,
  table: string,
  held: readonly StoredColumn[],
): Promise<void> {
  refuseOtherColumns(path, table, await readColumns(engine, table), held, [])
}

/** @param inTheWay constraints and defaults of a table that has indexes, too */
export function cannotRebuild(path: string, table: string, indexes: readonly Index[], inTheWay: string) {
  const names = indexes.map(({ name }) => quoteName(name))
  return refused(
    `DuckDB cannot change table "${table}" of ${path} while it has index ${names.join(", ")} beside ${inTheWay}`,
    `DROP INDEX ${names[0]}, pull again, and make it again after that`,
  )
}

/**
 * What DuckDB says about one table as ours.
 * @param indexes @param constraints what is on the table, as far as known
 */
export function tableError(
  path: string,
  { datasource, table }: { readonly datasource: string; readonly table: string },
  error: unknown,
  indexes: readonly Index[],
  constraints: readonly string[],
): DruidsyncError {
  const where = `table "${table}" of ${path}`
  if (says(error, "outOfMemory")) {
    return refused(
      `the memory limit is too low to store rows of "${datasource}" in ${where}`,
      'give more with --memory-limit (or "memoryLimit")',
      error,
    )
  }
  if (!says(error, "constraint")) {
    return refused(
      `DuckDB refuses to change ${where}: ${firstLine(error)}`,
      `undo in the file what stands in the way, or ${anew(table)}`,
      error,
    )
  }
  const unique = indexes.filter((index) => index.isUnique)
  if (unique.length > 0) {
    const names = unique.map(({ name }) => quoteName(name)).join(", ")
    return refused(
      `rows of "${datasource}" are equal in what unique index ${names} on ${where} covers; Druid has no keys`,
      `DROP INDEX ${names}, and make it again without UNIQUE if it is needed; then pull again`,
      error,
    )
  }
  const notNull = constraints.find(
    (text) => text.startsWith("NOT NULL ") && firstLine(error).includes("NOT NULL"),
  )
  const what = constraints.length === 0 ? "a constraint" : constraints.join(", ")
  return refused(
    `rows of "${datasource}" do not meet what ${where} demands (${what}): ${firstLine(error)}`,
    notNull === undefined
      ? `make the table without it (CREATE TABLE copy AS FROM ${quoteName(table)}; DROP TABLE ${quoteName(table)}; ALTER TABLE copy RENAME TO ${quoteName(table)}), then pull again`
      : `ALTER TABLE ${quoteName(table)} ALTER ${notNull.slice("NOT NULL ".length)} DROP NOT NULL, then pull again`,
    error,
  )
}

function anew(table: string): string {
  return `DROP TABLE ${quoteName(table)}, and the next pull makes it anew with all its rows`
}

/** It stops this one datasource; the others go on. */
function refused(message: string, hint: string, cause?: unknown): DruidsyncError {
  return new DruidsyncError("file", message, { scope: "datasource", hint, cause })
}

/**
 * DuckDB (1.5.5) reads the unique indexes of a table when something is first inserted. What is deleted before that still
 * stands in them, and the same row could not come again. Call it before rows are deleted.
 * @param name qualified and quoted
 * @param column any of its columns
 */
export function bindIndexes(engine: Engine, name: string, column: string): Promise<void> {
  return engine.run(`INSERT INTO ${name} ("${column}") SELECT "${column}" FROM ${name} LIMIT 0`)
}
