/** What `export` and `verify --lake` tell, as plain data: the documents of `--json`. */
import type { ExitCode } from "../base/errors.ts"
import type { LakeFormat, LakePartitioning } from "../store/lake.ts"
import type { PartitionState } from "./manifest.ts"

/** A partition that is not plainly complete. */
export interface UnsettledPartition {
  /** such as `year=2016/month=06` */
  readonly partition: string
  readonly state: PartitionState
  readonly reason: string
}

export interface TableExport {
  readonly datasource: string
  readonly table: string
  /** from the lake's folder */
  readonly folder: string
  readonly outcome: PartitionState
  /** why the datasource as a whole is not complete */
  readonly reason: string | undefined
  /** why all partitions were written, where they were written though their rows had not changed */
  readonly rewritten: string | undefined
  readonly partitionBy: LakePartitioning
  readonly keys: readonly string[]
  readonly fileFormat: LakeFormat
  /** partitions written now, such as `year=2016/month=06` */
  readonly written: readonly string[]
  readonly unchanged: number
  readonly removed: readonly string[]
  readonly rowsWritten: number
  readonly bytesWritten: number
  /** of the whole share, after this export */
  readonly rows: number
  readonly bytes: number
  readonly unsettled: readonly UnsettledPartition[]
  /** what a person should know */
  readonly notes: readonly string[]
}

/** What `export --json` prints; documented in docs/how-to/lake.md, `format` is raised when its meaning changes. */
export interface ExportReport {
  readonly format: 1
  readonly out: string
  readonly to: string
  readonly share: string
  readonly outcome: PartitionState
  readonly exitCode: ExitCode
  readonly started: string
  readonly durationMs: number
  readonly datasources: readonly TableExport[]
}

/** What is wrong with a partition of a lake. */
export type LakeFault =
  /** the manifest has it, the folder has not */
  | "missing"
  /** the file has not the size or the digest that was written down */
  | "damaged"
  /** a file with a name like ours that no manifest has */
  | "foreign"
  /** the DuckDB file changed since the export */
  | "stale"
  /** the DuckDB file has rows that were never exported */
  | "not-exported"
  /** the file is as it was written, and its rows are not those of the DuckDB file */
  | "different"

/** As `verify` marks: `*` differs, `+` only the DuckDB file has it, `-` only the lake has it. */
export type LakeMark = "*" | "+" | "-"

export interface PartitionFault {
  readonly path: string
  readonly mark: LakeMark
  readonly kind: LakeFault
  readonly duckdbRows: number | null
  readonly lakeRows: number | null
  /** columns whose values differ, as far as known */
  readonly columns: readonly string[]
  readonly detail: string
}

export interface TableVerification {
  readonly datasource: string
  readonly table: string
  readonly folder: string
  readonly outcome: "equal" | "different"
  /** partitions of this share, and those among them that are equal */
  readonly compared: number
  readonly equal: number
  /** rows of the partitions that are equal */
  readonly rows: number
  readonly faults: readonly PartitionFault[]
  /** other shares of the lake, which are compared with their own DuckDB files */
  readonly otherShares: readonly string[]
}

/** What `verify --lake --json` prints; documented in docs/how-to/lake.md. */
export interface LakeReport {
  readonly format: 1
  readonly out: string
  readonly lake: string
  readonly share: string
  readonly mode: "fingerprints" | "rows"
  readonly outcome: "equal" | "different"
  readonly exitCode: ExitCode
  readonly started: string
  readonly durationMs: number
  readonly datasources: readonly TableVerification[]
}
