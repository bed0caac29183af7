/** Looks into a DuckDB file that druidsync made, without any of druidsync's own code. */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api"
import { canonical, Multiset, rowText } from "./rows.ts"

/** A table as it is found. */
export interface Table {
  /** in the table's order */
  readonly columns: readonly {
    readonly name: string
    readonly type: string
    readonly comment: string | null
  }[]
  readonly rows: Multiset
}

/** Rows of a query as plain objects; BIGINT as bigint. The file is opened read-only and closed again. */
export async function query(
  path: string,
  sql: string,
  values: readonly (string | number | bigint)[] = [],
): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY", threads: "1" })
  try {
    const connection = await instance.connect()
    try {
      const reader = await connection.runAndReadAll(sql, [...values])
      return reader.getRowObjectsJS() as Record<string, unknown>[]
    } finally {
      connection.closeSync()
    }
  } finally {
    instance.closeSync()
  }
}

/** Looks into many files, one after the other, with one engine: opening one costs more than a small query. */
export class Looker {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  #before: Promise<unknown> = Promise.resolve()

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  static async open(): Promise<Looker> {
    const instance = await DuckDBInstance.create(":memory:", { threads: "1" })
    return new Looker(instance, await instance.connect())
  }

  /** As `query` above, one look at a time. The file is attached while it is asked; its tables need no prefix. */
  query(path: string, sql: string): Promise<Record<string, unknown>[]> {
    const look = this.#before.then(() => this.#look(path, sql))
    this.#before = look.catch(() => undefined)
    return look
  }

  async #look(path: string, sql: string): Promise<Record<string, unknown>[]> {
    const connection = this.#connection
    await connection.run(`ATTACH ${literal(path)} AS looked (READ_ONLY, TYPE duckdb)`)
    try {
      await connection.run("USE looked")
      const reader = await connection.runAndReadAll(sql)
      return reader.getRowObjectsJS() as Record<string, unknown>[]
    } finally {
      await connection.run("USE memory")
      await connection.run("DETACH looked")
    }
  }

  close(): void {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }
}

/** Runs statements on a file that is created if need be: what another program would do to it. */
export async function execute(path: string, ...statements: string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path)
  try {
    const connection = await instance.connect()
    for (const sql of statements) await connection.run(sql)
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}

export async function tableNames(path: string): Promise<string[]> {
  const rows = await query(path, "SELECT table_name FROM duckdb_tables() ORDER BY 1")
  return rows.map((row) => String(row.table_name))
}

/** Every row of a table, as canonical text. @param only names of the columns that are read; default: all */
export async function readTable(path: string, table: string, only?: readonly string[]): Promise<Table> {
  const columns = (await columnsOf(path, table)).filter(({ name }) => only?.includes(name) ?? true)
  const forms = columns.map((column) => ({ column, ...formOf(column.type) }))
  const list = forms.map(({ column, sql }) => `${sql(identifier(column.name))} AS ${identifier(column.name)}`)
  const rows = new Multiset()
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY", threads: "1" })
  try {
    const connection = await instance.connect()
    const result = await connection.stream(`SELECT ${list.join(", ")} FROM ${identifier(table)}`)
    for (
      let chunk = await result.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      const values = forms.map((_, n) => chunk!.getColumnValues(n))
      for (let i = 0; i < chunk.rowCount; i++)
        rows.add(
          rowText(forms.map(({ column, text }, n) => [column.name, text(values[n]![i] as never)] as const)),
        )
    }
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
  return { columns, rows }
}

/**
 * Compares a table of two files within DuckDB, duplicates counted: rows that only the one or only the other has. Quick
 * where many copies are held against one that was proven; columns must have the same names and types.
 */
export async function fileDifference(
  path: string,
  provenPath: string,
  table: string,
): Promise<{ readonly extra: number; readonly missing: number }> {
  const instance = await DuckDBInstance.create(":memory:")
  try {
    const connection = await instance.connect()
    try {
      await connection.run(`ATTACH ${literal(path)} AS a (READ_ONLY, TYPE duckdb)`)
      await connection.run(`ATTACH ${literal(provenPath)} AS b (READ_ONLY, TYPE duckdb)`)
      const [a, b] = [`a.${identifier(table)}`, `b.${identifier(table)}`]
      const reader = await connection.runAndReadAll(
        `SELECT (SELECT count(*) FROM (FROM ${a} EXCEPT ALL FROM ${b}))::INTEGER,
           (SELECT count(*) FROM (FROM ${b} EXCEPT ALL FROM ${a}))::INTEGER`,
      )
      const [extra, missing] = reader.getRows()[0] as [number, number]
      return { extra, missing }
    } finally {
      connection.closeSync()
    }
  } finally {
    instance.closeSync()
  }
}

/** A table's columns, in its order. */
export async function columnsOf(path: string, table: string): Promise<Table["columns"]> {
  const listed = await query(
    path,
    "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = $1 ORDER BY column_index",
    [table],
  )
  if (listed.length === 0) throw new Error(`${path} has no table ${JSON.stringify(table)}`)
  return listed.map((row) => ({
    name: String(row.column_name),
    type: String(row.data_type),
    comment: row.comment as string | null,
  }))
}

interface Form {
  /** how the value leaves DuckDB without loss */
  readonly sql: (name: string) => string
  readonly text: (value: never) => string
}

function formOf(type: string): Form {
  const as = (cast: string) => (name: string) => `${name}::${cast}`
  switch (type) {
    case "TIMESTAMP":
      return { sql: (name) => `epoch_ms(${name})::VARCHAR`, text: canonical.time }
    case "BIGINT":
      return { sql: as("VARCHAR"), text: canonical.long }
    case "DOUBLE":
      return { sql: (name) => name, text: canonical.double }
    case "FLOAT":
      return { sql: (name) => name, text: canonical.float }
    case "VARCHAR":
    case "JSON":
      return { sql: as("VARCHAR"), text: canonical.string }
    case "BLOB":
      return { sql: (name) => `to_base64(${name})`, text: canonical.string }
  }
  if (type.endsWith("[]")) {
    const inner = formOf(type.slice(0, -2))
    return {
      sql: (name) => name,
      text: (value: { items: readonly unknown[] } | null) =>
        canonical.list(value === null ? null : value.items, inner.text),
    }
  }
  throw new Error(`no canonical form for ${type}`)
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
