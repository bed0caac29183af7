/** What a run tells while it works. The engine emits; `kit/` turns it into lines for people or machines. */
import type { ErrorCode } from "../base/errors.ts"
import type { Label } from "../config/table-name.ts"
import type { StateAt } from "../store/notes/ahead.ts"
import type { PullReport } from "./document.ts"

export type SyncEvent =
  | { readonly type: "looking"; readonly url: string; readonly datasources: readonly string[] }
  /** work found for a table in this round; rows as far as Druid's metadata and counts tell */
  | (Label & {
      readonly type: "planned"
      readonly rows: number
      readonly slices: number
      readonly round: number
      /** beside what was found in this round before */
      readonly isMore?: boolean
    })
  /** bytes of rows that arrived for a slice that is being fetched */
  | (Label & { readonly type: "received"; readonly bytes: number })
  /** a slice's response is complete, not yet proven */
  | (Label & { readonly type: "fetched"; readonly bytes: number; readonly expectedRows: number })
  | (Label & { readonly type: "committed"; readonly rows: number; readonly slices: number })
  | {
      readonly type: "retry"
      readonly code?: ErrorCode
      readonly message: string
      readonly waitMs: number
      readonly attempt: number
    }
  | { readonly type: "waiting"; readonly message: string }
  | (Partial<Label> & { readonly type: "warning"; readonly message: string })
  | { readonly type: "detail"; readonly message: string }
  /** `held`: what the file holds now */
  | { readonly type: "finished"; readonly report: PullReport; readonly held?: StateAt }

export type Emit = (event: SyncEvent) => void
