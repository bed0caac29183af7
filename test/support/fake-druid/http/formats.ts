/** The five result formats: how rows, headers and the end of a body are written. */
import type { Value } from "../model/values.ts"
import type { OutputColumn } from "../sql/answer.ts"
import { columnEncoder, jsonString } from "./json.ts"

export const RESULT_FORMATS = ["arrayLines", "objectLines", "array", "object", "csv"] as const
export type ResultFormat = (typeof RESULT_FORMATS)[number]

export interface Headers {
  readonly header: boolean
  readonly typesHeader: boolean
  readonly sqlTypesHeader: boolean
}

/** The pieces of a body; its end is what tells clients that it is whole. */
export interface Format {
  /** before the first row */
  readonly start: string
  /** one row; `first` where nothing but the start stands before it */
  row(values: readonly Value[], first: boolean): string
  /** after the last row: `\n`, or `]` and `\n` */
  end(rows: number): string
}

export function formatOf(
  format: ResultFormat,
  columns: readonly OutputColumn[],
  headers: Headers,
  stringifyArrays: boolean,
): Format {
  const encoders = columns.map((column) => columnEncoder(column, stringifyArrays))
  const keys = columns.map((column) => `${jsonString(column.name)}:`)
  const isObject = format === "object" || format === "objectLines"
  const headerRows = headers.header
    ? isObject
      ? [objectHeader(columns, headers)]
      : lineHeaders(columns, headers)
    : []

  const encodeRow = (values: readonly Value[]) => {
    let text = isObject ? "{" : "["
    for (let i = 0; i < encoders.length; i++)
      text += (i === 0 ? "" : ",") + (isObject ? keys[i] : "") + encoders[i]!(values[i]!)
    return text + (isObject ? "}" : "]")
  }

  if (format === "csv")
    return {
      start: headerRows
        .map((cells) => `${(JSON.parse(cells) as string[]).map(csvCell).join(",")}\n`)
        .join(""),
      row: (values) => `${values.map((value, i) => csvValue(value, encoders[i]!)).join(",")}\n`,
      end: () => "\n",
    }
  if (format === "arrayLines" || format === "objectLines")
    return {
      start: headerRows.map((line) => `${line}\n`).join(""),
      row: (values) => `${encodeRow(values)}\n`,
      end: (rows) => (rows === 0 && headerRows.length === 0 ? "\n\n" : "\n"),
    }
  return {
    start: `[${headerRows.join(",")}`,
    row: (values, first) => (first && headerRows.length === 0 ? "" : ",") + encodeRow(values),
    end: () => "]\n",
  }
}

function lineHeaders(columns: readonly OutputColumn[], headers: Headers): string[] {
  const line = (cells: readonly string[]) => `[${cells.map(jsonString).join(",")}]`
  const lines = [line(columns.map((column) => column.name))]
  if (headers.typesHeader) lines.push(line(columns.map((column) => column.type.druid)))
  if (headers.sqlTypesHeader) lines.push(line(columns.map((column) => column.type.sql)))
  return lines
}

function objectHeader(columns: readonly OutputColumn[], { typesHeader, sqlTypesHeader }: Headers): string {
  const entries = columns.map(({ name, type }) => {
    const types: Record<string, string> = {}
    if (typesHeader) types.type = type.druid
    if (sqlTypesHeader) types.sqlType = type.sql
    return `${jsonString(name)}:${typesHeader || sqlTypesHeader ? JSON.stringify(types) : "null"}`
  })
  return `{${entries.join(",")}}`
}

function csvValue(value: Value, encode: (value: Value) => string): string {
  if (value === null) return ""
  const text = encode(value)
  return csvCell(text.startsWith('"') ? (JSON.parse(text) as string) : text)
}

function csvCell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
