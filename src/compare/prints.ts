/**
 * The cheap comparison: one number of rows and one sum of hashes per stretch, computed by Druid and by DuckDB, some
 * dozens of stretches per query. No row is sent.
 */

import { DruidsyncError } from "../base/errors.ts"
import { type ComparedColumn, comparedColumns } from "./columns.ts"
import { columnTexts, druidPrintsSql, duckdbPrintsSql, rowTexts } from "./sql.ts"
import { failed, type Task, type Verdict } from "./task.ts"
import { packed, type Unit } from "./units.ts"

/** Stretches per query, and rows: a query of some seconds, whatever the size of the datasource. */
const UNITS_PER_QUERY = 64
const ROWS_PER_QUERY = 4_000_000
/** Sums per query when each column has its own. */
const TEXTS_PER_QUERY = 40

interface Print {
  readonly rows: number
  readonly sums: readonly string[]
}

/** `Compare` by fingerprints. */
export async function comparePrints(
  task: Task,
  units: readonly Unit[],
  isSecond: boolean,
): Promise<Map<Unit, Verdict>> {
  await task.ports.engine.useTextHash()
  const columns = comparedColumns(task.shape.columns, task.held.columns)
  const verdicts = new Map<Unit, Verdict>()
  for (const batch of packed(units, UNITS_PER_QUERY, ROWS_PER_QUERY)) {
    for (const [unit, verdict] of await compareBatch(task, batch, columns)) verdicts.set(unit, verdict)
  }
  if (!isSecond) return verdicts
  const differing = units.filter((unit) => {
    const verdict = verdicts.get(unit)!
    return !verdict.isEqual && verdict.failure === undefined && verdict.druidRows === verdict.duckdbRows
  })
  for (const batch of packed(differing, UNITS_PER_QUERY, ROWS_PER_QUERY)) {
    const names = await differingColumns(task, batch, columns)
    for (const unit of batch) verdicts.set(unit, { ...verdicts.get(unit)!, columns: names.get(unit) ?? [] })
  }
  return verdicts
}

async function compareBatch(
  task: Task,
  units: readonly Unit[],
  columns: readonly ComparedColumn[],
): Promise<Map<Unit, Verdict>> {
  const texts = rowTexts(columns)
  try {
    const [druid, duckdb] = await bothPrints(task, units, texts)
    return new Map(
      units.map((unit, n) => {
        const [a, b] = [druid[n]!, duckdb[n]!]
        const verdict: Verdict = {
          druidRows: a.rows,
          duckdbRows: b.rows,
          isEqual: a.rows === b.rows && a.sums.every((sum, k) => sum === b.sums[k]),
          columns: [],
          examples: [],
        }
        return [unit, verdict]
      }),
    )
  } catch (error) {
    return fewer(task, units, error, (some) => compareBatch(task, some, columns))
  }
}

/** What is too much for Druid at once is asked in two halves; what it refuses for one stretch is told. */
async function fewer(
  task: Task,
  units: readonly Unit[],
  error: unknown,
  again: (units: readonly Unit[]) => Promise<Map<Unit, Verdict>>,
): Promise<Map<Unit, Verdict>> {
  task.ports.signal.throwIfAborted()
  if (!(error instanceof DruidsyncError) || !error.asksForLess) throw error
  if (units.length === 1) return new Map([[units[0]!, failed(error.message)]])
  const middle = Math.ceil(units.length / 2)
  const first = await again(units.slice(0, middle))
  return new Map([...first, ...(await again(units.slice(middle)))])
}

async function differingColumns(
  task: Task,
  units: readonly Unit[],
  columns: readonly ComparedColumn[],
): Promise<Map<Unit, string[]>> {
  const found = new Map<Unit, string[]>(units.map((unit) => [unit, []]))
  const timesDiffer = new Set<Unit>()
  for (let i = 0; i === 0 || i < columns.length; i += TEXTS_PER_QUERY) {
    const some = columns.slice(i, i + TEXTS_PER_QUERY)
    // The first text is the time alone: where that differs, every value seems to, since it stands at another time.
    const [druid, duckdb] = await bothPrints(task, units, [[], ...columnTexts(some)])
    for (const [n, unit] of units.entries()) {
      const differs = druid[n]!.sums.map((sum, k) => sum !== duckdb[n]!.sums[k])
      if (differs[0]) timesDiffer.add(unit)
      for (const [k, column] of some.entries()) if (differs[k + 1]) found.get(unit)!.push(column.name)
    }
  }
  for (const unit of timesDiffer) found.set(unit, ["__time"])
  return found
}

/** One print per unit from each side. */
async function bothPrints(
  task: Task,
  units: readonly Unit[],
  texts: readonly (readonly ComparedColumn[])[],
): Promise<[Print[], Print[]]> {
  const { ports, source, held } = task
  const intervals = units.map((unit) => unit.interval)
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
    printsOf(druid.value, units.length, texts.length),
    printsOf(duckdb.value, units.length, texts.length),
  ]
}

function printsOf(rows: readonly (readonly unknown[])[], units: number, texts: number): Print[] {
  const none: Print = { rows: 0, sums: Array.from({ length: texts }, () => "0") }
  const prints = Array.from({ length: units }, () => none)
  for (const [bucket, count, ...sums] of rows) {
    const n = Number(bucket)
    // Rows between the stretches, and Druid's one row of zeros where a single stretch is empty.
    if (n < 0 || Number(count) === 0) continue
    prints[n] = { rows: Number(count), sums: sums.map((sum) => String(sum ?? "0")) }
  }
  return prints
}
