import type { Segment } from "../base/domain.ts"
import { formatDruidTime } from "../base/time.ts"

/** As Druid names it: `wikipedia_2016-06-27T00:00:00.000Z_2016-06-28T00:00:00.000Z_2026-11-30T12:39:19.148Z_1`. */
export function segmentId(
  datasource: string,
  { interval, version, partition }: Pick<Segment, "interval" | "version" | "partition">,
): string {
  const id = `${datasource}_${formatDruidTime(interval.start)}_${formatDruidTime(interval.end)}_${version}`
  return partition === 0 ? id : `${id}_${partition}`
}
