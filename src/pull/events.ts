/** What a run tells while it works. The engine emits; `report/` turns it into lines for people or machines. */
import type { ErrorCode, ErrorReport } from "../base/errors.ts"
import type { Published } from "../store/file/publish.ts"
import type { Outcome } from "../store/notes/history.ts"
import type { Range } from "./describe.ts"

export type SyncEvent =
  | { readonly type: "looking"; readonly url: string; readonly datasources: readonly string[] }
  /** work found for a datasource in this round; rows as far as Druid's metadata tells */
  | {
      readonly type: "planned"
      readonly datasource: string
      readonly rows: number
      readonly slices: number
      readonly round: number
    }
  /** bytes of rows that arrived for a slice that is being fetched */
  | { readonly type: "received"; readonly datasource: string; readonly bytes: number }
  /** a slice's response is complete, not yet proven */
  | {
      readonly type: "fetched"
      readonly datasource: string
      readonly bytes: number
      readonly expectedRows: number
    }
  | {
      readonly type: "committed"
      readonly datasource: string
      readonly rows: number
      readonly slices: number
    }
  | {
      readonly type: "retry"
      readonly code?: ErrorCode
      readonly message: string
      readonly waitMs: number
      readonly attempt: number
    }
  | { readonly type: "waiting"; readonly message: string }
  | { readonly type: "warning"; readonly datasource?: string; readonly message: string }
  | { readonly type: "detail"; readonly message: string }
  | { readonly type: "finished"; readonly report: PullReport }

export type Emit = (event: SyncEvent) => void

/** A stretch that is not complete, and why. */
export interface Incomplete {
  /** as Druid writes intervals: `2016-06-27T00:00:00.000Z/2016-06-28T00:00:00.000Z` */
  readonly interval: string
  readonly reason: string
}

/** One datasource's part of the report. */
export interface DatasourceReport {
  readonly datasource: string
  readonly table: string
  readonly outcome: Outcome
  readonly error: ErrorReport | undefined
  readonly rowsFetched: number
  readonly rowsDeleted: number
  /** rows in the table after the run */
  readonly rows: number
  /** rows that may still change in Druid (realtime) */
  readonly provisionalRows: number
  /** rows that Druid dropped and we keep */
  readonly keptRows: number
  /** greatest stored `__time`, ISO, or null while there is no row */
  readonly cursor: string | null
  readonly bytes: number
  readonly slices: number
  readonly incomplete: readonly Incomplete[]
  /** intervals that should be served, and are by nobody now: also among the incomplete */
  readonly unavailable: readonly string[]
  /** intervals that the load rules keep on no server */
  readonly cold: readonly string[]
  readonly schemaChanges: readonly string[]
}

/** What `pull --json` prints; documented in the README, `format` is raised when its meaning changes. */
export interface PullReport {
  readonly format: 1
  readonly runId: string
  readonly out: string
  readonly outcome: Outcome
  readonly exitCode: number
  readonly started: string
  readonly durationMs: number
  readonly requests: number
  readonly rowsFetched: number
  /** with `--since` or `--until`: nothing else was looked at */
  readonly range?: Range
  readonly datasources: readonly DatasourceReport[]
  /** with `--publish` */
  readonly publish?: PublishReport
}

/** What became of the copy for readers. */
export interface PublishReport {
  readonly path: string
  /** `nothing`: there is no file yet; `skipped`: the run was interrupted */
  readonly outcome: Published | "failed" | "skipped"
  readonly error?: ErrorReport
}
