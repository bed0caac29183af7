/**
 * The DuckDB engine of one run: an in-memory database that parses spool files and holds staged rows, and to which the
 * user's file is attached for a commit and detached after, so that other programs can read between commits (B11).
 * `@duckdb/node-api` is loaded here, lazily, and nowhere else: `--version` and `--help` never touch it.
 */
import { availableParallelism } from "node:os"
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from "@duckdb/node-api"
import { serial } from "../base/serial.ts"
import { registerDruidTime } from "./look/druid-time.ts"
import { registerTextHash } from "./text-hash.ts"

export interface EngineOptions {
  /** DuckDB's own limit, as DuckDB writes it: `200MB` */
  readonly memoryLimit: string
  readonly threads: number
}

export interface Engine {
  run(sql: string, values?: readonly DuckDBValue[]): Promise<void>
  /** number of rows that the statement inserted, updated or deleted */
  change(sql: string, values?: readonly DuckDBValue[]): Promise<number>
  /** rows as arrays of JavaScript values: BIGINT as `bigint` */
  rows(sql: string, values?: readonly DuckDBValue[]): Promise<DuckDBValue[][]>
  /** the same, one row after the other: for many of which little is kept */
  each(sql: string, visit: (row: DuckDBValue[]) => void): Promise<void>
  /** makes `druid_text_hash` known (see `text-hash.ts`); once is enough */
  useTextHash(): Promise<void>
  /** makes `druid_time` known (see `look/druid-time.ts`) */
  useDruidTime(): Promise<void>
  /** a second connection: its statements run beside those of this one, and see what was committed; closed with this one */
  beside(): Promise<Engine>
  close(): void
}

/** A memory limit as DuckDB takes it. */
export function memoryText(bytes: number): string {
  return `${Math.floor(bytes / 1e6)}MB`
}

/** Threads for an engine on this machine. @param most more gain nothing @param spare processors left to other work */
export function threadsHere({ most = 4, spare = 0 } = {}): number {
  return Math.max(1, Math.min(most, availableParallelism() - spare))
}

/** Opens an in-memory engine. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { DuckDBInstance } = await import("@duckdb/node-api")
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: options.memoryLimit,
    threads: String(options.threads),
    // Druid rows are unordered, so we need not preserve insertion order; that halves the time and memory of a load.
    preserve_insertion_order: "false",
    // Nothing may be fetched at run time: all that is used is built in.
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  })
  const connection = await instance.connect()
  // Staged rows come and go by tens of megabytes, which the allocator would keep: a fifth less memory for 5% more time.
  await connection.run("SET allocator_bulk_deallocation_flush_threshold = '16MB'")
  await connection.run("SET allocator_flush_threshold = '16MB'")
  // Of a commit, row groups that are full are written at once: DuckDB would gather five of them in memory.
  await connection.run("SET write_buffer_row_group_count = 1")
  // DuckDB's run-length encoding takes -0.0 and 0.0 for equal and stores one for both (its issue 25580, still in 1.5.6).
  // As a start-up option this is accepted and ignored.
  await connection.run("SET disabled_compression_methods = 'rle'")
  return engineOf(instance, connection)
}

/** @param ends called by `close`, after the connection is closed */
function engineOf(
  instance: DuckDBInstance,
  connection: DuckDBConnection,
  ends = () => instance.closeSync(),
): Engine {
  // One connection runs one statement at a time; callers that load in parallel queue up here.
  const inTurn = serial()
  let textHash: Promise<void> | undefined
  const others: Engine[] = []
  /** DuckDB keeps its answer in a fraction of the memory that rows of JavaScript need: they are made some at a time. */
  const visiting = (
    sql: string,
    values: readonly DuckDBValue[] | undefined,
    visit: (row: DuckDBValue[]) => void,
  ) =>
    inTurn(async () => {
      const answer = await connection.run(sql, values as DuckDBValue[])
      for await (const rows of answer.yieldRows()) for (const row of rows) visit(row)
    })
  return {
    beside: async () => {
      const other = engineOf(instance, await instance.connect(), () => undefined)
      others.push(other)
      return other
    },
    useTextHash: () => {
      textHash ??= inTurn(() => registerTextHash(connection))
      return textHash
    },
    useDruidTime: () => inTurn(() => registerDruidTime(connection)),
    run: (sql, values) =>
      inTurn(async () => {
        await connection.run(sql, values as DuckDBValue[])
      }),
    change: (sql, values) =>
      inTurn(async () => (await connection.run(sql, values as DuckDBValue[])).rowsChanged),
    rows: async (sql, values) => {
      const all: DuckDBValue[][] = []
      await visiting(sql, values, (row) => all.push(row))
      return all
    },
    each: (sql, visit) => visiting(sql, undefined, visit),
    close: () => {
      for (const other of others) other.close()
      connection.closeSync()
      ends()
    },
  }
}

/**
 * `'text'` as a DuckDB literal: used where a statement takes no parameters (ATTACH, file names). DuckDB's SQL ends at a
 * NUL, even between quotes: a text with one becomes an expression.
 */
export function literal(text: string): string {
  const pieces = text.split("\u0000").map((piece) => `'${piece.replaceAll("'", "''")}'`)
  return pieces.length === 1 ? pieces[0]! : `(${pieces.join(" || chr(0) || ")})`
}

/**
 * The path of one file for DuckDB's readers (`read_json` and the like), as a literal: they take `*`, `?` and `[` for a
 * pattern, and read every file that it fits.
 */
export function oneFile(path: string): string {
  return literal(path.replace(/[*?[]/g, "[$&]"))
}
