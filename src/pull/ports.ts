/** What the loop works with, made by the caller: the network, the file, the clock. Tests hand in their own. */
import type { Clock } from "../base/clock.ts"
import type { DatasourceSettings, Lookups, PullSettings } from "../config/settings.ts"
import type { Catalog } from "../druid/catalog.ts"
import type { DruidClient } from "../druid/client.ts"
import type { Engine } from "../store/engine.ts"
import type { DatabaseFile } from "../store/file/file.ts"
import type { Emit } from "./events.ts"
import type { PastBroker } from "./pipeline/past-broker.ts"
import type { TimeLimit } from "./time-limit.ts"

export interface Ports {
  readonly client: DruidClient
  readonly catalog: Catalog
  /** reads segments past the broker; undefined if the user did not ask for it */
  readonly direct?: PastBroker | undefined
  /** the cluster: host, port and base path; undefined: nothing is known of it */
  readonly origin?: string | undefined
  readonly engine: Engine
  /** another connection of the same engine: parses responses while the first one commits others */
  readonly loader: Engine
  readonly file: DatabaseFile
  /** private folder for response bodies */
  readonly spoolDir: string
  readonly clock: Clock
  readonly emit: Emit
  readonly signal: AbortSignal
}

/** What one run is asked to do. */
export interface PullRequest {
  readonly runId: string
  readonly datasources: readonly DatasourceSettings[]
  readonly pull: PullSettings
  /** fetch everything again */
  readonly full: boolean
  /** the file may hold rows of another cluster: what they were is there now. Default: false */
  readonly moved?: boolean
  /** limits of this run, over the datasource's own `since` */
  readonly sinceMs: bigint | undefined
  readonly untilMs: bigint | undefined
  /** Druid's lookups to copy. Default: none */
  readonly lookups?: Lookups | undefined
  /** how long segments that are being loaded or counted are waited for, ms */
  readonly settleWaitMs: number
  /** no new slice is begun once it is over */
  readonly limit?: TimeLimit | undefined
  /** where a copy of the file goes at the end; absolute */
  readonly publish?: string | undefined
  /** newest runs that the history keeps; default: all */
  readonly historyRuns?: number | undefined
}
