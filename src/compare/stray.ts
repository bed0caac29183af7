/**
 * Rows of the table that no checkpoint covers: nothing of ours put them there (invariant I1), so Druid does not have
 * them as far as anybody knows.
 */
import type { Interval, Part } from "../base/domain.ts"
import { intersection, subtract, union } from "../base/intervals.ts"
import { quoteName } from "../base/names.ts"
import type { Ports } from "../pull/ports.ts"
import { msOfTime, timeCondition } from "../store/notes/times.ts"
import { storedBucket } from "../store/rows/interval-counts.ts"

export interface Stray {
  readonly rows: number
  /** where they lie, from the first to just after the last; undefined for rows without a time */
  readonly interval: Interval | undefined
}

/** Checkpoints per query. */
const INTERVALS_PER_QUERY = 256

/** What lies between the checkpoints, within a window; at most one entry per 256 checkpoints, and one for NULL times. */
export async function strayRows(
  ports: Ports,
  table: string,
  parts: readonly Part[],
  window: Interval,
): Promise<Stray[]> {
  const covered = union(parts.map((part) => part.interval)).flatMap(
    (interval) => intersection(interval, window) ?? [],
  )
  const name = `file.${quoteName(table)}`
  return ports.file.read(async () => {
    const found: Stray[] = []
    const [empty] = await ports.engine.rows(`SELECT count(*) FROM ${name} WHERE "__time" IS NULL`)
    if (Number(empty![0]) > 0) found.push({ rows: Number(empty![0]), interval: undefined })
    let from = window.start
    for (let i = 0; i === 0 || i < covered.length; i += INTERVALS_PER_QUERY) {
      const some = covered.slice(i, i + INTERVALS_PER_QUERY)
      const isLast = i + INTERVALS_PER_QUERY >= covered.length
      const span = { start: from, end: isLast ? window.end : some.at(-1)!.end }
      from = span.end
      const outside = some.length === 0 ? "TRUE" : `${storedBucket(some)} = -1`
      const [row] = await ports.engine.rows(
        `SELECT count(*), ${msOfTime('min("__time")')}, ${msOfTime('max("__time")')} FROM ${name} ` +
          `WHERE "__time" IS NOT NULL AND ${timeCondition(span)} AND ${outside}`,
      )
      const [rows, first, last] = row!
      if (Number(rows) === 0) continue
      found.push({ rows: Number(rows), interval: { start: first as bigint, end: (last as bigint) + 1n } })
    }
    return found
  }, ports.signal)
}

/** The stretches to clear so that stray rows go and nothing else does. */
export function strayStretches(stray: readonly Stray[], covered: readonly Interval[]): Interval[] {
  return stray.flatMap(({ interval }) => (interval === undefined ? [] : subtract(interval, covered)))
}
