/** What one verification is asked to do. */
import type { CompareWish } from "../../compare/compare.ts"
import type { DatasourceSettings, PullSettings } from "../../config/settings.ts"

export interface VerifyRequest extends Omit<CompareWish, "sliceRows"> {
  readonly runId: string
  readonly datasources: readonly DatasourceSettings[]
  readonly pull: PullSettings
  /** fetch again what differs, then compare it again */
  readonly repair: boolean
  /** as for a pull: how long a repair waits for segments that are being loaded, ms */
  readonly settleWaitMs: number
}
