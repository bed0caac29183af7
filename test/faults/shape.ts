/** What the scenario's table holds: Druid's rows, or groups of them. */
import { type Timed, timed } from "./theatre.ts"

export interface Shape {
  /** settings of the datasource beside its name and its table */
  readonly entry: Readonly<Record<string, unknown>>
  /** SQL of what stands for the value of a row of the table */
  readonly value: string
  /** what the table is to hold of these rows of Druid's */
  readonly of: (rows: readonly Timed[]) => readonly Timed[]
}

export const ROWS: Shape = { entry: {}, value: "n", of: (rows) => rows }

/** By day, page and tags, a column with several values. */
export const GROUPS: Shape = {
  entry: { aggregate: { every: "day", by: ["page", "tags"], measures: { n: 'SUM("n")' } } },
  value: "concat(n, ' of ', _rows)",
  of: grouped,
}

const DAY = 86_400_000n

function grouped(rows: readonly Timed[]): Timed[] {
  const groups = new Map<string, { readonly row: Timed; readonly start: bigint; rows: number; n: bigint }>()
  for (const row of rows) {
    const start = row.ms - (row.ms % DAY)
    const key = JSON.stringify([String(start), row.page, row.tags])
    const group = groups.get(key) ?? { row, start, rows: 0, n: 0n }
    group.rows++
    group.n += BigInt(String(row.n))
    groups.set(key, group)
  }
  return [...groups.values()].map(({ row, start, rows: count, n }) =>
    timed(start, row.page, row.tags, `${n} of ${count}`),
  )
}
