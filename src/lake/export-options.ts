/** What an export is asked to do. */
import type { LakeFormat, LakePartitioning } from "./layout.ts"
import type { LakeOptions } from "./open.ts"

export interface ExportOptions extends LakeOptions {
  /** undefined: as the lake has it, else by month */
  readonly partitionBy: LakePartitioning | undefined
  /** undefined: as the lake has it, else Parquet */
  readonly fileFormat: LakeFormat | undefined
  /** write all partitions, also in another form than before */
  readonly rewrite: boolean
  readonly version: string
}
