/**
 * SQL on the user's file, for `query`: read-only, by an engine of its own that can open no other file unless the user
 * asks for it. Rows are streamed, so a result may be larger than memory. While rows are read the file is attached, and a
 * pull that wants to commit waits; a commit that is under way is waited for.
 */
import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api"
import { DruidsyncError, ExitCode, usage } from "../../base/errors.ts"
import { complaintOf, says } from "../duckdb-errors.ts"
import { literal } from "../engine.ts"
import { databaseFile, type FileOptions } from "../file/file.ts"
import { withOverflow } from "../file/overflow.ts"
import { fileBytes } from "../notes/summary.ts"
import { hasFloats, NO_DICTIONARIES } from "../parquet.ts"
import { isNumeric, isText, jsonCell, textCell } from "./cells.ts"
import { withoutTail } from "./statement.ts"

export interface QueryOptions extends FileOptions {
  /** one statement that gives rows, after any number that give none */
  readonly sql: string
  /** how cells come: JSON text, or plain text */
  readonly cells: "json" | "text"
  /** the SQL may read and write other files too */
  readonly allowFiles: boolean
  /** DuckDB's own limit, as DuckDB writes it: `1GB` */
  readonly memoryLimit: string
  readonly threads: number
  readonly signal: AbortSignal
}

export interface QueryColumn {
  readonly name: string
  /** as DuckDB writes it */
  readonly type: string
  readonly isNumeric: boolean
  /** free text, which may be cut to fit; half a number or half a time would read as another one */
  readonly isText: boolean
}

/** A row: a cell per column, null for NULL (with `cells: "json"` the text `null`). */
export type QueryRow = readonly (string | null)[]

export interface QueryResult {
  readonly columns: readonly QueryColumn[]
  /** in pieces, as they are computed; to be read once, within the callback that got it */
  readonly rows: AsyncIterable<readonly QueryRow[]>
}

/**
 * Runs the SQL and hands its result to `use`, while the file is open.
 * @throws DruidsyncError `file`, `foreign`, `locked`; `query` if DuckDB refuses the SQL (exit 2) or fails (exit 1)
 */
export function queryFile<T>(options: QueryOptions, use: (result: QueryResult) => Promise<T>): Promise<T> {
  return withConnection(options, [], async (connection) => {
    const { DuckDBTypeId } = await import("@duckdb/node-api")
    const last = await runAllButLast(connection, options.sql)
    const stream = await last.stream()
    const types = stream.columnTypes()
    const convert = types.map((type) =>
      options.cells === "json" ? jsonCell(type, DuckDBTypeId) : textCell(type, DuckDBTypeId),
    )
    const columns = stream.columnNames().map((name, n) => ({
      name,
      type: types[n]!.alias ?? types[n]!.toString(),
      isNumeric: isNumeric(types[n]!, DuckDBTypeId),
      isText: isText(types[n]!, DuckDBTypeId),
    }))
    async function* rows(): AsyncGenerator<readonly QueryRow[]> {
      for (;;) {
        options.signal.throwIfAborted()
        const chunk = await stream.fetchChunk().catch((error: unknown) => {
          throw sqlError(error, options.signal)
        })
        if (chunk === null || chunk.rowCount === 0) return
        yield chunk.getRows().map((row: DuckDBValue[]) => row.map((value, n) => convert[n]!(value)))
      }
    }
    return use({ columns, rows: rows() })
  })
}

/**
 * Writes the rows of one statement to a new Parquet file (zstd).
 * @param path where to; whatever is there is overwritten
 * @returns number of rows
 * @throws the same as `queryFile`
 */
export function queryToParquet(options: Omit<QueryOptions, "cells">, path: string): Promise<number> {
  return withConnection(options, [path], async (connection) => {
    const { count } = await connection.extractStatements(options.sql)
    if (count !== 1) throw tooMany("Parquet takes one statement")
    const select = withoutTail(options.sql)
    const plain = (await mayHaveFloats(connection, select)) ? `, ${NO_DICTIONARIES}` : ""
    const sql = `COPY (\n${select}\n) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false${plain})`
    return (await connection.run(sql)).rowsChanged
  })
}

async function mayHaveFloats(connection: DuckDBConnection, select: string): Promise<boolean> {
  try {
    const described = await connection.runAndReadAll(`DESCRIBE (\n${select}\n)`)
    return described.getRows().some(([, type]) => hasFloats(String(type)))
  } catch {
    // Not a query, or a wrong one: the COPY says so in better words.
    return true
  }
}

async function withConnection<T>(
  options: Omit<QueryOptions, "cells" | "sql">,
  writable: readonly string[],
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const { path, signal } = options
  await fileBytes(path)
  return withOverflow(async (overflow) => {
    const { DuckDBInstance } = await import("@duckdb/node-api")
    const instance = await DuckDBInstance.create(":memory:", {
      memory_limit: options.memoryLimit,
      threads: String(options.threads),
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    })
    const connection = await instance.connect()
    const interrupt = () => connection.interrupt()
    signal.addEventListener("abort", interrupt)
    const engine = {
      run: async (sql: string) => {
        await connection.run(sql)
      },
    }
    try {
      return await databaseFile(engine, { ...options, onlyLooks: true }).read(async () => {
        // What a sort or a join cannot hold in memory.
        await connection.run(`SET temp_directory = ${literal(overflow)}`)
        if (!options.allowFiles) {
          await connection.run(`SET allowed_paths = [${writable.map(literal).join(", ")}]`)
          await connection.run("SET enable_external_access = false")
        }
        await connection.run("USE file")
        try {
          return await work(connection)
        } catch (error) {
          throw sqlError(error, signal)
        } finally {
          // Whatever the SQL made the default, the file can be detached.
          await connection.run("USE memory").catch(() => undefined)
        }
      }, signal)
    } finally {
      signal.removeEventListener("abort", interrupt)
      connection.closeSync()
      instance.closeSync()
    }
  })
}

/** Runs what stands before the last statement, which is returned ready to run. Rows on the way would be lost silently. */
async function runAllButLast(connection: DuckDBConnection, sql: string) {
  const { StatementType } = await import("@duckdb/node-api")
  const statements = await connection.extractStatements(sql)
  if (statements.count === 0) throw tooMany("there is no SQL in it")
  for (let n = 0; n < statements.count - 1; n++) {
    const prepared = await statements.prepare(n)
    if (prepared.statementType === StatementType.SELECT) {
      throw tooMany("only the last statement may give rows")
    }
    await prepared.run()
    prepared.destroySync()
  }
  return statements.prepare(statements.count - 1)
}

function tooMany(message: string): DruidsyncError {
  return usage(message, "give one query; statements before it may make temporary tables, views and settings")
}

/** DuckDB's complaint about SQL as ours. What is about the file passes as it is. */
function sqlError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof DruidsyncError || !(error instanceof Error)) return error
  const text = complaintOf(error)
  // Not DuckDB's: the code that reads the rows failed.
  if (!says(text, "own")) return error
  const exitCode = says(text, "wrongSql") ? ExitCode.usage : ExitCode.failed
  const hint = hintFor(text)
  return new DruidsyncError("query", text, {
    exitCode,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  })
}

function hintFor(text: string): string | undefined {
  if (says(text, "readOnly")) return "druidsync query never changes the file"
  if (says(text, "filesForbidden")) {
    return "druidsync query opens the DuckDB file alone; --allow-files lets the SQL use others"
  }
  if (says(text, "outOfMemory")) return "ask for less, or give more with --memory-limit"
  if (says(text, "noTable")) return "druidsync query without SQL lists the tables"
  return undefined
}
