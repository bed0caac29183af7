/**
 * Whether an aggregate holds the groups of the rows that Druid has: the rows are copied by a pull of their own, compared
 * with Druid row by row, and grouped by DuckDB.
 */
import { expect } from "bun:test"
import { query } from "./duckdb.ts"
import { Stage } from "./stage.ts"

/** Measures of the tests, as Druid and DuckDB write them. The columns are those of `rows-of.ts`. */
export const MEASURES = {
  total: 'SUM("added")',
  kinds: 'APPROX_COUNT_DISTINCT("added")',
  most: 'MAX("ratio")',
} as const
const IN_DUCKDB = "sum(added)::BIGINT AS total, count(DISTINCT added) AS kinds, max(ratio) AS most"

/** @returns SQL of the bucket of a time */
function bucketOf(every: string): string {
  if (every === "all") return "'-infinity'::TIMESTAMP"
  const minutes = /^(\d+) minutes$/.exec(every)?.[1]
  return minutes === undefined
    ? `date_trunc('${every}', __time)`
    : `time_bucket(INTERVAL '${minutes} minutes', __time)`
}

/**
 * @param aggregates the stage of the aggregate; its file has the table of that name
 * @param by names of columns
 * @param where SQL condition that the rows meet
 */
export async function expectGroups(
  aggregates: Stage,
  datasource: string,
  {
    table,
    every,
    by,
    where = "TRUE",
  }: { table: string; every: string; by: readonly string[]; where?: string },
): Promise<void> {
  const copy = new Stage(aggregates.world, aggregates.runner)
  try {
    copy.config([datasource])
    await copy.pullExactly()
    const keys = ["bucket", ...by].join(", ")
    const truth = await query(
      copy.out,
      `SELECT ${bucketOf(every)}::VARCHAR AS bucket, ${[...by, "count(*) AS _rows", IN_DUCKDB].join(", ")} FROM "${copy.tableOf(datasource)}" WHERE ${where} GROUP BY ALL ORDER BY ${keys}`,
    )
    const found = await query(
      aggregates.out,
      `SELECT __time::VARCHAR AS bucket, ${[...by, "_rows, total, kinds, most"].join(", ")} FROM ${table} ORDER BY ${keys}`,
    )
    expect(found).toEqual(truth)
    const [kept] = await query(
      aggregates.out,
      `SELECT sum(rows)::BIGINT AS rows, sum(source_rows)::BIGINT AS source, (SELECT count(*) FROM ${table}) AS held, (SELECT coalesce(sum(_rows), 0)::BIGINT FROM ${table}) AS grouped FROM _sync_chunks WHERE "table" = '${table}'`,
    )
    expect([kept!.rows, kept!.source]).toEqual([kept!.held, kept!.grouped])
  } finally {
    copy.close()
  }
}
