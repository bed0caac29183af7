/** Queries of tables in memory. */
import type { Value } from "../model/values.ts"
import { aggregated, grouping, isGrouped, sorted } from "./aggregate.ts"
import { kindOf, outputColumns, type Query } from "./answer.ts"
import type { CatalogTable } from "./catalog.ts"
import { compile, predicate, type Scope } from "./compile.ts"
import type { Select } from "./parse.ts"

export function planTable(select: Select, table: CatalogTable): Query {
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
