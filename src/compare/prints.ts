/**
 * `Compare` by fingerprints: one number of rows and one sum of hashes per stretch, computed by Druid and by DuckDB, some
 * dozens of stretches per query. No row is sent.
 */

import { DruidsyncError } from "../base/errors.ts"
import { type ComparedColumn, comparedColumns } from "./columns.ts"
import { type CompareContext, type Finding, unanswered } from "./context.ts"
import { type AskPrints, comparePrints, differingColumns, printsOf } from "./fingerprints.ts"
import { druidPrintsSql, duckdbPrintsSql, rowTexts } from "./prints-sql.ts"
import { packed, type Stretch } from "./stretches.ts"

/** Stretches per query, and rows: a query of some seconds, whatever the size of the datasource. */
const STRETCHES_PER_QUERY = 64
const ROWS_PER_QUERY = 4_000_000

/** `Compare` by fingerprints. */
export async function compareByPrints(
  context: CompareContext,
  stretches: readonly Stretch[],
  isSecond: boolean,
): Promise<Finding[]> {
  await context.ports.engine.useTextHash()
  const columns = comparedColumns(context.shape.columns, context.held.columns)
  const findings: Finding[] = []
  for (const batch of packed(stretches, STRETCHES_PER_QUERY, ROWS_PER_QUERY))
    findings.push(...(await compareBatch(context, batch, columns)))
  if (!isSecond) return findings
  const isPuzzling = (one: Finding) =>
    !one.isEqual && one.failure === undefined && one.druidRows === one.duckdbRows
  const puzzling = findings.filter(isPuzzling).map(({ stretch }) => stretch)
  const names = new Map<Stretch, readonly string[]>()
  for (const batch of packed(puzzling, STRETCHES_PER_QUERY, ROWS_PER_QUERY)) {
    const found = await differingColumns(askBoth(context, batch), columns)
    for (const [n, stretch] of batch.entries()) names.set(stretch, found[n]!)
  }
  return findings.map((one) => ({ ...one, columns: names.get(one.stretch) ?? one.columns }))
}

/** If the question is too big for Druid, asks in two halves; if it refuses a single stretch, that is the finding. */
async function compareBatch(
  context: CompareContext,
  stretches: readonly Stretch[],
  columns: readonly ComparedColumn[],
): Promise<Finding[]> {
  try {
    const prints = await comparePrints(askBoth(context, stretches), rowTexts(columns))
    return prints.map(({ leftRows, rightRows, isEqual }, n) => ({
      stretch: stretches[n]!,
      druidRows: leftRows,
      duckdbRows: rightRows,
      isEqual,
      columns: [],
      examples: [],
    }))
  } catch (error) {
    context.ports.signal.throwIfAborted()
    if (!(error instanceof DruidsyncError) || !error.asksForLess) throw error
    if (stretches.length === 1) return [unanswered(stretches[0]!, error.message)]
    const middle = Math.ceil(stretches.length / 2)
    const first = await compareBatch(context, stretches.slice(0, middle), columns)
    return [...first, ...(await compareBatch(context, stretches.slice(middle), columns))]
  }
}

/** Asks Druid (left) and DuckDB (right). */
function askBoth(context: CompareContext, stretches: readonly Stretch[]): AskPrints<ComparedColumn> {
  const { ports, source, held } = context
  const intervals = stretches.map((stretch) => stretch.interval)
  return async (texts) => {
    const asked = ports.client.rows(druidPrintsSql(source, intervals, texts), {
      action: `comparing "${source.datasource}"`,
      signal: ports.signal,
    })
    // DuckDB computes meanwhile. Its answer is waited for even where Druid fails: a query whose hash function runs in this
    // thread must not be under way when the engine is closed.
    const [druid, duckdb] = await Promise.allSettled([
      asked,
      ports.file.read(() => ports.engine.rows(duckdbPrintsSql(held.table, intervals, texts)), ports.signal),
    ])
    if (druid.status === "rejected") throw druid.reason
    if (duckdb.status === "rejected") throw duckdb.reason
    return [
      printsOf(druid.value, intervals.length, texts.length),
      printsOf(duckdb.value, intervals.length, texts.length),
    ]
  }
}
