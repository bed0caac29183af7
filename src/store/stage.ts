/**
 * Parses a spool file into a staging table of the engine's own database, while the user's file stays closed. DuckDB's
 * multi-threaded JSON reader does it; no row passes through JavaScript.
 */
import type { Column, Interval } from "../domain.ts"
import { DruidsyncError, messageOf } from "../errors.ts"
import { type Engine, literal } from "./engine.ts"
import { quoteIdentifier } from "./identifier.ts"
import { rowHashExpression } from "./row-hash.ts"
import { timeCondition } from "./times.ts"
import { mayBeSeveral, valueExpression } from "./types.ts"

/** Rows of one slice, parsed and typed, waiting to be committed. */
export interface Staged {
  /** table in the engine's database */
  readonly table: string
  readonly rows: number
  /** rows per interval that was asked for */
  readonly counts: readonly number[]
  /** columns taken for single strings that hold what may be Druid's text of several: ask Druid before trusting them */
  readonly suspects: readonly string[]
}

/** A row longer than this is refused by DuckDB's reader; values of 1 MB are normal in Druid, 256 MB are not. */
const MAX_ROW_BYTES = 256 * 1024 * 1024
const USUAL_ROW_BYTES = 16 * 1024 * 1024

/**
 * @param path spool file: arrayLines without header lines
 * @param columns in the order of the response
 * @param intervals ascending; the rows of each are counted
 * @param rowHash the column of hashes, where the config wants one: it comes last
 * @throws DruidsyncError `type` where a value does not fit its declared type
 */
export async function stage(
  engine: Engine,
  table: string,
  path: string,
  columns: readonly Column[],
  intervals: readonly Interval[],
  rowHash?: Column,
): Promise<Staged> {
  const name = quoteIdentifier(table)
  const expressions = new Map(columns.map((column, n) => [column, valueExpression(column, n + 1)]))
  const values = columns.map((column) => `${expressions.get(column)} AS ${quoteIdentifier(column.target)}`)
  if (rowHash !== undefined) {
    const hash = rowHashExpression(columns, (column) => expressions.get(column)!)
    values.push(`${hash} AS ${quoteIdentifier(rowHash.target)}`)
  }
  const create = (maxRowBytes: number) =>
    engine.run(
      `CREATE OR REPLACE TABLE ${name} AS SELECT ${values.join(", ")} FROM read_json(${literal(path)}, ` +
        `format = 'newline_delimited', records = false, columns = {json: 'VARCHAR[]'}, maximum_object_size = ${maxRowBytes})`,
    )
  try {
    await create(USUAL_ROW_BYTES).catch((error) => {
      if (!/maximum_object_size/.test(messageOf(error))) throw error
      return create(MAX_ROW_BYTES)
    })
  } catch (error) {
    throw stageError(error)
  }
  const counts = intervals.map((interval) => `count(*) FILTER (WHERE ${timeCondition(interval)})`)
  const single = columns.filter((column) => column.druidType === "STRING" && column.duckdbType === "VARCHAR")
  const looks = single.map(
    ({ target }) => `coalesce(bool_or(${mayBeSeveral(quoteIdentifier(target))}), FALSE)`,
  )
  const [row] = await engine.rows(`SELECT count(*), ${[...counts, ...looks].join(", ")} FROM ${name}`)
  const [rows, ...rest] = row!
  return {
    table,
    rows: Number(rows),
    counts: rest.slice(0, counts.length).map(Number),
    suspects: single.filter((_, n) => rest[counts.length + n] === true).map((column) => column.name),
  }
}

export async function dropStaged(engine: Engine, table: string): Promise<void> {
  await engine.run(`DROP TABLE IF EXISTS ${quoteIdentifier(table)}`)
}

function stageError(error: unknown): unknown {
  const text = messageOf(error)
  if (/No space left|ENOSPC/i.test(text)) {
    return new DruidsyncError("disk-full", "no space left while parsing a slice", { cause: error })
  }
  if (
    /Conversion Error|Invalid Input Error|Malformed JSON|Out of Range|JSON transform|Overflow/i.test(text)
  ) {
    const line = text.split("\n")[0]!.slice(0, 400)
    return new DruidsyncError("type", `Druid sent a value that does not fit its declared type: ${line}`, {
      retryable: /Malformed JSON/i.test(text),
      cause: error,
    })
  }
  return error
}
