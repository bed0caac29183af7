/** One run from its beginning to its end: the rounds, the note in the file's history, the copy for readers, the report. */

import { DruidsyncError, messageOf } from "../base/errors.ts"
import { stateAt } from "../store/notes/ahead.ts"
import { recordRun } from "../store/notes/history.ts"
import { EMPTY_STATE, type FileState } from "../store/notes/state.ts"
import { describeStretches } from "./describe.ts"
import type { PullReport } from "./document.ts"
import { pullLookups } from "./lookups.ts"
import { InFlight } from "./pipeline/in-flight.ts"
import type { Ports, PullRequest } from "./ports.ts"
import { newProgress, noteOutOfTime, outcomeOf, type Progress, type Run, reportOf } from "./progress.ts"
import { publishAfter } from "./publish.ts"
import { Rounds } from "./rounds.ts"

/**
 * Pulls every datasource of the request.
 * @returns the report; its `exitCode` says how it went. Errors that concern one datasource are in its report.
 * @throws DruidsyncError if nothing at all can be done (no connection, no file, locked)
 */
export async function pull(ports: Ports, request: PullRequest): Promise<PullReport> {
  const { concurrency, startConcurrency } = request.pull
  const run: Run = {
    ports,
    request,
    progress: request.datasources.map(newProgress),
    startedMs: ports.clock.nowMs(),
    lookups: [],
    numbering: { next: 1 },
    inFlight: new InFlight({ start: startConcurrency, most: concurrency }),
  }
  let interrupted = false
  try {
    await new Rounds(run).run()
    run.lookups.push(...(await pullLookups(ports, request)))
  } catch (error) {
    // Wrong usage is no run: the file is left as it is, history included.
    if (error instanceof DruidsyncError && error.code === "usage") throw error
    const outOfTime = ports.signal.aborted && ports.signal.reason === request.limit?.cut.reason
    if (outOfTime) for (const one of run.progress) noteOutOfTime(one)
    interrupted = ports.signal.aborted && !outOfTime
    const concerns = error instanceof DruidsyncError ? error : new DruidsyncError("bug", messageOf(error))
    for (const one of run.progress) one.error ??= ports.signal.aborted ? undefined : concerns
    // Still record the outcome. If that fails too, report the first error. If we timed out waiting for the file, do not
    // wait a second time.
    if (!ports.signal.aborted) {
      if (concerns.code !== "locked") await record(run, false).catch(() => undefined)
      throw error
    }
  }
  const state = await record(run, interrupted)
  // Numbers for people and dashboards: no run fails for them.
  const held = await stateAt(ports.engine, ports.file, state, ports.clock.nowMs()).catch(() => undefined)
  const published = await publishAfter(ports, request, interrupted)
  request.limit?.stop()
  const report = reportOf(run, { state, interrupted, published })
  ports.emit({ type: "finished", report, ...(held === undefined ? {} : { held }) })
  return report
}

/** What a person should know of a datasource that is complete; undefined: nothing. */
function worthKnowing({ caveats, broken }: Progress): string | undefined {
  const all = [...caveats, ...(broken.length === 0 ? [] : [describeStretches(broken)])]
  return all.length === 0 ? undefined : all.join("; ")
}

/** Writes the run down in the file's history. @returns what the file holds now */
function record({ ports, request, progress, startedMs }: Run, interrupted: boolean): Promise<FileState> {
  const finishedMs = ports.clock.nowMs()
  // A run that has nothing to remember leaves no file behind.
  const isBlank = progress.every(({ slices, unlisted }) => slices + (unlisted?.size ?? 0) === 0)
  if (!ports.file.exists() && isBlank) return Promise.resolve(EMPTY_STATE)
  return recordRun(
    ports.engine,
    ports.file,
    request.runId,
    progress.map((one) => ({
      datasource: one.settings.name,
      table: one.settings.table,
      outcome: outcomeOf(one, interrupted),
      startedMs,
      finishedMs,
      rowsFetched: one.rowsFetched,
      rowsDeleted: one.rowsDeleted,
      bytes: one.bytes,
      slices: one.slices,
      message:
        one.error?.message ?? one.incomplete[0]?.reason ?? (interrupted ? "interrupted" : worthKnowing(one)),
      unlisted: one.unlisted,
      missing: [...one.incomplete, ...one.broken].flatMap(({ interval, reason }) =>
        interval === undefined ? [] : [{ interval, reason }],
      ),
    })),
    { keepRuns: request.historyRuns, origin: ports.origin },
  )
}
