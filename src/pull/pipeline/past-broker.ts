/**
 * A slice past the broker: its segments are asked of the data nodes that have them. What a data node cannot prove by itself
 * is left to SQL, slice by slice.
 */
import type { Segment, Slice, Work } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { contains, intersection } from "../../base/intervals.ts"
import type { SpoolOptions } from "../../druid/client.ts"
import type { Wanted } from "../../druid/direct/reader.ts"
import { segmentId } from "../../druid/segment-id.ts"
import { spooling } from "../../druid/spool.ts"
import type { Source } from "../../druid/sql.ts"
import { conditionOf } from "../../plan/chunks.ts"
import type { SpoolForm } from "../../store/rows/spool-source.ts"
import type { Ports, PullRequest } from "../ports.ts"
import type { Prepared } from "../prepare/prepare.ts"

/** Rows that came from data nodes, and what each segment must have brought. */
export interface FromSegments {
  readonly bytes: number
  readonly form: SpoolForm
  /** per segment of the form: its rows by the metadata; undefined where the slice holds a part of it, or a filter is set */
  readonly promised: readonly (number | undefined)[]
}

/**
 * Fetches the slice's segments into a new file.
 * @returns undefined where SQL has to be asked; there is no file then
 * @throws DruidsyncError where a data node fails in the middle; the file is the caller's to remove
 */
export async function fetchSegments(
  { direct, signal }: Ports,
  { source, columns, isUniform, rowBytes }: Pick<Prepared, "source" | "columns" | "isUniform" | "rowBytes">,
  slice: Slice,
  path: string,
  options: SpoolOptions,
): Promise<FromSegments | undefined> {
  if (direct === undefined || !isUniform || !slice.works.every(isImmutable)) return undefined
  const wanted = slice.works.map(
    ({ interval, chunk, added }): Wanted => ({ interval, segments: chunk.segments, only: added?.segments }),
  )
  const located = await direct.locate(source, columns, wanted, rowBytes, signal)
  const bytes =
    located === undefined ? undefined : await spooling(path, (file) => direct.read(located, file, options))
  if (bytes === undefined) return undefined
  const segments = segmentsOf(slice)
  const isAll = source.filter === undefined && source.shard === undefined
  return {
    bytes,
    form: { kind: "batches", segments: segments.map((segment) => segmentId(source.datasource, segment)) },
    promised: segments.map((segment) => (isAll && isWhole(slice, segment) ? segment.rows : undefined)),
  }
}

/** Rows of added segments that are fetched without the rest of their chunk: a slice at most, and none where only the broker is asked. */
export function mostAdded({ direct }: Pick<Ports, "direct">, { pull }: Pick<PullRequest, "pull">): number {
  return direct === undefined || direct.isRefused ? 0 : pull.sliceRows
}

/**
 * The segments of an added slice cannot be had from data nodes: through the broker their chunks come as a whole, which is
 * planned anew.
 */
export function needsWholeChunks({ datasource }: Source): DruidsyncError {
  const message = `what was added to "${datasource}" cannot be fetched alone; its chunks are fetched whole`
  return new DruidsyncError("response-mismatch", message)
}

/**
 * Each whole segment brought the rows that its metadata promises.
 * @throws DruidsyncError `count-mismatch`, retryable
 */
export async function checkSegments(
  { form, promised }: Pick<FromSegments, "form" | "promised">,
  perSegment: readonly number[],
): Promise<void> {
  if (form.kind !== "batches") return
  for (const [n, rows] of promised.entries()) {
    if (rows === undefined || perSegment[n] === rows) continue
    throw new DruidsyncError(
      "count-mismatch",
      `${perSegment[n]} rows of segment ${form.segments[n]} arrived, its metadata promises ${rows}`,
      { retryable: true },
    )
  }
}

/** What is counted by the broker is read through it, too: row policies are its matter. */
function isImmutable({ chunk, state }: Work): boolean {
  return state === "complete" && conditionOf(chunk) === "settled" && !chunk.isPartlyHidden
}

/** Segments of which the slice holds something, each once. */
function segmentsOf({ works }: Slice): Segment[] {
  const found = new Set<Segment>()
  for (const { chunk, interval, added } of works) {
    for (const segment of added?.segments ?? chunk.segments) {
      if (!segment.isTombstone && intersection(segment.interval, interval) !== undefined) found.add(segment)
    }
  }
  return [...found]
}

function isWhole({ works }: Slice, segment: Segment): boolean {
  return works.some(({ interval }) => contains(interval, segment.interval))
}
