/** With `direct`: do the data nodes answer, and what would still go through the broker? */
import type { Interval } from "../../base/domain.ts"
import { probeDirect } from "../../druid/direct/probe.ts"
import type { ChunkOverview } from "../../druid/overview.ts"
import { counted } from "../../kit/text/words.ts"
import { attempt, type CheckOptions, ok, warning } from "./check-line.ts"
import type { Overview } from "./segments.ts"

/** Chunks of a datasource that are asked about: the newest, where data nodes of all tiers have something. */
const MOST_CHUNKS = 20

/** A line for each datasource of which something is handed off. */
export async function checkDirect(options: CheckOptions, overview: Overview): Promise<void> {
  const { settings, client, signal } = options
  if (!settings.druid.direct) return
  for (const name of new Set(settings.datasources.map((one) => one.name))) {
    const intervals = settledIntervals(overview.get(name) ?? [])
    if (intervals.length === 0) continue
    const look = async () => {
      const probed = await probeDirect(client, settings.druid.protocol, name, intervals, signal)
      return probed.kind === "works"
        ? ok(`${counted(probed.nodes.length, "data node")} can be asked: ${probed.nodes.join(", ")}`)
        : warning(
            `all of it goes through the broker: ${probed.why}`,
            "nothing is wrong; direct brings nothing here",
          )
    }
    await attempt(options, "direct", look, name)
  }
}

function settledIntervals(chunks: readonly ChunkOverview[]): Interval[] {
  const settled = chunks.filter((one) => one.segments > one.realtime + one.unavailable + one.cold)
  return settled.slice(-MOST_CHUNKS).map(({ interval }) => interval)
}
