/** What a run knows of each datasource while it works, and the report made of it at the end. Pure. */
import type { DatasourceSettings } from "../config/settings.ts"
import type { Interval } from "../domain.ts"
import { type DruidsyncError, ExitCode } from "../errors.ts"
import type { Outcome } from "../store/history.ts"
import type { FileState } from "../store/state.ts"
import { formatDruidTime } from "../time.ts"
import type { DatasourceReport, Incomplete, PullReport } from "./events.ts"
import type { Ports, PullRequest } from "./ports.ts"

export interface Progress {
  readonly settings: DatasourceSettings
  rowsFetched: number
  rowsDeleted: number
  bytes: number
  slices: number
  /** stretches that this run has committed */
  readonly committed: Interval[]
  /** starts of realtime chunks that this run has counted */
  readonly recounted: Set<bigint>
  /** names of columns of which rows with several values arrived although metadata knew of none */
  readonly severalValues: Set<string>
  /** as of the last round */
  incomplete: Incomplete[]
  cold: string[]
  /** what this way of looking at Druid cannot see */
  caveat: string | undefined
  readonly schemaChanges: Set<string>
  readonly warnings: Set<string>
  error: DruidsyncError | undefined
}

export function newProgress(settings: DatasourceSettings): Progress {
  return {
    settings,
    rowsFetched: 0,
    rowsDeleted: 0,
    bytes: 0,
    slices: 0,
    committed: [],
    recounted: new Set(),
    severalValues: new Set(),
    incomplete: [],
    cold: [],
    caveat: undefined,
    schemaChanges: new Set(),
    warnings: new Set(),
    error: undefined,
  }
}

export function outcomeOf(one: Progress, interrupted: boolean): Outcome {
  if (one.error !== undefined) return "failed"
  if (interrupted) return "interrupted"
  return one.incomplete.length > 0 ? "incomplete" : "complete"
}

/** The worst of all datasources decides. */
export function exitCodeOf(progress: readonly Progress[], interrupted: boolean): ExitCode {
  if (interrupted) return ExitCode.interrupted
  const errors = progress.flatMap((one) => (one.error === undefined ? [] : [one.error.exitCode]))
  for (const code of [ExitCode.failed, ExitCode.locked, ExitCode.usage, ExitCode.refused]) {
    if (errors.includes(code)) return code
  }
  return errors.length > 0 || progress.some((one) => one.incomplete.length > 0)
    ? ExitCode.incomplete
    : ExitCode.ok
}

export function reportOf(
  ports: Ports,
  request: PullRequest,
  progress: readonly Progress[],
  state: FileState,
  startedMs: number,
  interrupted: boolean,
): PullReport {
  const exitCode = exitCodeOf(progress, interrupted)
  const durationMs = ports.clock.nowMs() - startedMs
  const outcomes = progress.map((one) => outcomeOf(one, interrupted))
  const worst = (["interrupted", "failed", "incomplete"] as const).find((outcome) =>
    outcomes.includes(outcome),
  )
  return {
    format: 1,
    runId: request.runId,
    out: ports.file.path,
    outcome: worst ?? "complete",
    exitCode,
    started: new Date(startedMs).toISOString(),
    durationMs: Math.round(durationMs),
    requests: ports.client.requests,
    rowsFetched: progress.reduce((sum, one) => sum + one.rowsFetched, 0),
    datasources: progress.map((one) => datasourceReport(one, state, interrupted)),
  }
}

function datasourceReport(one: Progress, state: FileState, interrupted: boolean): DatasourceReport {
  const held = state.datasources.get(one.settings.name)
  const rowsIn = (wanted: string) =>
    (held?.parts ?? []).reduce((sum, part) => (part.state === wanted ? sum + part.rows : sum), 0)
  const { error } = one
  return {
    datasource: one.settings.name,
    table: one.settings.table,
    outcome: outcomeOf(one, interrupted),
    error:
      error === undefined
        ? undefined
        : {
            code: error.code,
            message: error.message,
            ...(error.hint === undefined ? {} : { hint: error.hint }),
          },
    rowsFetched: one.rowsFetched,
    rowsDeleted: one.rowsDeleted,
    rows: held?.rows ?? 0,
    provisionalRows: rowsIn("provisional"),
    keptRows: rowsIn("kept"),
    cursor: held?.cursorMs === undefined ? null : formatDruidTime(held.cursorMs),
    bytes: one.bytes,
    slices: one.slices,
    incomplete: one.incomplete,
    cold: one.cold,
    schemaChanges: [...one.schemaChanges],
  }
}
