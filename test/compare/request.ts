/** What `druidsync verify` asks for without further flags, but for the datasources. */
import type { VerifyRequest } from "../../src/compare/request.ts"

export const DEFAULT_REQUEST: Omit<VerifyRequest, "datasources"> = {
  runId: "verify-run",
  pull: {
    concurrency: 2,
    startConcurrency: 2,
    sliceRows: 1_000,
    spoolDir: undefined,
    spoolLimitBytes: 1 << 30,
    memoryLimitBytes: 5e8,
  },
  sinceMs: undefined,
  untilMs: undefined,
  deep: false,
  sample: undefined,
  seed: "seed",
  repair: false,
  settleWaitMs: 0,
}
