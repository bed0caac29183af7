/** How a pull of a test uses the machine: the defaults of the configuration, but for small slices and as few requests as given. */
import * as v from "valibot"
import { pullEntries } from "../../src/config/schema.ts"
import { named, type PullSettings } from "../../src/config/settings.ts"

/** @param concurrency also begun with, unless `given` says otherwise */
export function pullSettings(concurrency: number, given: Partial<PullSettings> = {}): PullSettings {
  const usual = named(pullEntries, v.parse(v.object(pullEntries), {}))
  const small = { sliceRows: 1_000, spoolLimitBytes: 1 << 30, memoryLimitBytes: 5e8 }
  return { ...usual, ...small, concurrency, startConcurrency: given.concurrency ?? concurrency, ...given }
}
