/** What `sys.segments` says of the configured datasources: is it readable, is everything served, how much is it? */
import type { Segment } from "../../base/domain.ts"
import { ExitCode } from "../../base/errors.ts"
import { intervalText } from "../../base/intervals.ts"
import type { Settings } from "../../config/settings.ts"
import { type ChunkOverview, readOverview } from "../../druid/overview.ts"
import { counted } from "../../kit/text/words.ts"
import { chunksOf } from "../../plan/chunks.ts"
import { brokenOf } from "../../pull/broken.ts"
import { describeBroken } from "../../pull/describe.ts"
import { attempt } from "./attempt.ts"
import { type CheckOptions, okCheck, warningCheck } from "./check-line.ts"
import type { Check } from "./document.ts"

/** Active segments by datasource and chunk. */
export type Overview = ReadonlyMap<string, readonly ChunkOverview[]>

/** @returns undefined where it could not be asked */
export async function checkOverview(options: CheckOptions): Promise<Overview | undefined> {
  let overview: Overview | undefined
  await attempt(options, "segments", async () => {
    overview = await readOverview(options.client, undefined, options.signal)
    const segments = [...overview.values()].flat().reduce((sum, chunk) => sum + chunk.segments, 0)
    const what = `${counted(overview.size, "datasource")}, ${counted(segments, "active segment")}`
    options.onCheck(okCheck("segments", `sys.segments can be read: ${what}`))
    return true
  })
  return overview
}

/** The line of a datasource. */
export function checkSegments(name: string, chunks: readonly ChunkOverview[]): Check {
  const sum = (value: (chunk: ChunkOverview) => number) => chunks.reduce((all, one) => all + value(one), 0)
  const [segments, rows, unavailable, cold, realtime] = [
    sum((chunk) => chunk.segments),
    sum((chunk) => chunk.rows),
    sum((chunk) => chunk.unavailable),
    sum((chunk) => chunk.cold),
    sum((chunk) => chunk.realtime),
  ]
  const still = realtime === 0 ? "" : `, ${realtime} of them realtime`
  const what = `about ${counted(rows, "row")} in ${counted(segments, "segment")}${still}`
  if (unavailable > 0) {
    return {
      check: "datasource",
      subject: name,
      status: "failed",
      message: `${what}; ${counted(unavailable, "segment")} not loaded on any server now`,
      hint: "a pull would leave them out and exit with 3; wait for Druid, or look at its historicals",
      exitCode: ExitCode.incomplete,
    }
  }
  if (cold > 0) {
    return warningCheck(
      "datasource",
      `${what}; ${counted(cold, "segment")} on no server, by the load rules`,
      "they cannot be queried, so they are not copied",
      name,
    )
  }
  return okCheck("datasource", `${what}, all of them served`, name)
}

/** A line for each chunk of which Druid answers nothing, since a partition is missing. */
export function checkCoreSets(name: string, segments: readonly Segment[]): Check[] {
  return chunksOf(segments).flatMap((chunk) => {
    const broken = brokenOf(chunk)
    if (broken === undefined) return []
    const message = `${intervalText(broken.interval)}: ${describeBroken(broken)}`
    const hint = "mark that partition used again, or ingest the interval again"
    return [warningCheck("datasource", message, hint, name)]
  })
}

/** Bytes in deep storage of what is configured: a DuckDB file takes about as much. */
export function expectedBytes(settings: Settings, overview: Overview): number {
  const chunks = settings.datasources.flatMap(({ name }) => overview.get(name) ?? [])
  return chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
}
