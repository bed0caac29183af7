/** What a run tells while it works. The engine emits; `kit/` turns it into lines for people or machines. */
import type { ErrorCode } from "../base/errors.ts"
import type { StateAt } from "../store/notes/ahead.ts"
import type { PullReport } from "./document.ts"

export type SyncEvent =
  | { readonly type: "looking"; readonly url: string; readonly datasources: readonly string[] }
  /** work found for a datasource in this round; rows as far as Druid's metadata and counts tell */
  | {
      readonly type: "planned"
      readonly datasource: string
      readonly rows: number
      readonly slices: number
      readonly round: number
      /** beside what was found in this round before */
      readonly isMore?: boolean
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
  /** `held`: what the file holds now */
  | { readonly type: "finished"; readonly report: PullReport; readonly held?: StateAt }

export type Emit = (event: SyncEvent) => void
