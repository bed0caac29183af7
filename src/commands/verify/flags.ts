/** The flags of `verify`, for both of its ways: against Druid, and with `--lake`. */
import { parseSample, type Sample } from "../../compare/sample.ts"
import type { Flags } from "../../kit/flag.ts"
import { configArg, jsonArg, lockWaitArg, logFormatArg, outArg, partArg, talkArgs } from "../../kit/flags.ts"
import { pullArgs } from "../../kit/pull-flags.ts"
import { usage } from "../../kit/usage.ts"

const { only, since, until, "settle-wait": settleWait } = pullArgs

function sample(text: string): Sample {
  const found = parseSample(text)
  if (found !== undefined) return found
  throw usage(`invalid --sample ${JSON.stringify(text)}`, "write it like 20 or 5%")
}

export const verifyArgs = {
  // Not read with --lake.
  ...configArg,
  ...outArg,
  lake: {
    type: "string",
    valueHint: "DIR",
    description: "compare this lake of druidsync export with the DuckDB file, without Druid",
  },
  ...partArg,
  only,
  since,
  until,
  deep: {
    type: "boolean",
    default: false,
    description: "fetch the rows again and compare them one by one, not their fingerprints",
  },
  sample: {
    type: "string",
    valueHint: "N|P%",
    parse: sample,
    description: "compare this many chunks of each datasource, or this percentage of them",
  },
  seed: {
    type: "string",
    valueHint: "TEXT",
    description: "chooses the sample; the same text chooses the same chunks (default: a new one each time)",
  },
  repair: {
    type: "boolean",
    default: false,
    description: "fetch again what differs, and compare it again",
  },
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
  "settle-wait": settleWait,
  "spool-dir": pullArgs["spool-dir"],
  "memory-limit": pullArgs["memory-limit"],
  ...logFormatArg,
} as const satisfies Flags
