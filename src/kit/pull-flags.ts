/**
 * The flags of a pull, which `plan` and `verify` share in part. Some stand for keys of the configuration, whose schema comes
 * with them: commands that ask nothing of Druid import `flags.ts` alone.
 */
import { configFlags } from "../config/flags.ts"
import type { Flags } from "./flag.ts"
import { configArg, jsonArg, lockWaitArg, logFormatArg, onlyArg, outArg, talkArgs } from "./flags.ts"
import { duration, instant, shard } from "./values.ts"

/** What of the datasources is looked at. */
const scopeArgs = {
  ...onlyArg,
  full: { type: "boolean", default: false, description: "fetch everything again, whatever is there" },
  moved: {
    type: "boolean",
    default: false,
    description: "the data has moved: go on although the file was pulled from another cluster",
  },
  since: {
    type: "string",
    valueHint: "TIME",
    parse: instant,
    description: "only rows at or after this time (ISO 8601, UTC)",
  },
  until: {
    type: "string",
    valueHint: "TIME",
    parse: instant,
    description: "only rows before this time (ISO 8601, UTC)",
  },
  shard: {
    type: "string",
    valueHint: "I/N",
    parse: shard,
    description: "only this machine's share of the days: 1/4, 2/4, 3/4 or 4/4 for four machines",
  },
} as const satisfies Flags

export const planArgs = {
  ...configArg,
  ...outArg,
  ...scopeArgs,
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
} as const satisfies Flags

export const pullArgs = {
  ...configArg,
  ...outArg,
  ...scopeArgs,
  "dry-run": {
    type: "boolean",
    alias: "n",
    default: false,
    description: "show what would be fetched, and why; fetch nothing (the same as druidsync plan)",
  },
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
  "settle-wait": {
    type: "string",
    default: "20s",
    valueHint: "TIME",
    parse: duration,
    description: "how long to wait for segments that Druid is still loading or counting",
  },
  ...configFlags,
  ...logFormatArg,
} as const satisfies Flags
