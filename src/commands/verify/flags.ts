/** The flags of `verify`, for both of its ways: against Druid, and with `--lake`. */
import { usage } from "../../base/errors.ts"
import { parseSample, type Sample } from "../../compare/sample.ts"
import { type Flags, text, toggle } from "../../kit/flag.ts"
import { configArg, jsonArg, lockWaitArg, logFormatArg, outArg, partArg, talkArgs } from "../../kit/flags.ts"
import { directArg, pullArgs } from "../../kit/pull-flags.ts"

const { only, since, until, "settle-wait": settleWait } = pullArgs

function sample(given: string): Sample {
  const found = parseSample(given)
  if (found !== undefined) return found
  throw usage(`invalid --sample ${JSON.stringify(given)}`, "write it like 20 or 5%")
}

export const verifyArgs = {
  // Not read with --lake.
  ...configArg,
  ...outArg,
  lake: text("DIR", "compare this lake of druidsync export with the DuckDB file, without Druid"),
  ...partArg,
  only,
  since,
  until,
  deep: toggle("fetch the rows again and compare them one by one, not their fingerprints"),
  sample: text("N|P%", "compare this many chunks of each datasource, or this percentage of them", {
    parse: sample,
  }),
  seed: text(
    "TEXT",
    "chooses the sample; the same text chooses the same chunks (default: a new one each time)",
  ),
  repair: toggle("fetch again what differs, and compare it again"),
  ...directArg,
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
  "settle-wait": settleWait,
  "spool-dir": pullArgs["spool-dir"],
  "memory-limit": pullArgs["memory-limit"],
  ...logFormatArg,
} satisfies Flags
