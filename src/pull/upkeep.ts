/** What a round does without fetching a row: checkpoints proven anew, stretches kept or removed, a table renamed or made. */

import type { Interval, Part } from "../base/domain.ts"
import { anyOverlap } from "../base/intervals.ts"
import { windowOfText } from "../config/settings-digest.ts"
import type { DatasourceCommit } from "../store/rows/commit.ts"
import { commitApart } from "../store/rows/commit-apart.ts"
import { heldOfBroken } from "./broken.ts"
import type { Judged } from "./judge.ts"
import type { Ports } from "./ports.ts"
import { commitOf, needsEmptyTable, type Prepared } from "./prepare/prepare.ts"
import type { Progress, Run } from "./progress.ts"
import { passedOut } from "./window.ts"

export interface Upkeep extends Pick<DatasourceCommit, "refreshed" | "keep" | "remove"> {
  /** the file calls its table or its window something else than the config does, or it gets a table without a row */
  readonly reshapes: boolean
  /** in words: why nothing is deleted for `keep` */
  readonly doubt?: string | undefined
}

/** What a round knows of the upkeep of one datasource. */
export interface Kept {
  readonly progress: Progress
  /** undefined: it cannot be looked into for the moment */
  readonly prepared: Prepared | undefined
  readonly upkeep: Upkeep
}

export const NO_UPKEEP: Upkeep = { refreshed: [], keep: [], remove: [], reshapes: false }

export function hasUpkeep({ upkeep }: Pick<Kept, "upkeep">): boolean {
  const { refreshed, keep, remove, reshapes } = upkeep
  return reshapes || refreshed.length + keep.length + remove.length > 0
}

/** @throws DruidsyncError if Druid has to be asked what is gone, and does not answer */
export async function upkeepOf(ports: Ports, judged: Judged, prepared: Prepared): Promise<Upkeep> {
  const { settings, held, diff } = judged
  const { keep, remove } = await dropped(ports, judged)
  const { remove: past, doubt } = await passedOut(ports, judged)
  const isOther =
    held !== undefined &&
    (held.table !== settings.table || windowOfText(held.settings).keepMs !== settings.keepMs)
  return {
    refreshed: prepared.refreshed,
    keep: [...keep, ...heldOfBroken(judged.broken, toMark(judged))],
    remove: [...remove, ...diff.foreign, ...past],
    doubt,
    reshapes: isOther || needsEmptyTable(judged),
  }
}

/** Checkpoints that are to be marked where they are ours alone. One whose rows another program changed is counted anew. */
function toMark({ parts, changed = [] }: Judged): readonly Part[] {
  return [...parts.filter((part) => part.state !== "kept"), ...changed]
}

/** Stretches that Druid dropped while it has others: kept as ours alone, or removed, as the config says. */
async function dropped(
  ports: Ports,
  judged: Judged,
): Promise<{ keep: readonly Interval[]; remove: readonly Interval[] }> {
  const { settings, counts } = judged
  const { gone } = judged.diff
  // A day that counts no rows may lie on a server that is away: without segments nothing is known to be dropped.
  if (settings.deletions === "keep" || counts !== undefined) {
    return { keep: gone.filter(anyOverlap(toMark(judged).map((part) => part.interval))), remove: [] }
  }
  if (gone.length === 0) return { keep: [], remove: [] }
  // The metadata says dropped; nothing is deleted here while some server still answers with rows.
  const source = { datasource: settings.name, filter: undefined }
  const rows = await ports.catalog.counts(source, gone, ports.signal)
  return { keep: [], remove: gone.filter((_, n) => rows[n]!.all === 0) }
}

/**
 * Does the upkeep of all datasources, in one transaction. Where a table refuses, its datasource has failed.
 * @throws DruidsyncError what stops the whole run
 */
export async function doUpkeep({ ports, request }: Run, plans: readonly Kept[]): Promise<void> {
  const due = plans.flatMap(({ progress, prepared, upkeep }) =>
    prepared !== undefined && hasUpkeep({ upkeep })
      ? [{ progress, commit: { ...commitOf(prepared), ...upkeep } }]
      : [],
  )
  if (due.length === 0) return
  const run = { id: request.runId, nowMs: ports.clock.nowMs(), origin: ports.origin }
  const commits = due.map((one) => one.commit)
  const results = await commitApart(ports.engine, ports.file, commits, run, ports.signal)
  for (const [n, { progress }] of due.entries()) {
    const done = results[n]!
    if (done.error === undefined) progress.rowsDeleted += done.deleted
    else progress.error = done.error
  }
}
