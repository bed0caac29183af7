/** Another look at a few chunks, for what has to be held against it. */
import type { Chunk, Interval } from "../base/domain.ts"
import type { DatasourceSettings } from "../config/settings.ts"
import type { Ports } from "./ports.ts"
import { chunksFor } from "./source.ts"

/**
 * Chunks of a table as Druid lists them now, ascending.
 * @param intervals ascending, disjoint, at least one; each is a chunk or several
 * @returns those that overlap these, whole, and maybe others between them
 * @throws DruidsyncError
 */
export async function chunksNow(
  { catalog, signal }: Pick<Ports, "catalog" | "signal">,
  settings: DatasourceSettings,
  intervals: readonly Interval[],
): Promise<readonly Chunk[]> {
  const look = await catalog.segments(signal, new Map([[settings.name, intervals]]))
  try {
    const hull = { start: intervals[0]!.start, end: intervals.at(-1)!.end }
    return chunksFor(settings, await look.segments(settings.name, [hull]))
  } finally {
    await look.drop()
  }
}
