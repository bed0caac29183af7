/**
 * The flags of a pull, which `plan` and `verify` share in part. Some stand for keys of the configuration, whose schema comes
 * with them: commands that ask nothing of Druid import `flags.ts` alone.
 */
import { configFlags } from "../config/flags.ts"
import type { Settings } from "../config/settings.ts"
import type { PullRequest } from "../pull/ports.ts"
import { type Flags, text, toggle, type Values } from "./flag.ts"
import { configArg, jsonArg, lockWaitArg, logFormatArg, onlyArg, outArg, talkArgs } from "./flags.ts"
import { duration, instant, shard } from "./values.ts"

/** What of the datasources is looked at. */
const scopeArgs = {
  ...onlyArg,
  full: toggle("fetch everything again, whatever is there"),
  moved: toggle("the data has moved: go on although the file was pulled from another cluster"),
  since: text("TIME", "only rows at or after this time (ISO 8601, UTC)", { parse: instant }),
  until: text("TIME", "only rows before this time (ISO 8601, UTC)", { parse: instant }),
  shard: text("I/N", "only this machine's share of the days: 1/4, 2/4, 3/4 or 4/4 for four machines", {
    parse: shard,
  }),
} satisfies Flags

/** What a pull or a plan is asked to do, by these flags and the configuration. */
export function askedBy(
  args: Values<typeof scopeArgs>,
  { pull, lookups }: Settings,
  datasources: PullRequest["datasources"],
): Omit<PullRequest, "runId" | "settleWaitMs"> {
  return {
    datasources,
    pull,
    full: args.full,
    moved: args.moved,
    // A run of some datasources is one of these alone.
    lookups: args.only === undefined ? lookups : undefined,
    sinceMs: args.since,
    untilMs: args.until,
  }
}

/** Of commands that read rows, or say how they would be read. */
export const directArg = { direct: configFlags.direct } satisfies Flags

export const planArgs = {
  ...configArg,
  ...outArg,
  ...scopeArgs,
  ...directArg,
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
} satisfies Flags

export const pullArgs = {
  ...configArg,
  ...outArg,
  ...scopeArgs,
  "dry-run": toggle("show what would be fetched, and why; fetch nothing (the same as druidsync plan)", {
    alias: "n",
  }),
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
  "settle-wait": text("TIME", "how long to wait for segments that Druid is still loading or counting", {
    default: "20s",
    parse: duration,
  }),
  ...configFlags,
  ...logFormatArg,
} satisfies Flags
