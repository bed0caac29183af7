/** From SQL text to an answer: which table, which kind of question, which columns, which rows. */
import { type RowSource, range, reader } from "../model/rows.ts"
import type { StoredSegment } from "../model/segment.ts"
import { type Interval, intersection } from "../model/time.ts"
import type { SegmentColumn, Value } from "../model/values.ts"
import type { World } from "../model/world.ts"
import {
  aggregated,
  aggregationsIn,
  answeredByTime,
  grouping,
  isGrouped,
  ordered,
  sorted,
} from "./aggregate.ts"
import { bounded, UNBOUNDED } from "./bounds.ts"
import { type Access, type CatalogTable, catalogTable } from "./catalog.ts"
import { type Compiled, compile, predicate, type Scope, unsupported } from "./compile.ts"
import { SqlError, sqlError } from "./errors.ts"
import { columnType, type SqlType } from "./functions.ts"
import { parse, type Select } from "./parse.ts"

/** What druidsync asks SQL for; the tests count requests by it. */
export type QueryKind =
  | "columns"
  | "segments"
  | "types"
  | "bounds"
  | "histogram"
  | "counts"
  | "scan"
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
  if (select.limit === 0) return "types"
  if (!isGrouped(select)) return "scan"
  if (select.groupBy.length > 0) return "histogram"
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

/** @throws SqlError */
export function parseSql(sql: string): Select {
  return parse(sql)
}

/** @throws SqlError as Druid would: unknown names 400, forbidden tables 403 */
export function plan(select: Select, world: World, access: Access): Query {
  const datasource = datasourceOf(select)
  if (datasource !== undefined) return planDatasource(select, datasource, world, access)
  if (!select.table) return planTable(select, { columns: [], rows: () => [[]] })
  const table = catalogTable(select.table.path, world, access)
  if (!table) throw notFound(select)
  if (select.table.path.join(".") === "sys.segments" && access.segments === "forbidden") throw forbidden()
  return planTable(select, table)
}

function notFound(select: Select): SqlError {
  const { path, at, length } = select.table!
  const within = path.length > 1 ? ` within '${path.slice(0, -1).join(".")}'` : ""
  return sqlError(`Object '${path.at(-1)}' not found${within}`, select.sql, at, length)
}

function forbidden(): SqlError {
  return new SqlError(403, "Unauthorized", { "Access-Check-Result": "Unauthorized, denied by test" })
}

function outputColumns(
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

function planTable(select: Select, table: CatalogTable): Query {
  const scope: Scope = {
    sql: select.sql,
    column(name) {
      const slot = table.columns.findIndex((column) => column.name === name)
      return slot < 0 ? undefined : { slot, type: table.columns[slot]!.type }
    },
    names: () => table.columns.map((column) => column.name),
  }
  const matches = predicate(select.where ? [select.where] : [], scope)
  const found = () => table.rows().filter(matches)
  const base = { kind: kindOf(select), datasource: undefined }
  if (isGrouped(select)) {
    const groups = grouping(select, scope)
    const rows = aggregated(groups, found(), -1).slice(0, select.limit)
    return { ...base, columns: outputColumns(select, [], groups.items), answer: { rows } }
  }
  const items = select.items === "*" ? undefined : select.items.map((item) => compile(item.expression, scope))
  const order = select.orderBy.map(({ expression, descending }) => {
    const key = compile(expression, scope)
    return { by: (row: readonly Value[]) => key.evaluate(row), descending }
  })
  const rows = sorted(found(), order).slice(0, select.limit)
  return {
    ...base,
    columns: outputColumns(select, table.columns, items ?? []),
    answer: { rows: items ? rows.map((row) => items.map((item) => item.evaluate(row))) : rows },
  }
}

function planDatasource(select: Select, name: string, world: World, access: Access): Query {
  const ds = world.datasource(name)
  const schema = ds?.schema() ?? []
  if (!ds || schema.length === 0) throw notFound(select)
  const slots: SegmentColumn[] = []
  const scope: Scope = {
    sql: select.sql,
    column(column) {
      const found = schema.find((c) => c.name === column)
      if (!found) return undefined
      let slot = slots.findIndex((c) => c.name === column)
      if (slot < 0) slot = slots.push(found) - 1
      return { slot, type: columnType(column, found.type) }
    },
    names: () => schema.map((column) => column.name),
  }
  const { interval, rest } = bounded(select.where)
  const matches = rest.length === 0 ? undefined : predicate(rest, scope)
  const base = { kind: kindOf(select), datasource: name }
  const allowed = <T>(query: T): T => {
    if (access.denied.has(name)) throw forbidden()
    return query
  }
  const parts = () =>
    ds.brokerParts().flatMap(({ segment, interval: visible }) => {
      const within = intersection(visible, interval)
      return within ? [{ segment, within }] : []
    })

  if (isGrouped(select)) {
    const groups = grouping(select, scope)
    scope.column("__time")
    const answer = () => {
      const byTime = matches ? undefined : answeredByTime(groups, timedRows(parts()))
      if (byTime) return ordered([byTime], groups)
      const timeSlot = slots.findIndex((slot) => slot.name === "__time")
      return aggregated(groups, eachRow(parts(), slots, matches), timeSlot)
    }
    const columns = outputColumns(select, [], groups.items)
    return allowed({
      ...base,
      columns,
      answer: { rows: select.limit === 0 ? [] : answer().slice(0, select.limit) },
    })
  }

  if (select.orderBy.length > 0)
    throw unsupported("ORDER BY in a scan", select.orderBy[0]!.expression, select.sql)
  const all = schema.map((column) => ({ name: column.name, type: columnType(column.name, column.type) }))
  const items = (select.items === "*" ? undefined : select.items)?.map((item) =>
    compile(item.expression, scope),
  )
  if (!items) for (const column of schema) scope.column(column.name)
  refuseConflicts(select)
  const columns = outputColumns(select, all, items ?? [])
  const starSlots = items ? [] : schema.map((column) => slots.findIndex((slot) => slot.name === column.name))
  const project = items
    ? (row: readonly Value[]) => items.map((item) => item.evaluate(row))
    : (row: readonly Value[]) => starSlots.map((slot) => row[slot]!)
  const scanParts = select.limit === 0 ? [] : parts().map((part) => scanPart(part, slots, matches, project))
  return allowed({
    ...base,
    columns,
    answer: { parts: scanParts, limit: select.limit ?? Number.POSITIVE_INFINITY },
  })
}

/** Two columns of one name and different types: Druid fails at the rows, here already. */
function refuseConflicts(select: Select): void {
  if (select.items === "*") return
  const names = select.items.map(
    (i) => i.alias ?? (i.expression.kind === "column" ? i.expression.name : undefined),
  )
  names.forEach((name, i) => {
    if (name === undefined || names.indexOf(name) === i) return
    throw unsupported(
      `two columns named "${name}"`,
      (select.items as Exclude<Select["items"], "*">)[i]!.expression,
      select.sql,
    )
  })
}

interface Part {
  readonly segment: StoredSegment
  readonly within: Interval
}

function scanPart(
  { segment, within }: Part,
  slots: readonly SegmentColumn[],
  matches: ((row: readonly Value[]) => boolean) | undefined,
  project: (row: readonly Value[]) => readonly Value[],
): ScanPart {
  const { home, rows, columns } = segment
  return {
    segment,
    isThere: () => segment.served && segment.home === home,
    *rows() {
      for (const row of rowsOf(rows, columns, within, slots)) if (!matches || matches(row)) yield project(row)
    },
  }
}

function* eachRow(
  parts: readonly Part[],
  slots: readonly SegmentColumn[],
  matches: ((row: readonly Value[]) => boolean) | undefined,
) {
  for (const { segment, within } of parts)
    for (const row of rowsOf(segment.rows, segment.columns, within, slots))
      if (!matches || matches(row)) yield row
}

/** Rows of one segment in the layout of the slots; rows are not made where only their time is wanted. */
function* rowsOf(
  rows: RowSource,
  columns: readonly SegmentColumn[],
  within: Interval,
  slots: readonly SegmentColumn[],
) {
  const [from, to] = range(rows, within)
  if (slots.every((slot) => slot.name === "__time")) {
    for (let i = from; i < to; i++) yield slots.length === 0 ? [] : [rows.time(i)]
    return
  }
  const read = reader(slots, columns)
  for (let i = from; i < to; i++) yield read(rows.row(i))
}

function timedRows(parts: readonly Part[]) {
  const whole = (part: Part) => range(part.segment.rows, part.within)
  const times = (pick: (part: Part, from: number, to: number) => bigint) =>
    parts.flatMap((part) => {
      const [from, to] = whole(part)
      return from < to ? [pick(part, from, to)] : []
    })
  return {
    count(within: Interval) {
      let count = 0
      for (const part of parts) {
        const seen = within === UNBOUNDED ? part.within : intersection(part.within, within)
        if (!seen) continue
        const [from, to] = range(part.segment.rows, seen)
        count += to - from
      }
      return count
    },
    first: () =>
      times((part, from) => part.segment.rows.time(from)).reduce<bigint | undefined>(smaller, undefined),
    last: () =>
      times((part, _, to) => part.segment.rows.time(to - 1)).reduce<bigint | undefined>(greater, undefined),
  }
}

function smaller(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b < a ? b : a
}

function greater(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b > a ? b : a
}
