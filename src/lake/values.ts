/** How the rows of a table are written in the files of a lake, as SQL over the table. Pure. */
import type { Interval } from "../base/domain.ts"
import { quoteName } from "../base/names.ts"
import { literal } from "../store/engine.ts"
import type { HeldColumn } from "../store/notes/holdings.ts"
import { timeCondition } from "../store/notes/times.ts"
import { conversion, jsonOf } from "../store/rows/convert.ts"
import type { LakeFormat } from "./layout.ts"

/** Rows of a table of the DuckDB file. */
export interface LakeRows {
  readonly table: string
  readonly columns: readonly HeldColumn[]
  readonly interval: Interval
}

/** Where they are, as it follows FROM. */
export function sourceOf({ table, interval }: LakeRows): string {
  return `file.${quoteName(table)} WHERE ${timeCondition(interval)}`
}

/** A column of a file. */
export interface FileColumn {
  readonly name: string
  /** SQL over the table */
  readonly value: string
}

/** The columns that a file has. One of JSON has a single one: the line. */
export function fileColumns(format: LakeFormat, columns: readonly HeldColumn[]): FileColumn[] {
  if (format === "json") return [{ name: "line", value: jsonRow(columns) }]
  const inFile = format === "csv" ? csvValue : parquetValue
  return columns.map((column) => ({ name: column.name, value: inFile(column) }))
}

/** ISO 8601 with milliseconds, which is all that Druid has. */
const ISO = "%Y-%m-%dT%H:%M:%S.%gZ"

/** A value in a Parquet file: an instant for the time, JSON as a string, all else as it is. */
function parquetValue({ name, type }: HeldColumn): string {
  const quoted = quoteName(name)
  // An instant (isAdjustedToUTC), so that no engine's time zone bends it; by way of a number, so that ours does not.
  if (type === "TIMESTAMP")
    return finite(quoted, `make_timestamptz(epoch_us(${quoted}))`, `${quoted}::TIMESTAMPTZ`)
  return type === "JSON" ? `${quoted}::VARCHAR` : quoted
}

/** SQL of what a time becomes; `otherwise` for those that no calendar has, and for NULL. */
export function finite(time: string, then: string, otherwise: string): string {
  return `CASE WHEN isfinite(${time}) THEN ${then} ELSE ${otherwise} END`
}

/** A value as CSV text: lists are JSON, bytes base64, numbers in Druid's words. */
function csvValue({ name, type }: HeldColumn): string {
  const quoted = quoteName(name)
  return type === "TIMESTAMP" ? `strftime(${quoted}, '${ISO}')` : conversion(quoted, type, "VARCHAR")
}

/** A row as one line of JSON; every column is there, NULL as null. */
function jsonRow(columns: readonly HeldColumn[]): string {
  const pairs = columns.map(({ name, type }) => {
    const quoted = quoteName(name)
    const value =
      type === "TIMESTAMP"
        ? finite(quoted, `strftime(${quoted}, '"${ISO}"')`, `'"' || ${quoted} || '"'`)
        : jsonOf(quoted, type)
    // Line breaks between the values of nested JSON mean nothing, and would end the line.
    const line =
      type === "JSON"
        ? `CASE WHEN regexp_matches(${quoted}::VARCHAR, '[\\r\\n]') THEN translate(${quoted}::VARCHAR, chr(10) || chr(13), '  ') ELSE ${quoted}::VARCHAR END`
        : `${value}::VARCHAR`
    return `${literal(`${JSON.stringify(name)}:`)}, coalesce(${line}, 'null')`
  })
  return `concat('{', ${pairs.join(", ',', ")}, '}')`
}
