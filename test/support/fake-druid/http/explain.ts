/**
 * `EXPLAIN PLAN FOR` of a scan: a native query as Druid compiles it. What cannot be told from its JSON here, filter and
 * expressions, hides in a virtual column of the fake's own, which only the fake's data nodes read.
 */
import { datasourceOf, type Query } from "../sql/answer.ts"
import { VARCHAR } from "../sql/functions.ts"
import type { Select } from "../sql/parse.ts"

const PREFIX = /^\s*EXPLAIN PLAN FOR\s+/i

/** The SQL that is to be explained; undefined where nothing is. */
export function explainedSql(sql: string): string | undefined {
  return PREFIX.test(sql) ? sql.replace(PREFIX, "") : undefined
}

/** @param namesColumns whether the plan has `columnMappings` */
export function explanation(query: Query, select: Select, namesColumns: boolean): Query {
  const outputs = query.columns.map((column) => column.name)
  const inner = outputs.map((name, n) => nativeName(select, n) ?? (name === "__time" ? name : `v${n}`))
  const plan = {
    query: {
      queryType: "scan",
      dataSource: { type: "table", name: datasourceOf(select) },
      intervals: {
        type: "intervals",
        intervals: ["-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z"],
      },
      virtualColumns: [{ type: "fake", name: "fake", sql: select.sql, names: inner }],
      resultFormat: "compactedList",
      // Druid names each column once, in an order of its own.
      columns: [...new Set(inner)].sort(),
      context: { queryId: "explained", sqlQueryId: "explained", sqlStringifyArrays: false },
      granularity: { type: "all" },
      legacy: false,
    },
    signature: query.columns.map((column, n) => ({ name: inner[n], type: column.type.druid })),
    ...(namesColumns
      ? { columnMappings: outputs.map((name, n) => ({ queryColumn: inner[n], outputColumn: name })) }
      : {}),
  }
  const columns = ["PLAN", "RESOURCES", "ATTRIBUTES"].map((name) => ({ name, type: VARCHAR }))
  const row = [JSON.stringify([plan]), "[]", '{"statementType":"SELECT"}']
  return { kind: "explain", datasource: query.datasource, columns, answer: { rows: [row] } }
}

/** A column that is selected as it is keeps its name. */
function nativeName(select: Select, n: number): string | undefined {
  const expression = select.items === "*" ? undefined : select.items[n]?.expression
  return expression?.kind === "column" ? expression.name : undefined
}
