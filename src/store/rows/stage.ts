/**
 * Parses a spool file into a staging table of the engine's own database, while the user's file stays closed. DuckDB's
 * multi-threaded JSON reader does it; no row passes through JavaScript.
 */
import type { Column, Interval } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { quoteName } from "../../base/names.ts"
import { codeOf } from "../../base/system.ts"
import { formatDruidTime, MAX_TIME, MIN_TIME } from "../../base/time.ts"
import { firstLine, says } from "../duckdb-errors.ts"
import type { Engine } from "../engine.ts"
import { MAX_TIMESTAMP_MS, MIN_TIMESTAMP_MS, msOfTime } from "../notes/times.ts"
import { countsByInterval } from "./interval-counts.ts"
import { rowHashExpression } from "./row-hash.ts"
import { SEGMENT_COLUMN, type SpoolForm, spoolSource } from "./spool-source.ts"
import { beginsLikeSeveral, mayBeSeveral, valueExpression } from "./types.ts"
import { hashExpression, setSalt } from "./value-hash.ts"

/** Rows of one slice, parsed and typed, waiting to be committed. */
export interface Staged {
  /** table in the engine's database */
  readonly table: string
  readonly rows: number
  /** the greatest `__time`, epoch ms; undefined if there is no row, or no such column */
  readonly latestMs: bigint | undefined
  /** rows per interval that was asked for */
  readonly counts: readonly number[]
  /** the same in rows of Druid's: where groups were asked for, the rows that they were made from */
  readonly source: { readonly rows: number; readonly counts: readonly number[] }
  /** of batches: rows per segment, in the order of the form's list */
  readonly perSegment: readonly number[]
  /** columns taken for single strings that hold what may be Druid's text of several: ask Druid before trusting them */
  readonly suspects: readonly string[]
}

/**
 * Sizes of a row that DuckDB's reader is told to expect, tried in turn: it takes twice as much memory per thread up
 * front, so the greatest needs more than a usual memory limit. Values of 1 MB are normal in Druid, rows of 128 MB not.
 */
const ROW_BYTES = [4, 16, 64, 256].map((mebibytes) => mebibytes * 1024 * 1024)

/**
 * @param paths spool files, at least one
 * @param columns in the order of the response
 * @param intervals ascending; the rows of each are counted
 * @param rowHash the column of hashes, where the config wants one: it comes last
 * @throws DruidsyncError `type` if a value does not fit its declared type
 */
export async function stage(
  engine: Engine,
  table: string,
  paths: string | readonly string[],
  columns: readonly Column[],
  intervals: readonly Interval[],
  rowHash?: Column,
  form: SpoolForm = { kind: "lines" },
): Promise<Staged> {
  const name = quoteName(table)
  const plain = columns.map((column, n) => {
    const duckdbType = column.hashed?.plainType ?? column.duckdbType
    return valueExpression({ name: column.name, duckdbType }, n + 1, form.kind)
  })
  const expressions = new Map(
    columns.map((column, n) => [
      column,
      column.hashed === undefined ? plain[n]! : hashExpression(plain[n]!, column.hashed.plainType),
    ]),
  )
  const [hashed] = columns.flatMap((column) => column.hashed ?? [])
  if (hashed !== undefined) await setSalt(engine, hashed.salt)
  const values = columns.map((column) => `${expressions.get(column)} AS ${quoteName(column.target)}`)
  if (rowHash !== undefined) {
    const hash = rowHashExpression(columns, (column) => expressions.get(column)!)
    values.push(`${hash} AS ${quoteName(rowHash.target)}`)
  }
  if (form.kind === "batches") values.push(`segment AS ${quoteName(SEGMENT_COLUMN)}`)
  // A cell that is not there would read as NULL.
  const whole = `WHERE CASE WHEN len(json) = ${columns.length} THEN TRUE ELSE error('Malformed JSON: a row has not the cells of the header') END`
  const source = (maxLineBytes: number) => spoolSource(paths, form, maxLineBytes)
  const create = (maxLineBytes: number) =>
    engine.run(
      `CREATE OR REPLACE TABLE ${name} AS SELECT ${values.join(", ")} FROM ${source(maxLineBytes)} ${whole}`,
    )
  let lineBytes = ROW_BYTES[0]!
  for (const [n, rowBytes] of ROW_BYTES.entries()) {
    try {
      await create(rowBytes)
      lineBytes = rowBytes
      break
    } catch (error) {
      if (says(error, "lineTooLong") && n + 1 < ROW_BYTES.length) continue
      if (n > 0 && says(error, "outOfMemory")) throw hugeRow(error)
      throw (await unstorableTime(engine, source(rowBytes), columns, error)) ?? stageError(error)
    }
  }
  const single = columns
    .map((column, n) => ({
      column,
      text: column.hashed === undefined ? quoteName(column.target) : plain[n]!,
    }))
    .filter(
      ({ column }) =>
        column.druidType === "STRING" && (column.hashed?.plainType ?? column.duckdbType) === "VARCHAR",
    )
  const [stored, hashes] = [single.filter(isStored), single.filter((one) => !isStored(one))]
  const hasTime = columns.some((column) => column.name === "__time")
  const latest = hasTime ? msOfTime('max("__time")') : "NULL"
  const { found, totals } = await look(engine, name, stored, beginsLikeSeveral, ["count(*)", latest])
  // Few columns have texts that begin like one: these alone are looked at closely.
  const close = found.length === 0 ? found : (await look(engine, name, found, mayBeSeveral)).found
  // The texts of which hashes are kept are in the spool alone.
  const inSpool =
    hashes.length === 0 ? hashes : (await look(engine, source(lineBytes), hashes, mayBeSeveral)).found
  const suspects = [...close, ...inSpool]
  const rows = Number(totals[0])
  const counts = await countsByInterval(engine, name, intervals)
  return {
    table,
    rows,
    latestMs: (totals[1] as bigint | null) ?? undefined,
    counts,
    source: (await groupedRows(engine, name, columns, intervals)) ?? { rows, counts },
    perSegment: form.kind === "batches" ? await countsBySegment(engine, name, form.segments.length) : [],
    suspects: suspects.map(({ column }) => column.name),
  }
}

/** @throws DruidsyncError `response-cut` if rows of another segment came */
async function countsBySegment(engine: Engine, table: string, segments: number): Promise<number[]> {
  const place = quoteName(SEGMENT_COLUMN)
  const counts = new Array<number>(segments).fill(0)
  for (const [segment, rows] of await engine.rows(`SELECT ${place}, count(*) FROM ${table} GROUP BY 1`)) {
    if (segment === null) {
      throw new DruidsyncError(
        "response-cut",
        "a data node answered with rows of a segment that was not asked for",
        {
          retryable: true,
        },
      )
    }
    counts[Number(segment) - 1] = Number(rows)
  }
  return counts
}

/** The rows that groups were made from; undefined if rows were asked for. */
async function groupedRows(
  engine: Engine,
  table: string,
  columns: readonly Column[],
  intervals: readonly Interval[],
): Promise<Staged["source"] | undefined> {
  const counting = columns.find((column) => column.countsRows)
  if (counting === undefined) return undefined
  const number = quoteName(counting.target)
  const [row] = await engine.rows(`SELECT coalesce(sum(${number}), 0) FROM ${table}`)
  return { rows: Number(row![0]), counts: await countsByInterval(engine, table, intervals, "TRUE", number) }
}

/** A column of texts, and the SQL that reads them as Druid wrote them. */
interface ColumnText {
  readonly column: Column
  readonly text: string
}

const isStored = ({ column }: ColumnText) => column.hashed === undefined

/**
 * Finds the columns in which the condition holds for some row.
 * @param wanted SQL of more that is wanted of all rows
 */
async function look(
  engine: Engine,
  from: string,
  texts: readonly ColumnText[],
  condition: (expression: string) => string,
  wanted: readonly string[] = [],
): Promise<{ readonly found: readonly ColumnText[]; readonly totals: readonly unknown[] }> {
  const looks = texts.map(({ text }) => `coalesce(bool_or(${condition(text)}), FALSE)`)
  const [row] = await engine.rows(`SELECT ${[...wanted, ...looks].join(", ")} FROM ${from}`)
  const [totals, is] = [row!.slice(0, wanted.length), row!.slice(wanted.length)]
  return { totals, found: texts.filter((_, n) => is[n] === true) }
}

export async function dropStaged(engine: Engine, table: string): Promise<void> {
  await engine.run(`DROP TABLE IF EXISTS ${quoteName(table)}`)
}

/** A time that Druid can hold and DuckDB cannot, named so that it can be found; undefined if it is something else. */
async function unstorableTime(
  engine: Engine,
  source: string,
  columns: readonly Column[],
  error: unknown,
): Promise<DruidsyncError | undefined> {
  if (!says(error, "unfitTime")) return undefined
  const index = columns.findIndex((column) => column.name === "__time") + 1
  // A value that is not a number at all is reported as that.
  const time = `TRY_CAST(json[${index}] AS BIGINT)`
  const [row] = await engine.rows(
    `SELECT ${time} FROM ${source} WHERE ${time} NOT BETWEEN ${MIN_TIMESTAMP_MS} AND ${MAX_TIMESTAMP_MS} AND ${time} NOT IN (${MIN_TIME}, ${MAX_TIME}) LIMIT 1`,
  )
  if (row === undefined) return undefined
  const ms = row[0] as bigint
  return new DruidsyncError(
    "type",
    `a row's __time, ${formatDruidTime(ms)}, is beyond what a DuckDB TIMESTAMP can hold (years -290308 to 294247)`,
    {
      hint: `leave such rows out with "since", or a "filter" on TIMESTAMP_TO_MILLIS("__time"); this one has ${ms}`,
      cause: error,
    },
  )
}

function hugeRow(cause: unknown): DruidsyncError {
  return new DruidsyncError("type", "a row is too long to be parsed within the memory limit", {
    hint: 'give more with --memory-limit (or "memoryLimit"), or leave its long column out with "columns"',
    cause,
  })
}

function stageError(error: unknown): unknown {
  if (says(error, "outOfMemory")) {
    return new DruidsyncError("file", "the memory limit is too low to parse a slice", {
      scope: "datasource",
      hint: 'give more with --memory-limit (or "memoryLimit"), or fetch less at once ("sliceRows")',
      cause: error,
    })
  }
  if (codeOf(error) === "ENOSPC") {
    return new DruidsyncError("disk-full", "no space left while parsing a slice", { cause: error })
  }
  if (says(error, "noFile")) {
    return new DruidsyncError("file", "a spool file was removed before it was loaded", {
      hint: "do not let anything clean up the folder beside the DuckDB file (or --spool-dir) while druidsync runs",
      retryable: true,
      cause: error,
    })
  }
  if (says(error, "notJson")) {
    return new DruidsyncError(
      "response-cut",
      "Druid's answer arrived damaged: it holds rows that are not JSON",
      {
        retryable: true,
        cause: error,
      },
    )
  }
  if (says(error, "unfit")) {
    const line = firstLine(error)
      .replace(/ in file ".*?"/, "")
      .slice(0, 400)
    return new DruidsyncError("type", `Druid sent a value that does not fit its declared type: ${line}`, {
      cause: error,
    })
  }
  return error
}
