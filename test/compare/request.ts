/** What `druidsync verify` asks for without further flags, but for the datasources. */
import type { VerifyRequest } from "../../src/commands/verify/verify.ts"
import { pullSettings } from "../support/pull-settings.ts"

export const DEFAULT_REQUEST: Omit<VerifyRequest, "datasources"> = {
  runId: "verify-run",
  pull: pullSettings(2),
  sinceMs: undefined,
  untilMs: undefined,
  deep: false,
  sample: undefined,
  seed: "seed",
  repair: false,
  settleWaitMs: 0,
}
