/** Looks at `sys.segments`: the answer goes onto the spool as it comes, and from there where it can be asked about. */
import type { Interval } from "../base/domain.ts"
import type { SegmentsDesk, SegmentsLook } from "../base/segments-look.ts"
import type { DruidClient } from "./client.ts"
import { segmentsSql } from "./metadata-sql.ts"

/** Stretches of each datasource that a look is limited to. */
export type Within = ReadonlyMap<string, readonly Interval[]>

/**
 * @param available columns that this Druid's `sys.segments` has
 * @param within of each datasource the segments that overlap these, and maybe others. Default: all
 * @throws DruidsyncError
 */
export function readSegments(
  client: Pick<DruidClient, "spooled">,
  desk: SegmentsDesk,
  datasources: readonly string[],
  available: ReadonlySet<string>,
  signal?: AbortSignal,
  within?: Within,
): Promise<SegmentsLook> {
  const sql = segmentsSql(datasources, available, within)
  return client.spooled(sql, desk.spoolPath, { action: "reading sys.segments", signal }, ({ path }) =>
    desk.take(path),
  )
}
