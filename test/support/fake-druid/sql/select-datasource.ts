/** Queries of datasources: aggregations over what the broker sees, and scans, segment after segment. */
import { ETERNITY, intersection } from "../model/time.ts"
import type { SegmentColumn, Value } from "../model/values.ts"
import type { World } from "../model/world.ts"
import { aggregated, answeredByTime, grouping, isGrouped, ordered } from "./aggregate.ts"
import { forbidden, kindOf, notFound, outputColumns, type Query } from "./answer.ts"
import { bounded } from "./bounds.ts"
import { type Access, shownColumns } from "./catalog.ts"
import { compile, predicate, type Scope, unsupported } from "./compile.ts"
import { noTimeCondition } from "./errors.ts"
import { columnType } from "./functions.ts"
import { type Expression, parse, type Select } from "./parse.ts"
import { eachRow, type Part, scanPart, timedRows } from "./parts.ts"

/** @param given what is read in place of what the broker sees, whatever the bounds on time: a data node is told so */
export function planDatasource(
  select: Select,
  name: string,
  world: World,
  access: Access,
  given?: readonly Part[],
): Query {
  const ds = world.datasource(name)
  const schema = ds === undefined ? [] : shownColumns(ds, access)
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
  const isAllOfTime = interval.start <= ETERNITY.start && interval.end >= ETERNITY.end
  if (access.requireTimeCondition && isAllOfTime) throw noTimeCondition()
  const policy = access.rowPolicies.get(name)
  const conditions = policy === undefined ? rest : [...rest, conditionOf(policy)]
  const matches = conditions.length === 0 ? undefined : predicate(conditions, scope)
  const base = { kind: kindOf(select), datasource: name }
  const allowed = <T>(query: T): T => {
    if (access.denied.has(name)) throw forbidden()
    return query
  }
  const parts = () =>
    given ??
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

function conditionOf(policy: string): Expression {
  return parse(`SELECT * FROM "druid"."any" WHERE ${policy}`).where!
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
