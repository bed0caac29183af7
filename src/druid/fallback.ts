/**
 * What Druid has where it refuses `sys.segments`: rows counted by day, put into the form of segments so that the rest of
 * the program works as ever. A day's "version" is its count: a day whose count differs was replaced, one whose count is
 * the same is taken for unchanged. What that cannot see is said in docs/late-data.md.
 */
import { type Bucket, COUNTED, type Segment } from "../base/domain.ts"
import { DruidsyncError } from "../base/errors.ts"
import { floorDiv, MAX_TIME, MIN_TIME } from "../base/time.ts"
import type { DruidClient } from "./client.ts"
import { readBounds, readHistogram } from "./counts.ts"

/** Width of a bucket, ms: a UTC day. */
const BUCKET_MS = 86_400_000n

/**
 * Rows by UTC day, in two requests. A datasource that is unknown or forbidden has none: Druid's list of segments would
 * leave it out too.
 * @throws DruidsyncError
 */
export async function countedSegments(
  client: DruidClient,
  datasource: string,
  signal?: AbortSignal,
): Promise<Segment[]> {
  const source = { datasource }
  try {
    const { min, max, rows } = await readBounds(client, source, { start: MIN_TIME, end: MAX_TIME }, signal)
    if (rows === 0) return []
    const days = { start: startOfDay(min), end: startOfDay(max) + BUCKET_MS }
    return (await readHistogram(client, source, [days], BUCKET_MS, signal)).map(segmentOf)
  } catch (error) {
    const isNotThere =
      error instanceof DruidsyncError && ["forbidden", "unknown-datasource"].includes(error.code)
    if (!isNotThere) throw error
    return []
  }
}

function startOfDay(ms: bigint): bigint {
  return floorDiv(ms, BUCKET_MS) * BUCKET_MS
}

function segmentOf({ interval, all }: Bucket): Segment {
  return {
    interval,
    version: `${COUNTED}${all}`,
    partition: 0,
    rows: all,
    sizeBytes: 0,
    isPublished: true,
    isAvailable: true,
    isRealtime: false,
    replicationFactor: undefined,
    isTombstone: false,
    isUsed: true,
  }
}
