/** The report on a table that was exported: how sure its rows are, what was written and why. Pure. */
import { sumOf } from "../base/lists.ts"
import type { HeldTable } from "../store/notes/holdings.ts"
import type { TableExport } from "./document.ts"
import { type Manifest, type ManifestPartition, type PartitionState, schemaChange } from "./manifest.ts"
import type { TableNow } from "./now.ts"
import type { Target } from "./target.ts"

/** The state of a whole: that of its least sure part. */
export function leastSure(states: readonly PartitionState[]): PartitionState {
  if (states.includes("incomplete")) return "incomplete"
  return states.includes("provisional") ? "provisional" : "complete"
}

/** How sure the rows of a table are, and why where no partition says so. */
export interface TableState {
  readonly outcome: PartitionState
  readonly reason: string | undefined
}

/** @param partitions of the manifest. @param now what the table and its checkpoints have */
export function tableState(
  table: Pick<HeldTable, "status" | "message">,
  partitions: readonly ManifestPartition[],
  now: Pick<TableNow, "chunks" | "rows" | "timeless">,
): TableState {
  const { chunks, rows, timeless } = now
  const pulled = sumOf(chunks, (chunk) => chunk.rows)
  const because = (reason: string) => ({ outcome: "incomplete" as const, reason })
  if (timeless > 0)
    return because(`${timeless} rows without a time were left out: another program changed the table`)
  if (pulled !== rows) return because("its rows are not those that were pulled: another program changed them")
  if (table.status !== "complete") {
    return because(
      table.status === "running"
        ? "a pull is under way, or was killed"
        : `its last pull was ${table.status}${table.message === undefined ? "" : `: ${table.message}`}`,
    )
  }
  // Checkpoints may stand out of the partitions that have rows.
  if (chunks.some(({ state }) => state === "stale" || state === "unproven"))
    return { outcome: "incomplete", reason: undefined }
  return { outcome: leastSure(partitions.map(({ state }) => state)), reason: undefined }
}

/** What the report on an exported table is made from. */
export interface Exported extends TableState {
  readonly target: Target
  readonly columns: HeldTable["columns"]
  /** the manifest of before, if any */
  readonly before: Manifest | undefined
  /** number of partitions that the table has */
  readonly partitions: number
  /** the manifest's lines of now, and those among them that were written */
  readonly lines: readonly ManifestPartition[]
  readonly written: readonly ManifestPartition[]
  /** paths of files that were deleted */
  readonly removed: readonly string[]
  /** all was to be written again */
  readonly rewrite: boolean
}

export function exportedTable(exported: Exported): TableExport {
  const { target, before, lines, written, removed } = exported
  const { table, folderName, partitionBy, keys, fileFormat, notes, moved } = target
  const unsettled = lines
    .filter((line) => line.state !== "complete")
    .map(({ path, state, reason = "" }) => ({ partition: folderOf(path), state, reason }))
  const change = before === undefined ? undefined : schemaChange(before.columns, exported.columns)
  const asked = exported.rewrite && before !== undefined ? "--rewrite" : undefined
  return {
    datasource: table.datasource,
    table: table.table,
    folder: folderName,
    outcome: exported.outcome,
    reason: exported.reason,
    rewritten: written.length === 0 ? undefined : (asked ?? moved ?? change),
    partitionBy,
    keys,
    fileFormat,
    written: written.map((line) => folderOf(line.path)),
    unchanged: exported.partitions - written.length,
    removed: [...new Set(removed.map(folderOf))],
    rowsWritten: sumOf(written, (line) => line.rows),
    bytesWritten: sumOf(written, (line) => line.bytes),
    rows: sumOf(lines, (line) => line.rows),
    bytes: sumOf(lines, (line) => line.bytes),
    unsettled: unsettled.sort((a, b) => (a.partition < b.partition ? -1 : 1)),
    notes,
  }
}

const folderOf = (path: string) => path.split("/").slice(0, -1).join("/")

/** A table that another program dropped or changed. */
export function leftTable(table: HeldTable): TableExport {
  return {
    datasource: table.datasource,
    table: table.table,
    folder: "",
    outcome: "incomplete",
    reason: `${table.unreadable}; the lake was left as it is`,
    rewritten: undefined,
    partitionBy: "month",
    keys: [],
    fileFormat: "parquet",
    written: [],
    unchanged: 0,
    removed: [],
    rowsWritten: 0,
    bytesWritten: 0,
    rows: 0,
    bytes: 0,
    unsettled: [],
    notes: [],
  }
}
