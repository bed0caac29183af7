/** Writes the rows of a partition to a Parquet, CSV or JSON file. Called while the user's file is attached as `file`. */
import { quoteName } from "../base/names.ts"
import { says } from "../store/duckdb-errors.ts"
import { type Engine, literal } from "../store/engine.ts"
import { hasFloats, NO_DICTIONARIES } from "../store/parquet.ts"
import { lakeError } from "./errors.ts"
import type { LakeFormat } from "./layout.ts"
import { fileColumns, type LakeRows, sourceOf } from "./values.ts"

/** DuckDB's own number of rows, but bounded in bytes: each thread holds one group in memory. */
const ROW_GROUPS = "ROW_GROUP_SIZE 122880, ROW_GROUP_SIZE_BYTES '64MB'"
const SMALL_ROW_GROUPS = "ROW_GROUP_SIZE 2048, ROW_GROUP_SIZE_BYTES '16MB'"

const TEXT_OPTIONS = {
  csv: `FORMAT csv, HEADER, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR ''`,
  // Each line is written as it is.
  json: "FORMAT csv, HEADER false, DELIMITER '\\0', QUOTE '', ESCAPE ''",
} as const

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
  const values = fileColumns(format, rows.columns).map(({ name, value }) => `${value} AS ${quoteName(name)}`)
  const copy = (options: string) =>
    engine.change(
      `COPY (SELECT ${values.join(", ")} FROM ${sourceOf(rows)}) TO ${literal(path)} (${options})`,
    )
  try {
    const plain = format === "parquet" && (await hasNegativeZero(engine, rows)) ? [NO_DICTIONARIES] : []
    const write = (rowGroups: string) =>
      format === "parquet"
        ? copy(["FORMAT parquet", "COMPRESSION zstd", rowGroups, ...plain].join(", "))
        : copy(TEXT_OPTIONS[format])
    try {
      return await write(ROW_GROUPS)
    } catch (error) {
      if (!says(error, "outOfMemory")) throw error
      // Rows of many kilobytes: one thread, and few of them at a time.
      return await onOneThread(engine, () => write(SMALL_ROW_GROUPS))
    }
  } catch (error) {
    throw lakeError(path, error)
  }
}

async function onOneThread<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  const [threads] = await engine.rows("SELECT current_setting('threads')")
  await engine.run("SET threads = 1")
  try {
    return await work()
  } finally {
    await engine.run(`SET threads = ${Number(threads![0])}`)
  }
}

async function hasNegativeZero(engine: Engine, rows: LakeRows): Promise<boolean> {
  const tests = rows.columns
    .filter(({ type }) => hasFloats(type))
    .map(({ name, type }) => {
      const quoted = quoteName(name)
      return type.endsWith("[]")
        ? `contains(${quoted}::VARCHAR, '-0.0')`
        : `(${quoted} = 0 AND signbit(${quoted}))`
    })
  if (tests.length === 0) return false
  const found = await engine.rows(`SELECT 1 FROM ${sourceOf(rows)} AND (${tests.join(" OR ")}) LIMIT 1`)
  return found.length > 0
}
