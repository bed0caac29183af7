/** What a query asks and what it is answered with: plain data. */
import type { StoredSegment } from "../model/segment.ts"
import type { Value } from "../model/values.ts"
import { aggregationsIn, isGrouped } from "./aggregate.ts"
import type { Compiled } from "./compile.ts"
import { SqlError, sqlError } from "./errors.ts"
import type { SqlType } from "./functions.ts"
import type { Select } from "./parse.ts"

/** What druidsync asks SQL for; the tests count requests by it. */
export type QueryKind =
  | "columns"
  | "segments"
  | "types"
  | "bounds"
  | "histogram"
  | "counts"
  | "sample"
  | "scan"
  | "lookup"
  | "explain"
  | "aggregate"
  | "other"

export interface OutputColumn {
  readonly name: string
  readonly type: SqlType
}

/** One segment's share of a scan, as the broker resolved it when the query began. */
export interface ScanPart {
  readonly segment: StoredSegment
  /** false once the segment was dropped, lost its server or moved: a scan that comes to it now finds nothing */
  isThere(): boolean
  rows(): Generator<readonly Value[]>
}

export interface Query {
  readonly kind: QueryKind
  /** the datasource asked, undefined for metadata */
  readonly datasource: string | undefined
  readonly columns: readonly OutputColumn[]
  /** rows that are there at once, or parts that are read one after the other */
  readonly answer:
    | { readonly rows: readonly (readonly Value[])[] }
    | { readonly parts: readonly ScanPart[]; readonly limit: number }
}

/** What can be told of a query from its text alone. */
export function kindOf(select: Select): QueryKind {
  const table = select.table?.path.join(".")
  if (table === "INFORMATION_SCHEMA.COLUMNS") return "columns"
  if (table === "sys.segments") return "segments"
  if (!select.table || /^(sys|INFORMATION_SCHEMA)\./.test(table!)) return "other"
  if (select.table.path[0] === "lookup") return "lookup"
  if (select.limit === 0) return "types"
  if (!isGrouped(select)) return select.limit === undefined ? "scan" : "sample"
  if (select.groupBy.length > 0) {
    const isOfBuckets = select.items !== "*" && select.items.some(({ alias }) => alias === "__time")
    return isOfBuckets ? "scan" : "histogram"
  }
  const names = select.items === "*" ? [] : select.items.flatMap((item) => aggregationsIn(item.expression))
  if (names.every((name) => name === "COUNT")) return "counts"
  return names.every((name) => name === "COUNT" || name === "MIN" || name === "MAX") ? "bounds" : "aggregate"
}

/** The datasource that a query asks, if it asks one. */
export function datasourceOf({ table }: Select): string | undefined {
  if (!table) return undefined
  const [schema, name] = table.path.length === 1 ? ["druid", table.path[0]!] : table.path
  return schema === "druid" && table.path.length <= 2 ? name : undefined
}

/** 400 for a table that is not there, or is not served. */
export function notFound(select: Select): SqlError {
  const { path, at, length } = select.table!
  const within = path.length > 1 ? ` within '${path.slice(0, -1).join(".")}'` : ""
  return sqlError(`Object '${path.at(-1)}' not found${within}`, select.sql, at, length)
}

/** 403 for a table that the caller may not read. */
export function forbidden(): SqlError {
  return new SqlError(403, "Unauthorized", { "Access-Check-Result": "Unauthorized, denied by test" })
}

/** Names and types of the select list; Druid names what has no name `EXPR$0`, `EXPR$1`, … */
export function outputColumns(
  select: Select,
  all: readonly OutputColumn[],
  compiled: readonly Compiled[],
): OutputColumn[] {
  if (select.items === "*") return [...all]
  return select.items.map(({ expression, alias }, i) => ({
    name: alias ?? (expression.kind === "column" ? expression.name : `EXPR$${i}`),
    type: compiled[i]!.type,
  }))
}
