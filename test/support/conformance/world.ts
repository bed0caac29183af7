/**
 * What a scenario may do to a Druid, the fake one or a real one. Every operation resolves when Druid is at rest again,
 * unless it says otherwise, so that a scenario is a list of steps and nothing else.
 */
import type { Multiset } from "./rows.ts"

/** How a column is ingested. */
export type ColumnKind = "string" | "long" | "double" | "float"

/** A value that a row is ingested with; LONGs beyond 2^53 as bigint. */
export type Cell = string | number | bigint | null

/** One row as it is ingested; what is left out is NULL. */
export type InputRow = { readonly __time: string } & { readonly [column: string]: Cell }

export interface IngestOptions {
  /** segmentGranularity; default DAY */
  readonly granularity?: "HOUR" | "DAY" | "MONTH" | "YEAR"
  /** default: the columns that the datasource was created with */
  readonly columns?: Readonly<Record<string, ColumnKind>>
  /** at least so many segments per time chunk, where the rows allow it */
  readonly partitions?: number
}

/** What Druid answers for a datasource, whole. */
export interface Truth {
  /** `__time` among them */
  readonly columns: readonly string[]
  readonly rows: Multiset
}

/** A row that a generator makes on demand. */
export type Rows = Iterable<InputRow> & { readonly length?: number }

/** A Druid and what can happen to it. Datasources of a scenario are its own: names come from `name`. */
export interface World {
  readonly kind: "fake" | "live"
  /** config keys that lead to it: host, port, protocol and base path */
  readonly address: Readonly<Record<string, string | number>>
  /** a datasource name that nobody else uses */
  name(base: string): string
  /** a datasource's first rows */
  create(
    datasource: string,
    rows: Rows,
    options: IngestOptions & { columns: Record<string, ColumnKind> },
  ): Promise<void>
  /** more rows, in new time chunks and in old ones, beside what is there */
  append(datasource: string, rows: Rows, options?: IngestOptions): Promise<void>
  /** replaces the time chunks that get rows by a new version */
  overwrite(datasource: string, rows: Rows, options?: IngestOptions): Promise<void>
  /** the same rows in other time chunks */
  compact(datasource: string, interval: string, granularity: "HOUR" | "DAY" | "MONTH"): Promise<void>
  /** takes the segments within an interval out of use; all without one */
  markUnused(datasource: string, interval?: string): Promise<void>
  /** takes single partitions of a time chunk out of use; Druid answers none of its rows from then on */
  breakChunk(datasource: string, interval: string, partitions: readonly number[]): Promise<void>
  /** what is published stays published, but no server serves it any more; resolves when Druid says so */
  unserve(datasource: string): Promise<void>
  /** the servers are back, with nothing cached */
  serve(datasource: string): Promise<void>
  /** every row that Druid has, asked in another way than druidsync asks */
  truth(datasource: string): Promise<Truth>
}
