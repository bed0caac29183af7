/** How many rows a slice should have: as many as the config says, fewer where rows are wide, more where they become groups. */

import { bucketEnd, bucketStart } from "../../base/buckets.ts"
import type { Column, Interval, Work } from "../../base/domain.ts"
import { sumOf } from "../../base/lists.ts"
import { isEstimate } from "../../druid/estimates.ts"
import type { Source } from "../../druid/sql.ts"
import { chunkBytes } from "../../plan/chunks.ts"
import { rowsOfSlice, sizeOf } from "../../plan/slices.ts"
import type { Ports, PullRequest } from "../ports.ts"

/** So few rows are not worth a question, unless their segments are big. */
const FEW_ROWS = 10_000
const FEW_BYTES = 30_000_000
/** Druid groups so many times as many rows at once as it sends, at most: a query of some seconds. */
const MOST_GROUPED = 16
/** So many groups with a sketch each fit a merge buffer of 64 MiB: more are refused, after some work (33.0.0). */
const MOST_SKETCHED = 5_000

/** The size of a datasource's slices. */
export interface SliceSize {
  readonly rows: number
  /** of a response, mean of a sample; undefined if none was taken */
  readonly rowBytes: number | undefined
  /** of an aggregate: groups that a row becomes, from a sample */
  readonly groupsPerRow: number | undefined
}

/**
 * Looks at some rows of the biggest work, where there is enough work for it.
 * @throws DruidsyncError
 */
export async function sliceSize(
  ports: Ports,
  { pull }: PullRequest,
  source: Source,
  columns: readonly Column[],
  works: readonly Work[],
): Promise<SliceSize> {
  const [first, ...others] = works
  const total = sumOf(works, (work) => sizeOf(work))
  const usual = { rows: pull.sliceRows, rowBytes: undefined, groupsPerRow: undefined }
  const isSmall = () => sumOf(works, ({ chunk }) => chunkBytes(chunk)) <= FEW_BYTES
  if (first === undefined || (total <= FEW_ROWS && isSmall())) return usual
  const { catalog, signal } = ports
  const { interval } = others.reduce((one, other) => (sizeOf(other) > sizeOf(one) ? other : one), first)
  if (source.aggregate === undefined) {
    const rowBytes = await catalog.rowBytes(source, columns, interval, signal)
    return { ...usual, rows: rowsOfSlice(pull.sliceRows, rowBytes, pull.spoolLimitBytes), rowBytes }
  }
  // The one bucket of all time is all that there is to ask.
  if (source.aggregate.every === "all") return usual
  const sample = bucketIn(source.aggregate.every, interval)
  const groupsPerRow = await catalog.groupsPerRow(source, columns, sample, signal)
  if (groupsPerRow === undefined) return usual
  const times = Math.min(MOST_GROUPED, 1 / groupsPerRow)
  const grouped = Math.floor(pull.sliceRows * Math.max(1, times))
  const hasSketches = source.aggregate.measures.some(({ expression = "" }) => isEstimate(expression))
  const most = hasSketches ? Math.ceil(MOST_SKETCHED / groupsPerRow) : grouped
  return { ...usual, rows: Math.min(grouped, most), groupsPerRow }
}

/** A bucket in the middle of an interval of whole ones. */
function bucketIn(every: NonNullable<Source["aggregate"]>["every"], { start, end }: Interval): Interval {
  const middle = start + (end - start) / 2n
  return { start: bucketStart(every, middle), end: bucketEnd(every, middle) }
}
