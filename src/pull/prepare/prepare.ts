/**
 * From metadata to what is fetched, for one datasource: asks what only Druid can answer and hands the answers to the pure
 * deciders of `plan/`.
 */

import type { Interval, Part, Slice, Work } from "../../base/domain.ts"
import { byStart } from "../../base/intervals.ts"
import { shareOf } from "../../base/shard.ts"
import type { DatasourceSettings } from "../../config/settings.ts"
import { settingsDigest, settingsText } from "../../config/settings-digest.ts"
import type { DatasourceCommit } from "../../store/rows/commit.ts"
import type { SchemaChange } from "../../store/rows/drift.ts"
import { makeRoom } from "../../store/rows/wide.ts"
import { chunksNow } from "../chunks-now.ts"
import type { Judged } from "../judge.ts"
import type { Reading } from "../pipeline/past-broker.ts"
import type { Run } from "../progress.ts"
import { sourceOf } from "../source.ts"
import { type Decided, Decisions } from "./decisions.ts"
import type { Learnt } from "./listed-columns.ts"
import type { Doubt } from "./measure.ts"
import { readShape, type Shape } from "./shape.ts"
import { sliceSize } from "./slice-size.ts"

/** A datasource's plan for one round, ready to be fetched. */
export interface Prepared extends Shape, Reading {
  readonly settings: DatasourceSettings
  readonly digest: string
  /** what is to be fetched; decided while it is fetched */
  readonly decisions: Decisions
  /** decided already: checkpoints that are renewed without a fetch, chunks of which nothing can be said now */
  readonly refreshed: readonly Part[]
  readonly doubtful: readonly Doubt[]
  /** rows of a slice */
  readonly sliceRows: number
  /** groups that a row becomes, from a sample; undefined if rows are copied, or none was taken */
  readonly groupsPerRow: number | undefined
}

/** A commit of this plan that does nothing yet. */
export function commitOf({ settings, schema }: Prepared): DatasourceCommit {
  const { name, table, hasSiblings } = settings
  return {
    target: { datasource: name, table, hasSiblings, settings: settingsText(settings), schema },
    slices: [],
    refreshed: [],
    keep: [],
    remove: [],
  }
}

/**
 * Asks Druid what has to be known before anything is fetched: the columns, the size of a slice. What is to be fetched is
 * decided afterwards, by and by (`decisions`).
 * @param only works to prepare (some may be left for later rounds)
 * @param learnt what this run has learnt of the columns
 * @throws DruidsyncError
 */
export async function prepare(
  { ports, request }: Pick<Run, "ports" | "request">,
  judged: Judged,
  only: readonly Work[],
  learnt?: Learnt,
): Promise<Prepared> {
  const { settings, held, diff } = judged
  const source = sourceOf(settings)
  const share = shareOf(settings.shard, settings.name)
  // Chunks of other shards keep ours no further apart than no chunk at all.
  const chunks = judged.chunks.filter((chunk) => share(chunk.interval) !== "none")
  const look = (intervals: readonly Interval[], signal: AbortSignal) =>
    chunksNow({ ...ports, signal }, settings, intervals)
  const decisions = new Decisions(ports, { source, chunks, share, look }, only, diff.recounts)
  const { refreshed, doubtful } = await decisions.untilWork(ports.signal)
  const renamed: SchemaChange[] =
    held === undefined || held.table === settings.table
      ? []
      : [{ kind: "renamed", from: held.table, to: settings.table }]
  const base = { settings, source, digest: settingsDigest(settings), decisions, refreshed, doubtful }
  if (decisions.isDone && refreshed.length === 0 && !needsEmptyTable(judged)) {
    const schema = held?.columns ?? []
    const size = { sliceRows: 0, rowBytes: undefined, groupsPerRow: undefined }
    const unread = { columns: [], isUniform: false, rowHash: undefined, ...size }
    return { ...base, ...unread, schema, changes: renamed, warnings: [] }
  }
  const works = decisions.candidates
  const shape = await readShape(ports, source, judged, works, learnt)
  if (request.pull.memoryLimitBytes === undefined) await makeRoom(ports.engine, shape.schema.length)
  const size = await sliceSize(ports, request, source, shape.columns, works)
  const { rows: sliceRows, rowBytes, groupsPerRow } = size
  return { ...base, ...shape, sliceRows, rowBytes, groupsPerRow, changes: [...renamed, ...shape.changes] }
}

/** Everything that is decided, at once: for where nothing of it is fetched meanwhile. @throws DruidsyncError */
export async function decideAll(prepared: Prepared, signal: AbortSignal): Promise<Decided> {
  const { decisions, sliceRows } = prepared
  const all = { slices: [] as Slice[], refreshed: [...prepared.refreshed], doubtful: [...prepared.doubtful] }
  while (!decisions.isDone) {
    const { slices, refreshed, doubtful } = await decisions.next(sliceRows, signal)
    all.slices.push(...slices)
    all.refreshed.push(...refreshed)
    all.doubtful.push(...doubtful)
  }
  all.slices.sort((a, b) => byStart(a.interval, b.interval))
  return all
}

/**
 * True where nothing is there to copy and there is no table yet: it gets an empty one, so that questions can be asked of
 * every datasource of the config. Such are a stream that is left out until it is handed off, a stretch of time without a
 * row, a shard without a day.
 */
export function needsEmptyTable({ held, diff, broken }: Pick<Judged, "held" | "diff" | "broken">): boolean {
  const { works, unavailable, cold, nothingActive } = diff
  // Of what no server has, Druid does not say the columns.
  const isIdle = works.length + unavailable.length + cold.length + broken.length === 0
  return held === undefined && isIdle && !nothingActive
}
