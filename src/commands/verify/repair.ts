/**
 * Repairs stretches that differ: first marks their checkpoints stale, so that no later run trusts them whatever happens next,
 * then pulls their span, which fetches them again and proves them.
 */

import type { Interval } from "../../base/domain.ts"
import { hull } from "../../base/intervals.ts"
import type { Stretch } from "../../compare/stretches.ts"
import type { PullReport } from "../../pull/document.ts"
import type { Ports, PullRequest } from "../../pull/ports.ts"
import { pull } from "../../pull/run.ts"
import type { HeldState } from "../../store/notes/state.ts"
import { commit } from "../../store/rows/commit.ts"

/** What to repair of one datasource. */
export interface Damage {
  readonly stretches: readonly Stretch[]
  /** spans without a checkpoint that hold rows: they are cleared */
  readonly stray: readonly Interval[]
}

/**
 * @param request the pull's request, for this one datasource; its window is narrowed to the damage
 * @returns the pull's report, or undefined if nothing had to be fetched
 * @throws DruidsyncError
 */
export async function repair(
  ports: Ports,
  request: PullRequest,
  held: HeldState,
  damage: Damage,
): Promise<PullReport | undefined> {
  const { datasource, table, settings, columns } = held
  const marked = damage.stretches.map((stretch) => ({
    ...stretch.part,
    interval: stretch.interval,
    state: "stale" as const,
  }))
  await commit(
    ports.engine,
    ports.file,
    [
      {
        target: { datasource, table, settings, schema: columns },
        slices: [],
        refreshed: marked,
        keep: [],
        remove: damage.stray,
      },
    ],
    { id: request.runId, nowMs: ports.clock.nowMs(), origin: ports.origin },
    ports.signal,
  )
  if (damage.stretches.length === 0) return undefined
  const { start, end } = hull(damage.stretches.map((stretch) => stretch.interval))!
  // The pull's own summary would look like the result of the verification.
  const quiet: Ports = {
    ...ports,
    emit: (event) => {
      if (event.type !== "finished") ports.emit(event)
    },
  }
  return pull(quiet, { ...request, sinceMs: start, untilMs: end })
}
