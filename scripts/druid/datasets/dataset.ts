/** What a generated datasource is: columns, rows as Druid must give them back, and how they are ingested. */
import type { Dimension, Granularity } from "../ingest.ts"

/** A value as Druid's SQL answers it: `__time` is ISO text with milliseconds and `Z`; LONGs may be bigint. */
export type Value = string | number | bigint | null

/** One row; values in the order of the dataset's columns. */
export type Row = readonly Value[]

/** A column and its SQL type in Druid. */
export interface Column {
  name: string
  type: "TIMESTAMP" | "VARCHAR" | "BIGINT" | "DOUBLE" | "FLOAT"
}

/** A generated datasource. Rows are made anew, and the same, at every call. */
export interface Dataset {
  datasource: string
  /** `__time` first, then in the order of ingestion. */
  columns: readonly Column[]
  rowCount: number
  segmentGranularity: Granularity
  maxRowsPerSegment?: number
  /** The rows as Druid must give them back. */
  rows(): Iterable<Row>
}

/** The dimensions of a dataset's ingestion: every column but `__time`, with its type. */
export function dimensionsOf(dataset: Dataset): Dimension[] {
  return dataset.columns
    .filter(({ name }) => name !== "__time")
    .map(({ name, type }) => {
      const druidType = { VARCHAR: "string", BIGINT: "long", DOUBLE: "double", FLOAT: "float" }[
        type as Exclude<Column["type"], "TIMESTAMP">
      ]
      return { type: druidType, name, ...(druidType === "string" ? { createBitmapIndex: true } : {}) }
    })
}

/** The rows as JSON lines for ingestion: one object a row, NULLs left out. */
export function* jsonLines(dataset: Dataset): Generator<string> {
  const keys = dataset.columns.map(({ name }) => `${JSON.stringify(name)}:`)
  for (const row of dataset.rows()) {
    const parts: string[] = []
    for (let i = 0; i < row.length; i++) {
      const value = row[i] as Value
      if (value !== null) parts.push(keys[i] + json(value))
    }
    yield `{${parts.join(",")}}`
  }
}

/**
 * The rows as lines of a canonical JSON array, to compare multisets of text: bigints in digits, doubles as JavaScript
 * prints them (Druid's own text differs: `1.0`, `1.0E7`; parse and print it before comparing).
 */
export function* arrayLines(dataset: Dataset): Generator<string> {
  for (const row of dataset.rows()) yield `[${row.map(json).join(",")}]`
}

/** ISO text with milliseconds, the way Druid writes a timestamp between the years 0 and 9999. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function json(value: Value): string {
  return typeof value === "bigint" ? value.toString() : JSON.stringify(value)
}
