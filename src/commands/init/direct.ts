/**
 * Offers to fetch past the broker where the cluster names data nodes. None of them is asked anything before the user has
 * agreed: credentials go to them then.
 */
import { DruidsyncError } from "../../base/errors.ts"
import { parseInterval } from "../../base/intervals.ts"
import { findNodes, readNodes } from "../../druid/direct/probe.ts"
import type { Prompter } from "../../kit/ask/prompter.ts"
import { counted } from "../../kit/text/words.ts"
import { asking, type Found, type SetupOptions } from "./setup.ts"

/** Of the newest part of a datasource, ms: data nodes of all tiers have something there. */
const NEWEST_MS = 7n * 86_400_000n

/** @returns whether the configuration says `direct`. @throws the signal's reason */
export function offerDirect(
  ask: Prompter,
  { settings, report }: Found,
  setup: SetupOptions,
): Promise<boolean> {
  return asking(settings, setup, async (client) => {
    const { signal } = setup
    const served = report.datasources.find(
      ({ interval, segments, realtime, unavailable, cold }) =>
        interval !== null && (segments ?? 0) > (realtime ?? 0) + (unavailable ?? 0) + (cold ?? 0),
    )
    if (served === undefined) return false
    const { start, end } = parseInterval(served.interval!)
    const newest = { start: start > end - NEWEST_MS ? start : end - NEWEST_MS, end }
    try {
      const { protocol } = settings.druid
      const found = await findNodes(client, protocol, served.datasource, [newest], signal)
      if (found.kind === "no way" || found.nodes.length === 0) return false
      ask.say(
        `Rows can come from ${counted(found.nodes.length, "data node")} themselves, past the broker: faster, and less work for the cluster.\nYour credentials then go to them, too: ${found.nodes.join(", ")}`,
      )
      if (!(await ask.yes("Fetch from data nodes (direct)?", false))) return false
      await readNodes(client, found, signal)
      return true
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof DruidsyncError)) throw error
      // What does not work is no reason to have no configuration.
      ask.say(`  direct is left off: ${error.message}`)
      return false
    }
  })
}
