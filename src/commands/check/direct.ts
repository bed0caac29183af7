/** With `direct`: do the data nodes answer, and what would still go through the broker? */

import type { Interval } from "../../base/domain.ts"
import { sumOf } from "../../base/lists.ts"
import { chooser, type DatasourceSettings } from "../../config/settings.ts"
import { findNodes, readNodes } from "../../druid/direct/probe.ts"
import { isAlike } from "../../druid/direct/reader.ts"
import type { ChunkOverview } from "../../druid/overview.ts"
import { SegmentColumnsReader } from "../../druid/segment-columns.ts"
import { namesOf } from "../../kit/select.ts"
import { counted } from "../../kit/text/words.ts"
import { duckdbTypeOf } from "../../store/rows/types.ts"
import { attempt, type CheckOptions, type Found, ok, warning } from "./check-line.ts"
import type { Overview } from "./segments.ts"

/** Chunks of a datasource that are asked about: the newest, where data nodes of all tiers have something. */
const MOST_CHUNKS = 20

/** A line for each datasource of which something is handed off. */
export async function checkDirect(
  options: CheckOptions,
  tables: readonly DatasourceSettings[],
  overview: Overview,
): Promise<void> {
  const { settings, client, signal } = options
  if (!settings.druid.direct) return
  for (const name of namesOf(tables)) {
    const chunks = overview.get(name) ?? []
    const intervals = chunks
      .filter(hasSettled)
      .slice(-MOST_CHUNKS)
      .map(({ interval }) => interval)
    if (intervals.length === 0) continue
    const look = async () => {
      const found = await findNodes(client, settings.druid.protocol, name, intervals, signal)
      if (found.kind === "no way") return allThroughBroker(found.why)
      await readNodes(client, found, signal)
      const columns = tables.filter((one) => one.name === name)
      const odd = await oddColumn(options, columns, intervals)
      if (odd !== undefined) return allThroughBroker(odd)
      const nodes = `${counted(found.nodes.length, "data node")} can be asked: ${found.nodes.join(", ")}`
      return ok(`${nodes}; ${shareWords(chunks)} can come from there`)
    }
    await attempt(options, "direct", look, name)
  }
}

function allThroughBroker(why: string): Found {
  return warning(`all of it goes through the broker: ${why}`, "nothing is wrong; direct does not help here")
}

/** Why a data node's values would not be those of SQL; undefined where they are. @throws DruidsyncError */
async function oddColumn(
  { client, signal }: CheckOptions,
  settings: readonly DatasourceSettings[],
  intervals: readonly Interval[],
): Promise<string | undefined> {
  const [{ name }] = settings as [DatasourceSettings]
  const stretches = intervals.map((interval) => ({ interval, segments: undefined }))
  const held = await new SegmentColumnsReader(client).read(name, stretches, signal)
  const isRead = (column: string) => settings.some(({ columns }) => chooser(columns)(column))
  for (const [column, { types }] of held) {
    if (!isRead(column)) continue
    if (types.size > 1) return `segments have column "${column}" as ${[...types].join(" and ")}`
    for (const druidType of types) {
      const { duckdbType } = duckdbTypeOf(column, druidType, false)
      if (!isAlike({ druidType, duckdbType }))
        return `data nodes write ${druidType} ("${column}") in a form of their own`
    }
  }
  return undefined
}

/** How much is settled, in words. */
function shareWords(chunks: readonly ChunkOverview[]): string {
  const rowsOf = (some: readonly ChunkOverview[]) => sumOf(some, ({ rows }) => rows)
  const share = Math.floor((100 * rowsOf(chunks.filter(isSettled))) / Math.max(1, rowsOf(chunks)))
  return share === 100 ? "all rows" : `about ${share}% of the rows`
}

/** Some of its segments are served by historicals; all of them, and counted. */
const hasSettled = (one: ChunkOverview) => one.segments > one.realtime + one.unavailable + one.cold
const isSettled = (one: ChunkOverview) => one.realtime + one.unavailable + one.cold + one.uncounted === 0
