/** What a file holds and how fresh it is, as a document: no network, nothing changed. */

import type { PartState } from "../../base/domain.ts"
import { intervalText } from "../../base/intervals.ts"
import { shardText } from "../../base/shard.ts"
import { formatDruidTime } from "../../base/time.ts"
import { shardOfText, windowOfText } from "../../config/settings-digest.ts"
import { windowStart } from "../../plan/window.ts"
import type { Engine } from "../../store/engine.ts"
import type { DatabaseFile } from "../../store/file/file.ts"
import { runHolder } from "../../store/file/run-holder.ts"
import type { HeldLookup } from "../../store/notes/lookups.ts"
import {
  type DatasourceSummary,
  type FileSummary,
  type PartGroup,
  readSummary,
} from "../../store/notes/summary.ts"
import type { DatasourceStatus, LookupStatus, StatusGroup, StatusReport } from "./document.ts"

/** @param nowMs where windows end */
export function statusReport(summary: FileSummary, nowMs: number): StatusReport {
  const datasources = summary.datasources.map((one) => datasourceStatus(one, summary.runner, nowMs))
  const lookups = summary.lookups.map(lookupStatus)
  return {
    format: 1,
    file: summary.path,
    bytes: summary.bytes,
    runner: summary.runner ?? null,
    isIncomplete:
      datasources.some((one) => one.isIncomplete) || lookups.some((one) => one.status === "failed"),
    datasources,
    ...(lookups.length === 0 ? {} : { lookups }),
  }
}

function lookupStatus({
  lookup,
  table,
  rows,
  status,
  message,
  changedMs,
  comparedMs,
}: HeldLookup): LookupStatus {
  const base = { lookup, table, rows, status, message: message ?? null }
  return { ...base, changed: new Date(changedMs).toISOString(), compared: new Date(comparedMs).toISOString() }
}

function datasourceStatus(
  one: DatasourceSummary,
  runner: string | undefined,
  nowMs: number,
): DatasourceStatus {
  const { state, lastRun, tableRows, isDropped, ahead } = one
  const newestMs = ahead === undefined ? state?.cursorMs : ahead.newestMs
  const shard = state === undefined ? undefined : shardOfText(state.settings)
  const { keepMs, every } = windowOfText(state?.settings ?? "")
  const start = windowStart(keepMs, nowMs, every)
  const parts: Partial<Record<PartState, StatusGroup>> = {}
  let chunks = 0
  for (const [name, group] of one.parts) {
    chunks += group.chunks
    if (name !== "complete") parts[name] = statusGroup(group)
  }
  const said = isDropped ? "dropped" : (state?.status ?? lastRun?.outcome ?? "unknown")
  // A run that is over has written how it ended; one that was killed could not.
  const status = said === "running" && runner === undefined ? "killed" : said
  const foreignRows =
    state !== undefined && tableRows !== undefined && tableRows !== state.rows ? tableRows : null
  return {
    datasource: one.datasource,
    table: state !== undefined || isDropped ? one.table : null,
    shard: shard === undefined ? null : shardText(shard),
    ...(keepMs === "all" || start === undefined ? {} : { window: { keepMs, start: formatDruidTime(start) } }),
    rows: state?.rows ?? 0,
    bytes: one.tableBytes ?? null,
    cursor: druidTime(state?.cursorMs),
    newest: druidTime(newestMs),
    ...(ahead === undefined ? {} : { aheadRows: ahead.rows }),
    status,
    message: (state === undefined ? lastRun?.message : state.message) ?? null,
    lastSuccess: iso(state?.lastSuccessMs),
    lastRun:
      lastRun === undefined
        ? null
        : {
            started: new Date(lastRun.startedMs).toISOString(),
            outcome: lastRun.outcome,
            durationMs: lastRun.durationMs ?? null,
            rowsFetched: lastRun.rowsFetched,
          },
    chunks,
    parts,
    foreignRows,
    isIncomplete:
      status !== "complete" ||
      parts.unproven !== undefined ||
      parts.stale !== undefined ||
      foreignRows !== null,
  }
}

function statusGroup(group: PartGroup): StatusGroup {
  return {
    chunks: group.chunks,
    rows: group.rows,
    intervals: group.intervals.map(intervalText),
  }
}

function druidTime(ms: bigint | undefined): string | null {
  return ms === undefined ? null : formatDruidTime(ms)
}

function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

/** @throws DruidsyncError `file` if there is no file, `foreign` if it is not druidsync's, `locked` */
export async function readStatus(
  engine: Engine,
  file: DatabaseFile,
  nowMs: number,
  signal: AbortSignal,
): Promise<StatusReport> {
  return statusReport(
    await readSummary(engine, file, () => runHolder(engine, file.path), nowMs, signal),
    nowMs,
  )
}
