/** What `sys.segments` says of the configured datasources: is it readable, is everything served, how much is it? */

import { ExitCode } from "../../base/errors.ts"
import { sumOf } from "../../base/lists.ts"
import type { DatasourceSettings } from "../../config/settings.ts"
import { type ChunkOverview, readOverview } from "../../druid/overview.ts"
import { counted } from "../../kit/text/words.ts"
import type { Broken } from "../../pull/broken.ts"
import { describeBroken, describeStretches } from "../../pull/describe.ts"
import { attempt, type CheckOptions, type Found, failed, ok, warning } from "./check-line.ts"

/** Active segments by datasource and chunk. */
export type Overview = ReadonlyMap<string, readonly ChunkOverview[]>

/** @returns undefined if it could not be asked */
export async function checkOverview(options: CheckOptions): Promise<Overview | undefined> {
  let overview: Overview | undefined
  await attempt(options, "segments", async () => {
    overview = await readOverview(options.client, undefined, options.signal)
    const segments = sumOf([...overview.values()].flat(), (chunk) => chunk.segments)
    const what = `${counted(overview.size, "datasource")}, ${counted(segments, "active segment")}`
    return ok(`sys.segments can be read: ${what}`)
  })
  return overview
}

/** The line of a datasource. */
export function checkSegments(chunks: readonly ChunkOverview[]): Found {
  const segments = sumOf(chunks, (chunk) => chunk.segments)
  const rows = sumOf(chunks, (chunk) => chunk.rows)
  const unavailable = sumOf(chunks, (chunk) => chunk.unavailable)
  const cold = sumOf(chunks, (chunk) => chunk.cold)
  const realtime = sumOf(chunks, (chunk) => chunk.realtime)
  const still = realtime === 0 ? "" : `, ${realtime} of them realtime`
  const what = `about ${counted(rows, "row")} in ${counted(segments, "segment")}${still}`
  if (unavailable > 0) {
    return failed(
      `${what}; ${counted(unavailable, "segment")} not loaded on any server now`,
      "a pull would leave them out and exit with 3; wait for Druid, or look at its historicals",
      ExitCode.incomplete,
    )
  }
  if (cold > 0) {
    return warning(
      `${what}; ${counted(cold, "segment")} on no server, by the load rules`,
      "they cannot be queried, so they are not copied",
    )
  }
  return ok(`${what}, all of them served`)
}

/** A line for each chunk of which Druid answers nothing, since a partition is missing. */
export function checkBroken(broken: readonly Broken[]): Found[] {
  return broken.map((one) => {
    const message = describeStretches([{ interval: one.interval, reason: describeBroken(one) }])
    return warning(message, "mark that partition used again, or ingest the interval again")
  })
}

/** Bytes in deep storage of what is configured: a DuckDB file takes about as much. */
export function expectedBytes(tables: readonly DatasourceSettings[], overview: Overview): number {
  const chunks = tables.flatMap(({ name }) => overview.get(name) ?? [])
  return sumOf(chunks, (chunk) => chunk.bytes)
}
