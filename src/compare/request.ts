/** What one verification is asked to do. */
import type { DatasourceSettings, PullSettings } from "../config/settings.ts"
import type { Sample } from "./sample.ts"

export interface VerifyRequest {
  readonly runId: string
  readonly datasources: readonly DatasourceSettings[]
  readonly pull: PullSettings
  readonly sinceMs: bigint | undefined
  readonly untilMs: bigint | undefined
  /** compare rows, not fingerprints */
  readonly deep: boolean
  readonly sample: Sample | undefined
  /** the sample's seed */
  readonly seed: string
  /** fetch again what differs, then compare it again */
  readonly repair: boolean
  /** as for a pull: how long a repair waits for segments that are being loaded, ms */
  readonly settleWaitMs: number
}
