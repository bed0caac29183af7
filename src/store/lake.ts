/**
 * DuckDB statements for a lake: what partitions a table has, their rows to a Parquet, CSV or JSON file, and the two
 * compared. All are called while the user's file is attached read-only as `file` (see `file.ts`); no statement changes
 * it.
 */
import type { Interval, PartState } from "../base/domain.ts"
import { DruidsyncError } from "../base/errors.ts"
import { quoteName } from "../base/names.ts"
import { codeOf } from "../base/system.ts"
import { firstLine, says } from "./duckdb-errors.ts"
import { type Engine, literal } from "./engine.ts"
import type { StoredColumn } from "./notes/state.ts"
import { checkFormat, notOurs, tableNames } from "./notes/tables.ts"
import { timeCondition } from "./notes/times.ts"
import { conversion, jsonOf } from "./rows/convert.ts"

export type LakeFormat = "parquet" | "csv" | "json"
export type LakePartitioning = "day" | "month"

/** A column as it stands in the table. */
export interface LakeColumn {
  readonly name: string
  /** DuckDB's type */
  readonly type: string
  /** Druid's type; empty for what druidsync made */
  readonly druid: string
}

/** A datasource of the file and its table. */
export interface LakeTable {
  readonly datasource: string
  readonly table: string
  /** someone dropped the table: there is nothing to export */
  readonly isDropped: boolean
  /** how its last run ended, as in `_sync_state` */
  readonly status: string
  readonly message: string | undefined
  readonly columns: readonly LakeColumn[]
  /** the share of the datasource that the file holds, such as `2/4`; undefined for all of it */
  readonly shard: string | undefined
}

/** A checkpoint, with all that changes when its rows are fetched again. */
export interface LakeChunk {
  readonly interval: Interval
  readonly rows: number
  readonly state: PartState
  /** differs from that of any other fetch of the same interval */
  readonly print: string
}

/** The rows of one calendar day or month (UTC). */
export interface LakePartition {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly interval: Interval
  readonly rows: number
}

/**
 * The datasources that the file holds.
 * @returns `runs`: the runs that its rows came from, and those of its history, newest first; they name the file whatever it
 * is called, as long as one of them is remembered
 * @throws DruidsyncError `foreign` where druidsync never pulled into the file, `file`
 */
export async function readLakeTables(
  engine: Engine,
  path: string,
): Promise<{ tables: LakeTable[]; runs: string[] }> {
  const names = await tableNames(engine)
  if (!names.includes("_sync_state") || !names.includes("_sync_chunks")) {
    throw notOurs(path)
  }
  const rows = await engine.rows(
    `SELECT datasource, "table", status, message, columns::VARCHAR, format, settings FROM file._sync_state ORDER BY datasource`,
  )
  const tables = rows.map((row): LakeTable => {
    checkFormat(row[5], path)
    return {
      datasource: String(row[0]),
      table: String(row[1]),
      isDropped: !names.includes(String(row[1])),
      status: String(row[2]),
      message: row[3] === null ? undefined : String(row[3]),
      columns: columnsOf(String(row[4])),
      shard: shardOf(String(row[6])),
    }
  })
  const history = names.includes("_sync_runs") ? "UNION ALL SELECT run_id, started FROM file._sync_runs" : ""
  const runs = await engine.rows(
    `SELECT run_id FROM (SELECT run_id, committed_at AS t FROM file._sync_chunks ${history})
     GROUP BY run_id ORDER BY max(t) DESC, run_id`,
  )
  return { tables, runs: runs.map(([run]) => String(run)) }
}

/** `pull --shard` is kept among the settings; older files have a digest there. */
function shardOf(settings: string): string | undefined {
  try {
    const { shard } = JSON.parse(settings) as { shard?: unknown }
    return typeof shard === "string" ? shard : undefined
  } catch {
    return undefined
  }
}

function columnsOf(json: string): LakeColumn[] {
  return (JSON.parse(json) as StoredColumn[]).map(({ target, duckdbType, druidType }) => ({
    name: target,
    type: duckdbType,
    druid: druidType,
  }))
}

/** The columns as they are now; undefined where the datasource has no table any more. */
export async function readLakeColumns(engine: Engine, datasource: string): Promise<LakeColumn[] | undefined> {
  const [row] = await engine.rows("SELECT columns::VARCHAR FROM file._sync_state WHERE datasource = $1", [
    datasource,
  ])
  return row === undefined ? undefined : columnsOf(String(row[0]))
}

/** Checkpoints of a datasource, ascending. @param within only those that overlap it */
export async function readLakeChunks(
  engine: Engine,
  datasource: string,
  within?: Interval,
): Promise<LakeChunk[]> {
  const where = within === undefined ? "" : ` AND start_ms < ${within.end} AND end_ms > ${within.start}`
  const rows = await engine.rows(
    `SELECT start_ms, end_ms, rows, state,
       sha256(concat_ws('|', run_id, epoch_us(committed_at)::VARCHAR, state, settings, segments))
     FROM file._sync_chunks WHERE datasource = $1${where} ORDER BY start_ms`,
    [datasource],
  )
  return rows.map(([start, end, count, state, print]) => ({
    interval: { start: start as bigint, end: end as bigint },
    rows: Number(count),
    state: String(state) as PartState,
    print: String(print),
  }))
}

/**
 * Days or months that have rows, ascending.
 * @param within only this stretch
 * @returns `timeless`: rows whose time is NULL or infinite, which druidsync never stores
 */
export async function readLakePartitions(
  engine: Engine,
  table: string,
  by: LakePartitioning,
  within?: Interval,
): Promise<{ partitions: LakePartition[]; timeless: number }> {
  const condition = within === undefined ? "TRUE" : timeCondition(within)
  const rows = await engine.rows(
    `WITH counted AS (
       SELECT date_trunc('${by}', "__time")::TIMESTAMP AS t, count(*) AS n
       FROM file.${quoteName(table)} WHERE ${condition} GROUP BY 1)
     SELECT isfinite(t), n, year(t), month(t), day(t), epoch_ms(t), epoch_ms(t + INTERVAL 1 ${by.toUpperCase()})
     FROM counted ORDER BY t`,
  )
  const partitions: LakePartition[] = []
  let timeless = 0
  for (const [isTime, count, year, month, day, start, end] of rows) {
    if (isTime !== true) timeless += Number(count)
    else
      partitions.push({
        year: Number(year),
        month: Number(month),
        day: Number(day),
        interval: { start: start as bigint, end: end as bigint },
        rows: Number(count),
      })
  }
  return { partitions, timeless }
}

/** ISO 8601 with milliseconds, which is all that Druid has. */
const ISO = "%Y-%m-%dT%H:%M:%S.%gZ"

/** A value in a Parquet file: an instant for the time, JSON as a string, all else as it is. */
function parquetValue({ name, type }: LakeColumn): string {
  const quoted = quoteName(name)
  // An instant (isAdjustedToUTC), so that no engine's time zone bends it; by way of a number, so that ours does not.
  if (type === "TIMESTAMP") return `make_timestamptz(epoch_us(${quoted}))`
  return type === "JSON" ? `${quoted}::VARCHAR` : quoted
}

/** A value as CSV text: lists are JSON, bytes base64, numbers in Druid's words. */
function csvValue({ name, type }: LakeColumn): string {
  const quoted = quoteName(name)
  return type === "TIMESTAMP" ? `strftime(${quoted}, '${ISO}')` : conversion(quoted, type, "VARCHAR")
}

/** A row as one line of JSON; every column is there, NULL as null. */
function jsonRow(columns: readonly LakeColumn[]): string {
  const pairs = columns.map(({ name, type }) => {
    const quoted = quoteName(name)
    const value = type === "TIMESTAMP" ? `strftime(${quoted}, '"${ISO}"')` : jsonOf(quoted, type)
    // Line breaks between the values of nested JSON mean nothing, and would end the line.
    const line =
      type === "JSON"
        ? `CASE WHEN regexp_matches(${quoted}::VARCHAR, '[\\r\\n]') THEN translate(${quoted}::VARCHAR, chr(10) || chr(13), '  ') ELSE ${quoted}::VARCHAR END`
        : `${value}::VARCHAR`
    return `${literal(`${JSON.stringify(name)}:`)}, coalesce(${line}, 'null')`
  })
  return `concat('{', ${pairs.join(", ',', ")}, '}')`
}

export interface LakeRows {
  readonly table: string
  readonly columns: readonly LakeColumn[]
  readonly interval: Interval
}

/**
 * Writes the rows of an interval to a file, overwriting what is there.
 * @returns number of rows
 * @throws DruidsyncError `disk-full`, `file`
 */
export async function writeLakeFile(
  engine: Engine,
  rows: LakeRows,
  format: LakeFormat,
  path: string,
): Promise<number> {
  const source = `FROM file.${quoteName(rows.table)} WHERE ${timeCondition(rows.interval)}`
  const list = (value: (column: LakeColumn) => string) =>
    rows.columns.map((column) => `${value(column)} AS ${quoteName(column.name)}`).join(", ")
  const query =
    format === "parquet"
      ? `SELECT ${list(parquetValue)} ${source}`
      : format === "csv"
        ? `SELECT ${list(csvValue)} ${source}`
        : `SELECT ${jsonRow(rows.columns)} AS line ${source}`
  const write = async (rowGroups: string): Promise<number> => {
    const options =
      format === "parquet"
        ? `FORMAT parquet, COMPRESSION zstd, ${rowGroups}${dictionaries}`
        : format === "csv"
          ? `FORMAT csv, HEADER, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR ''`
          : // Each line is written as it is.
            "FORMAT csv, HEADER false, DELIMITER '\\0', QUOTE '', ESCAPE ''"
    return engine.change(`COPY (${query}) TO ${literal(path)} (${options})`)
  }
  let dictionaries = ""
  try {
    if (format === "parquet" && (await hasNegativeZero(engine, rows)))
      dictionaries = ", DICTIONARY_SIZE_LIMIT 0"
    try {
      return await write(ROW_GROUPS)
    } catch (error) {
      if (!says(error, "outOfMemory")) throw error
      // Rows of many kilobytes: one thread, and few of them at a time.
      const [threads] = await engine.rows("SELECT current_setting('threads')")
      await engine.run("SET threads = 1")
      try {
        return await write(SMALL_ROW_GROUPS)
      } finally {
        await engine.run(`SET threads = ${Number(threads![0])}`)
      }
    }
  } catch (error) {
    throw lakeError(path, error)
  }
}

/** DuckDB's own number of rows, but bounded in bytes: each thread holds one group in memory. */
const ROW_GROUPS = "ROW_GROUP_SIZE 122880, ROW_GROUP_SIZE_BYTES '64MB'"
const SMALL_ROW_GROUPS = "ROW_GROUP_SIZE 2048, ROW_GROUP_SIZE_BYTES '16MB'"

/**
 * DuckDB's Parquet writer takes -0.0 and 0.0 for the same entry of a dictionary (tried with 1.5.5): where there is a
 * -0.0, the file does without dictionaries.
 */
async function hasNegativeZero(engine: Engine, { table, columns, interval }: LakeRows): Promise<boolean> {
  const tests = columns.flatMap(({ name, type }) => {
    const quoted = quoteName(name)
    if (type === "FLOAT" || type === "DOUBLE") return [`(${quoted} = 0 AND signbit(${quoted}))`]
    return isFloatList(type) ? [`contains(${quoted}::VARCHAR, '-0.0')`] : []
  })
  if (tests.length === 0) return false
  const found = await engine.rows(
    `SELECT 1 FROM file.${quoteName(table)} WHERE ${timeCondition(interval)} AND (${tests.join(" OR ")}) LIMIT 1`,
  )
  return found.length > 0
}

function isFloatList(type: string): boolean {
  return /^(FLOAT|DOUBLE)(\[\])+$/.test(type)
}

/** DuckDB's or the system's complaint about a file of the lake as ours. */
export function lakeError(path: string, error: unknown): unknown {
  if (error instanceof DruidsyncError) return error
  const text = firstLine(error)
  if (codeOf(error) === "ENOSPC") {
    return new DruidsyncError(
      "disk-full",
      `no space left to write ${path}; what was there before is as it was`,
      {
        hint: "free space and export again",
        cause: error,
      },
    )
  }
  if (says(error, "outOfMemory")) {
    return new DruidsyncError("file", `${path} cannot be written: its rows do not fit into memory`, {
      hint: "smaller partitions need less: --partition day into another folder",
      cause: error,
    })
  }
  const isSystems = codeOf(error) !== undefined || typeof (error as { code?: unknown }).code === "string"
  if (!isSystems && !says(error, "io")) return error
  return new DruidsyncError("file", `${path} cannot be written: ${text}`, {
    hint: "check that the folder of --to is writable",
    cause: error,
  })
}

/** Both sides of a comparison as SQL that gives the same columns. */
interface Sides {
  readonly table: string
  readonly lake: string
  /** the columns compared, by name; empty where rows are compared as a whole */
  readonly names: readonly string[]
  /** number of expressions `c0`, `c1`, … */
  readonly width: number
}

function sidesOf({ table, columns, interval }: LakeRows, format: LakeFormat, path: string): Sides {
  const source = `FROM file.${quoteName(table)} WHERE ${timeCondition(interval)}`
  const names = columns.map(({ name }) => name)
  const numbered = (values: readonly string[]) => values.map((value, n) => `${value} AS c${n}`).join(", ")
  if (format === "json") {
    const reader = `read_ndjson_objects(${literal(path)}, format = 'newline_delimited', maximum_object_size = 33554432)`
    return {
      table: `SELECT ${jsonRow(columns)} AS c0 ${source}`,
      lake: `SELECT json::VARCHAR AS c0 FROM ${reader}`,
      names: [],
      width: 1,
    }
  }
  if (format === "csv") {
    const types = names.map((name) => `${literal(name)}: 'VARCHAR'`).join(", ")
    return {
      table: `SELECT ${numbered(columns.map(csvValue))} ${source}`,
      lake: `SELECT ${numbered(names.map(quoteName))} FROM read_csv(${literal(path)}, auto_detect = false, header = true,
        delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false, columns = {${types}},
        max_line_size = 16777216, hive_partitioning = false)`,
      names,
      width: names.length,
    }
  }
  return {
    table: `SELECT ${numbered(columns.map(comparable))} ${source}`,
    lake: `SELECT ${numbered(columns.map(comparable))} FROM read_parquet(${literal(path)}, hive_partitioning = false)`,
    names,
    width: names.length,
  }
}

/**
 * A value so that equal means the same: NaN and -0.0 are told apart as text, JSON by its letters, and lists as JSON, since
 * DuckDB hashes `[]` and `[NULL]` alike (tried with 1.5.5).
 */
function comparable({ name, type }: LakeColumn): string {
  const quoted = quoteName(name)
  if (type === "TIMESTAMP") return `epoch_us(${quoted})`
  if (type === "FLOAT" || type === "DOUBLE" || type === "JSON") return `${quoted}::VARCHAR`
  return type.endsWith("[]") ? conversion(quoted, type, "VARCHAR") : quoted
}

/** What a comparison of one file with its rows found. */
export interface LakeDifference {
  readonly tableRows: number
  readonly lakeRows: number
  /** columns whose values differ, as far as they can be told */
  readonly columns: readonly string[]
}

/**
 * Compares rows by 64-bit hashes: of each row, and where these differ of each column.
 * @returns undefined where they are equal
 */
export async function compareLakeFile(
  engine: Engine,
  rows: LakeRows,
  format: LakeFormat,
  path: string,
): Promise<LakeDifference | undefined> {
  const sides = sidesOf(rows, format, path)
  const all = Array.from({ length: sides.width }, (_, n) => `c${n}`).join(", ")
  const print = async (side: string, sums: readonly string[]) => {
    const [row] = await engine.rows(
      `SELECT count(*)::VARCHAR, ${sums.map((sum) => `coalesce(sum(${sum}), 0)::VARCHAR`).join(", ")} FROM (${side})`,
    )
    return row!.map(String)
  }
  const whole = [`hash(${all})`]
  const [table, lake] = [await print(sides.table, whole), await print(sides.lake, whole)]
  if (table[0] === lake[0] && table[1] === lake[1]) return undefined
  const single = sides.names.map((_, n) => `hash(c${n})`)
  const columns =
    table[0] !== lake[0] || single.length === 0
      ? []
      : await (async () => {
          const [a, b] = [await print(sides.table, single), await print(sides.lake, single)]
          return sides.names.filter((_, n) => a[n + 1] !== b[n + 1])
        })()
  return { tableRows: Number(table[0]), lakeRows: Number(lake[0]), columns }
}

/** Rows in one bucket of an exact comparison, about: what is held in memory at a time. */
const BUCKET_ROWS = 4_000_000

/**
 * Compares rows as multisets, exactly. Big partitions in buckets of whole rows, so that memory stays bounded.
 * @returns rows that only the one side has; duplicates count
 */
export async function compareLakeFileDeep(
  engine: Engine,
  rows: LakeRows,
  format: LakeFormat,
  path: string,
  expectedRows: number,
): Promise<{ onlyTable: number; onlyLake: number }> {
  const sides = sidesOf(rows, format, path)
  const all = Array.from({ length: sides.width }, (_, n) => `c${n}`).join(", ")
  const buckets = Math.max(1, Math.ceil(expectedRows / BUCKET_ROWS))
  let onlyTable = 0
  let onlyLake = 0
  for (let bucket = 0; bucket < buckets; bucket++) {
    const some = (side: string) =>
      buckets === 1 ? side : `SELECT * FROM (${side}) WHERE hash(${all}) % ${buckets} = ${bucket}`
    const count = async (a: string, b: string) => {
      const [row] = await engine.rows(`SELECT count(*) FROM ((${some(a)}) EXCEPT ALL (${some(b)}))`)
      return Number(row![0])
    }
    onlyTable += await count(sides.table, sides.lake)
    onlyLake += await count(sides.lake, sides.table)
  }
  return { onlyTable, onlyLake }
}
