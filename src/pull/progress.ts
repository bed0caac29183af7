/** What a run knows of each datasource while it works, and the report made of it at the end. Pure. */

import type { Interval, PartState } from "../base/domain.ts"
import { type DruidsyncError, ExitCode, worst } from "../base/errors.ts"
import { intervalText } from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"
import { formatDruidTime } from "../base/time.ts"
import type { DatasourceSettings } from "../config/settings.ts"
import type { Outcome } from "../store/notes/history.ts"
import { type FileState, rowsIn } from "../store/notes/state.ts"
import type { Unlisted } from "../store/notes/unlisted.ts"
import { rangeOf } from "./describe.ts"
import type { DatasourceReport, Incomplete, LookupReport, PublishReport, PullReport } from "./document.ts"
import { heldOf } from "./judge.ts"
import type { InFlight } from "./pipeline/in-flight.ts"
import type { Ports, PullRequest } from "./ports.ts"
import { OUT_OF_TIME } from "./time-limit.ts"

/** A stretch that is not complete, and why, in words. */
export interface Stretch {
  /** undefined: all of the datasource may be */
  readonly interval: Interval | undefined
  readonly reason: string
}

/** What became of the copy for readers, for the report and for the exit code. */
export interface PublishOutcome {
  readonly report: PublishReport
  readonly error: DruidsyncError | undefined
}

export interface Progress {
  readonly settings: DatasourceSettings
  rowsFetched: number
  /** of them, those that came from data nodes */
  rowsPastBroker: number
  rowsDeleted: number
  bytes: number
  slices: number
  /** stretches that this run has committed */
  readonly committed: Interval[]
  /** starts of realtime chunks that this run has counted */
  readonly recounted: Set<bigint>
  /** names of columns of which rows with several values arrived although metadata knew of none */
  readonly severalValues: Set<string>
  /** columns that segments hold and Druid's SQL does not show; undefined if that was not looked at */
  unlisted: Unlisted | undefined
  /** segments that were added to a chunk could not be fetched alone: from then on their chunks are fetched whole */
  fetchesWhole: boolean
  /** as of the last round */
  incomplete: Stretch[]
  unavailable: readonly Interval[]
  cold: readonly Interval[]
  /** of which Druid answers nothing, whatever is waited for */
  broken: readonly (Stretch & { readonly interval: Interval })[]
  /** a pattern matched it, and Druid lists it no more */
  isGone: boolean
  /** what this way of looking at Druid cannot see */
  caveats: readonly string[]
  readonly schemaChanges: Set<string>
  readonly warnings: Set<string>
  error: DruidsyncError | undefined
}

/** What one run works with, from its beginning to its end. */
export interface Run {
  readonly ports: Ports
  readonly request: PullRequest
  /** one per table of the request, in its order */
  readonly progress: readonly Progress[]
  readonly startedMs: number
  /** what became of the lookups, once all datasources are done */
  readonly lookups: LookupReport[]
  /** counts spool files and staging tables */
  readonly numbering: { next: number }
  /** how many requests for rows may be under way; learns as they go */
  readonly inFlight: InFlight
}

export function newProgress(settings: DatasourceSettings): Progress {
  return {
    settings,
    rowsFetched: 0,
    rowsPastBroker: 0,
    rowsDeleted: 0,
    bytes: 0,
    slices: 0,
    committed: [],
    recounted: new Set(),
    severalValues: new Set(),
    unlisted: undefined,
    fetchesWhole: false,
    incomplete: [],
    unavailable: [],
    cold: [],
    broken: [],
    isGone: false,
    caveats: [],
    schemaChanges: new Set(),
    warnings: new Set(),
    error: undefined,
  }
}

/** We never got to planning, so any part of the datasource may be missing. */
export function noteOutOfTime(one: Progress): void {
  one.incomplete.push({ interval: undefined, reason: OUT_OF_TIME })
}

export function outcomeOf(one: Progress, interrupted: boolean): Outcome {
  if (one.error !== undefined) return "failed"
  if (interrupted) return "interrupted"
  return one.incomplete.length > 0 ? "incomplete" : "complete"
}

/** The worst of all datasources decides. */
function exitCodeOf(progress: readonly Progress[], interrupted: boolean): ExitCode {
  if (interrupted) return ExitCode.interrupted
  return worst(
    progress.map(
      ({ error, incomplete }) =>
        error?.exitCode ?? (incomplete.length > 0 ? ExitCode.incomplete : ExitCode.ok),
    ),
  )
}

/** How a run ended. */
export interface Ending {
  /** what the file holds now */
  readonly state: FileState
  readonly interrupted: boolean
  /** what became of the copy for readers, where one was asked for */
  readonly published: PublishOutcome | undefined
}

export function reportOf(run: Run, { state, interrupted, published }: Ending): PullReport {
  const { ports, request, progress, startedMs } = run
  const ownCode = worst([
    exitCodeOf(progress, interrupted),
    ...run.lookups.map((one) => one.exitCode ?? ExitCode.ok),
  ])
  // A missing copy is worse than rows that come with the next run. A failure of the pull itself takes precedence.
  const isMild = ownCode === ExitCode.ok || ownCode === ExitCode.incomplete
  const exitCode = isMild ? (published?.error?.exitCode ?? ownCode) : ownCode
  const durationMs = ports.clock.nowMs() - startedMs
  const range = rangeOf(request)
  const outcomes = [
    ...progress.map((one) => outcomeOf(one, interrupted)),
    ...run.lookups.flatMap(({ outcome, exitCode: code }) =>
      outcome !== "failed"
        ? []
        : code === ExitCode.incomplete
          ? ["incomplete" as const]
          : ["failed" as const],
    ),
  ]
  const outcome = (["interrupted", "failed", "incomplete"] as const).find((one) => outcomes.includes(one))
  return {
    format: 1,
    runId: request.runId,
    out: ports.file.path,
    outcome: outcome ?? "complete",
    exitCode,
    started: new Date(startedMs).toISOString(),
    durationMs: Math.round(durationMs),
    requests: ports.client.requests,
    rowsFetched: sumOf(progress, (one) => one.rowsFetched),
    ...(range === undefined ? {} : { range }),
    datasources: progress.map((one) => datasourceReport(one, state, interrupted)),
    ...(request.lookups === undefined ? {} : { lookups: run.lookups }),
    ...(published === undefined ? {} : { publish: published.report }),
  }
}

function datasourceReport(one: Progress, state: FileState, interrupted: boolean): DatasourceReport {
  const held = heldOf(state, one.settings)
  const rows = (state: PartState) => (held === undefined ? 0 : rowsIn(held, state))
  return {
    datasource: one.settings.name,
    table: one.settings.table,
    outcome: outcomeOf(one, interrupted),
    error: one.error?.toJSON(),
    rowsFetched: one.rowsFetched,
    rowsPastBroker: one.rowsPastBroker,
    rowsDeleted: one.rowsDeleted,
    rows: held?.rows ?? 0,
    provisionalRows: rows("provisional"),
    keptRows: rows("kept"),
    cursor: held?.cursorMs === undefined ? null : formatDruidTime(held.cursorMs),
    bytes: one.bytes,
    slices: one.slices,
    incomplete: one.incomplete.map(stretchText),
    unavailable: one.unavailable.map(intervalText),
    cold: one.cold.map(intervalText),
    ...(one.broken.length === 0 ? {} : { broken: one.broken.map(stretchText) }),
    schemaChanges: [...one.schemaChanges],
    ...(one.isGone ? { isGone: true as const } : {}),
  }
}

function stretchText({ interval, reason }: Stretch): Incomplete {
  return { interval: interval === undefined ? "" : intervalText(interval), reason }
}
