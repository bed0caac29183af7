/** COUNT, SUM, MIN, MAX, and the number of distinct values, each with FILTER, over all rows or per group. */
import type { Interval } from "../model/time.ts"
import type { Value } from "../model/values.ts"
import { bounded, isTimeMs } from "./bounds.ts"
import { type Compiled, compareValues, compile, predicate, type Scope, unsupported } from "./compile.ts"
import { sqlError } from "./errors.ts"
import { BIGINT, type SqlType } from "./functions.ts"
import type { Expression, Select } from "./parse.ts"

const AGGREGATIONS = new Set(["COUNT", "SUM", "MIN", "MAX", "APPROX_COUNT_DISTINCT"])

interface Aggregation {
  readonly name: string
  readonly argument: Compiled | undefined
  /** the argument is `TIMESTAMP_TO_MILLIS("__time")` */
  readonly ofTime: boolean
  readonly within: Interval
  readonly filter: ((row: readonly Value[]) => boolean) | undefined
}

/** An aggregating query, ready to be fed rows. */
export interface Grouping {
  readonly items: readonly Compiled[]
  readonly aggregations: readonly Aggregation[]
  readonly keys: readonly Compiled[]
  /** order keys, over the same row as the items */
  readonly order: readonly { readonly by: Compiled; readonly descending: boolean }[]
}

function isAggregation(expression: Expression): boolean {
  return expression.kind === "call" && AGGREGATIONS.has(expression.name)
}

/** true where the select list holds an aggregation or rows are grouped. */
export function isGrouped({ groupBy, items }: Select): boolean {
  return groupBy.length > 0 || (items !== "*" && items.some((i) => aggregationsIn(i.expression).length > 0))
}

/** Names of the aggregations within an expression. */
export function aggregationsIn(expression: Expression): string[] {
  switch (expression.kind) {
    case "call":
      return isAggregation(expression) ? [expression.name] : expression.args.flatMap(aggregationsIn)
    case "binary":
      return [...aggregationsIn(expression.left), ...aggregationsIn(expression.right)]
    case "cast":
    case "unary":
      return aggregationsIn(expression.operand)
    default:
      return []
  }
}

/** Compiles the select list over a row of group keys followed by aggregations. */
export function grouping(select: Select, scope: Scope): Grouping {
  if (select.items === "*") throw sqlError("Expression '*' is not being grouped", select.sql, 7, 1)
  const items = select.items
  const keyExpressions = select.groupBy.map((expression) => ordinal(expression, items) ?? expression)
  const keys = keyExpressions.map((expression) => compile(expression, scope))
  const text = (e: Expression) => select.sql.slice(e.at, e.at + e.length)
  const aggregations: Aggregation[] = []
  const grouped: Scope = {
    sql: select.sql,
    column: scope.column,
    names: scope.names,
    special(expression) {
      const key = keyExpressions.findIndex((e) => e === expression || text(e) === text(expression))
      if (key >= 0) return { type: keys[key]!.type, evaluate: (row) => row[key]! }
      if (expression.kind === "call" && isAggregation(expression)) {
        const slot = keys.length + aggregations.length
        const { aggregation, type } = compiled(expression, scope)
        aggregations.push(aggregation)
        return { type, evaluate: (row) => row[slot]! }
      }
      if (expression.kind === "column") {
        compile(expression, scope)
        throw sqlError(
          `Expression '${expression.name}' is not being grouped`,
          select.sql,
          expression.at,
          expression.length,
        )
      }
      return undefined
    },
  }
  return {
    items: items.map(({ expression }) => compile(expression, grouped)),
    order: select.orderBy.map(({ expression, descending }) => {
      const aliased = items.find(
        (i) => expression.kind === "column" && i.alias === expression.name,
      )?.expression
      return { by: compile(aliased ?? ordinal(expression, items) ?? expression, grouped), descending }
    }),
    aggregations,
    keys,
  }
}

/** `GROUP BY 1`: the select item of that number. */
function ordinal(
  expression: Expression,
  items: readonly { expression: Expression }[],
): Expression | undefined {
  if (expression.kind !== "literal" || typeof expression.value !== "bigint") return undefined
  return items[Number(expression.value) - 1]?.expression
}

function compiled(
  call: Expression & { kind: "call" },
  scope: Scope,
): { aggregation: Aggregation; type: SqlType } {
  const [first, second] = call.args
  if (call.star ? call.name !== "COUNT" : !first || second)
    throw unsupported(`${call.name} of these arguments`, call, scope.sql)
  const argument = first && compile(first, scope)
  const { interval, rest } = bounded(call.filter)
  return {
    aggregation: {
      name: call.name,
      argument,
      ofTime: first !== undefined && isTimeMs(first),
      within: interval,
      filter: rest.length === 0 ? undefined : predicate(rest, scope),
    },
    type: call.name === "COUNT" || call.name === "APPROX_COUNT_DISTINCT" ? BIGINT : argument!.type,
  }
}

/** Runs of rows whose times are known without reading them: segments within an interval. */
export interface TimedRows {
  count(within: Interval): number
  first(): bigint | undefined
  last(): bigint | undefined
}

/** The answer from row positions alone, where it can be had so: counts and bounds without further conditions. */
export function answeredByTime({ keys, aggregations }: Grouping, rows: TimedRows): Value[] | undefined {
  if (keys.length > 0) return undefined
  const answers: Value[] = []
  for (const { name, argument, ofTime, within, filter } of aggregations) {
    if (filter) return undefined
    if (name === "COUNT" && !argument) answers.push(BigInt(rows.count(within)))
    else if ((name === "MIN" || name === "MAX") && ofTime)
      answers.push((name === "MIN" ? rows.first() : rows.last()) ?? null)
    else return undefined
  }
  return answers
}

/**
 * Rows of the answer, before LIMIT: ordered by the group keys, as Druid's groupBy returns them, or as asked.
 * @param timeSlot where `__time` stands in the rows, for filters that bound it
 */
export function aggregated(plan: Grouping, rows: Iterable<readonly Value[]>, timeSlot: number): Value[][] {
  const groups = new Map<string, Value[]>()
  const empty = plan.aggregations.map(({ name }) =>
    name === "COUNT" ? 0n : name === "APPROX_COUNT_DISTINCT" ? [] : null,
  )
  if (plan.keys.length === 0) groups.set("", [...empty])
  for (const row of rows) {
    for (const keys of keysOf(plan, row)) {
      const id = keys
        .map((key) => `${typeof key}${Array.isArray(key) ? JSON.stringify(key) : key}`)
        .join("\u0001")
      let group = groups.get(id)
      if (!group) {
        group = [...keys, ...empty]
        groups.set(id, group)
      }
      for (let i = 0; i < plan.aggregations.length; i++) {
        const slot = keys.length + i
        group[slot] = next(plan.aggregations[i]!, group[slot]!, row, timeSlot)
      }
    }
  }
  const counted = [...groups.values()].map((group) =>
    group.map((value, slot) => {
      const name = plan.aggregations[slot - plan.keys.length]?.name
      return name === "APPROX_COUNT_DISTINCT" ? BigInt((value as readonly Value[]).length) : value
    }),
  )
  return ordered(counted, plan)
}

/** The groups that a row is in: one, but where a key is a string with several values one for each of them. */
function keysOf(plan: Grouping, row: readonly Value[]): Value[][] {
  return plan.keys.reduce<Value[][]>(
    (all, key) => {
      const value = key.evaluate(row)
      const values = Array.isArray(value) && key.type.druid === "STRING" ? (value as Value[]) : [value]
      return all.flatMap((keys) => values.map((one) => [...keys, one]))
    },
    [[]],
  )
}

/** The answer rows in their order, projected. */
export function ordered(groups: readonly Value[][], plan: Grouping): Value[][] {
  const byKeys = plan.keys.map((_, i) => ({ by: (row: readonly Value[]) => row[i]!, descending: false }))
  const asked = plan.order.map(({ by, descending }) => ({
    by: (row: readonly Value[]) => by.evaluate(row),
    descending,
  }))
  return sorted(groups, [...asked, ...byKeys]).map((group) => plan.items.map((item) => item.evaluate(group)))
}

/** Sorted by keys, nulls first, stable. */
export function sorted<R extends readonly Value[]>(
  rows: readonly R[],
  keys: readonly { by(row: readonly Value[]): Value; descending: boolean }[],
): R[] {
  if (keys.length === 0) return [...rows]
  const compare = (a: Value, b: Value) =>
    a === b ? 0 : a === null ? -1 : b === null ? 1 : compareValues(a, b)
  return [...rows].sort((a, b) => {
    for (const { by, descending } of keys) {
      const order = compare(by(a), by(b))
      if (order !== 0) return descending ? -order : order
    }
    return 0
  })
}

function next(aggregation: Aggregation, soFar: Value, row: readonly Value[], timeSlot: number): Value {
  const { name, argument, within, filter } = aggregation
  if (timeSlot >= 0) {
    const time = row[timeSlot] as bigint
    if (time < within.start || time >= within.end) return soFar
  }
  if (filter && !filter(row)) return soFar
  const value = argument ? argument.evaluate(row) : true
  if (value === null) return soFar
  if (name === "COUNT") return (soFar as bigint) + 1n
  if (name === "APPROX_COUNT_DISTINCT") {
    const seen = soFar as readonly Value[]
    return (seen as readonly unknown[]).includes(value) ? seen : ([...seen, value] as Value)
  }
  if (soFar === null) return value
  if (name === "SUM")
    return typeof soFar === "bigint" && typeof value === "bigint"
      ? BigInt.asIntN(64, soFar + value)
      : Number(soFar) + Number(value)
  const order = compareValues(value, soFar)
  return (name === "MIN" ? order < 0 : order > 0) ? value : soFar
}
