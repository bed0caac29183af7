/**
 * Makes a table again, under another name or with other types. DuckDB alters no table that has an index, and keeps the
 * index until the transaction ends if it is dropped in it (worse: making it again there brings DuckDB 1.5.6 down). A table
 * that is made anew gets its indexes back once its rows are in.
 */
import { quoteName } from "../../base/names.ts"
import { type Engine, literal } from "../engine.ts"
import { type ActualColumn, cannotRebuild, type Index, readComments, readConstraints } from "./by-hand.ts"

/** In the file only within the transaction. */
const ON_ITS_WAY = "_sync_new"

export interface Rebuild {
  readonly from: string
  readonly to: string
  /** the columns of `from`, in their order */
  readonly columns: readonly ActualColumn[]
  /** SQL of new values, by column; the others stay as they are */
  readonly values: ReadonlyMap<string, string>
  readonly indexes: readonly Index[]
}

/**
 * @param path of the file, for words
 * @returns statements that make the indexes again
 * @throws DruidsyncError `file` if the table has constraints, too: they would be lost
 */
export async function rebuild(engine: Engine, path: string, given: Rebuild): Promise<string[]> {
  const { from, to, columns, values, indexes } = given
  const inTheWay = [
    ...(await readConstraints(engine, from)),
    ...columns.flatMap(({ name, expression }) =>
      expression === undefined ? [] : [`${quoteName(name)} DEFAULT ${expression}`],
    ),
  ]
  const statements = indexes.map(({ sql }) => indexOn(to, sql))
  const known = statements.filter((sql) => sql !== undefined)
  if (known.length < statements.length) inTheWay.push("an extension's kind of index")
  if (inTheWay.length > 0) throw cannotRebuild(path, from, indexes, inTheWay.join(", "))
  const comments = await readComments(engine, from)
  const [about] = await engine.rows(
    "SELECT comment FROM duckdb_tables() WHERE database_name = 'file' AND schema_name = 'main' AND table_name = $1",
    [from],
  )
  const made = `file.${quoteName(ON_ITS_WAY)}`
  const select = columns.map(({ name }) => `${values.get(name) ?? quoteName(name)} AS ${quoteName(name)}`)
  await engine.run(`CREATE TABLE ${made} AS SELECT ${select.join(", ")} FROM file.${quoteName(from)}`)
  await engine.run(`DROP TABLE file.${quoteName(from)}`)
  await engine.run(`ALTER TABLE ${made} RENAME TO ${quoteName(to)}`)
  const name = `file.${quoteName(to)}`
  if (about?.[0] != null) await engine.run(`COMMENT ON TABLE ${name} IS ${literal(String(about[0]))}`)
  for (const [column, text] of comments)
    await engine.run(`COMMENT ON COLUMN ${name}.${quoteName(column)} IS ${literal(text)}`)
  return known
}

const NAME = '(?:"(?:[^"]|"")*"|[^\\s"(.]+)'
const CREATE = new RegExp(
  `^CREATE (UNIQUE )?INDEX (${NAME}) ON (?:${NAME}\\.)*${NAME}\\s*(\\(.*\\));?\\s*$`,
  "s",
)

/** The statement for a table that may have another name by now; undefined for an index of an extension. */
function indexOn(table: string, sql: string): string | undefined {
  const match = CREATE.exec(sql)
  if (match === null) return undefined
  const [, unique = "", name, columns] = match
  return `CREATE ${unique}INDEX ${name} ON file.${quoteName(table)} ${columns}`
}
