/**
 * The rows of a file of a lake against those of the table. Called while the user's file is attached as `file`; what
 * equality means is said in `compare/`.
 */

import { quoteName } from "../base/names.ts"
import { type AskPrints, comparePrints, differingColumns, printsOf } from "../compare/fingerprints.ts"
import { compareMultisets } from "../compare/multisets.ts"
import { columnName, type SideColumn, type Sides, sideSql } from "../compare/sides.ts"
import { type Engine, literal, oneFile } from "../store/engine.ts"
import type { LakeFormat } from "./layout.ts"
import { fileColumns, finite, type LakeRows, sourceOf } from "./values.ts"

/** Rows in one bucket of an exact comparison, about: what is held in memory at a time. */
const BUCKET_ROWS = 4_000_000

/** What of a file differs from the table. */
export interface FileDifference {
  readonly tableRows: number
  readonly lakeRows: number
  /** columns whose values differ, as far as we can tell */
  readonly columns: readonly string[]
}

/**
 * Compares by fingerprints: a 64-bit hash of each row, and where these differ of each column.
 * @returns undefined if they are equal
 */
export async function compareLakeFile(
  engine: Engine,
  rows: LakeRows,
  format: LakeFormat,
  path: string,
): Promise<FileDifference | undefined> {
  const sides = sidesOf(rows, format, path)
  const ask = askBoth(engine, sides)
  const columns = sides.names.map((name, n) => ({ name, n })).filter(({ name }) => name !== "__time")
  const [found] = await comparePrints(ask, [columns])
  const { leftRows, rightRows, isEqual } = found!
  if (isEqual) return undefined
  // A line of JSON is compared as a whole.
  const isTold = leftRows === rightRows && format !== "json"
  const [names] = isTold ? await differingColumns(ask, columns) : [[]]
  return { tableRows: leftRows, lakeRows: rightRows, columns: names! }
}

/**
 * Compares rows as multisets, exactly. Big partitions in buckets, so that memory stays bounded.
 * @returns rows that only the one side has; duplicates count
 */
export async function compareLakeFileDeep(
  engine: Engine,
  rows: LakeRows,
  format: LakeFormat,
  path: string,
  expectedRows: number,
): Promise<{ onlyTable: number; onlyLake: number }> {
  const buckets = Math.max(1, Math.ceil(expectedRows / BUCKET_ROWS))
  const [found] = await compareMultisets(engine, sidesOf(rows, format, path), 1, buckets)
  return { onlyTable: found!.onlyLeft, onlyLake: found!.onlyRight }
}

/** The table is the left side, the file the right. The time comes first, where it is a column. */
function sidesOf(rows: LakeRows, format: LakeFormat, path: string): Sides {
  const held = rows.columns.toSorted((a, b) => Number(b.name === "__time") - Number(a.name === "__time"))
  const table = (columns: readonly SideColumn[]) => sideSql(columns, sourceOf(rows))
  if (format === "parquet") {
    const columns = held.map(({ name, type }): SideColumn => ({ type, expression: quoteName(name) }))
    // The file has instants.
    const inFile = columns.map(({ type, expression }) =>
      type === "TIMESTAMP"
        ? {
            type,
            expression: finite(
              expression,
              `make_timestamp(epoch_us(${expression}))`,
              `${expression}::TIMESTAMP`,
            ),
          }
        : { type, expression },
    )
    const reader = `read_parquet(${oneFile(path)}, hive_partitioning = false)`
    return { names: held.map(({ name }) => name), left: table(columns), right: sideSql(inFile, reader) }
  }
  // As texts, letter by letter; the line of JSON has the columns in their order.
  const columns = fileColumns(format, format === "json" ? rows.columns : held)
  const texts = (expressions: readonly string[]) =>
    expressions.map((expression): SideColumn => ({ type: "VARCHAR", expression }))
  const left = table(texts(columns.map(({ value }) => value)))
  const names = columns.map(({ name }) => name)
  if (format === "json") {
    const reader = `read_ndjson_objects(${oneFile(path)}, format = 'newline_delimited', hive_partitioning = false,
      maximum_object_size = 33554432)`
    return { names, left, right: sideSql(texts(["json::VARCHAR"]), reader) }
  }
  const types = rows.columns.map(({ name }) => `${literal(name)}: 'VARCHAR'`).join(", ")
  const reader = `read_csv(${oneFile(path)}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
    nullstr = '', allow_quoted_nulls = false, columns = {${types}}, max_line_size = 16777216, hive_partitioning = false)`
  return { names, left, right: sideSql(texts(names.map(quoteName)), reader) }
}

/** DuckDB's own hash, over the values of a group and the first column, which is the time. */
function askBoth(engine: Engine, sides: Sides): AskPrints<{ readonly n: number }> {
  return async (groups) => {
    const sums = groups.map((group) => {
      const columns = [...new Set([0, ...group.map(({ n }) => n)])].map(columnName).join(", ")
      return `coalesce(sum(hash(${columns})), 0)::VARCHAR`
    })
    const ask = async (side: string) => {
      const rows = await engine.rows(
        `SELECT stretch, count(*), ${sums.join(", ")} FROM (${side}) GROUP BY stretch`,
      )
      return printsOf(rows, 1, groups.length)
    }
    return [await ask(sides.left), await ask(sides.right)]
  }
}
