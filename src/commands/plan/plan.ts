/** The plan of a pull, without fetching a row: what `plan` and `--dry-run` show. Changes nothing anywhere. */

import type { Work } from "../../base/domain.ts"
import { concernsOneDatasource, type DruidsyncError, ExitCode, worst } from "../../base/errors.ts"
import { intervalText } from "../../base/intervals.ts"
import { sumOf } from "../../base/lists.ts"
import type { DatasourceSettings } from "../../config/settings.ts"
import { chunkBytes, estimatedRows } from "../../plan/chunks.ts"
import { sizeOf } from "../../plan/slices.ts"
import {
  caveatsOf,
  describeBroken,
  describeChange,
  describeDoubt,
  describeGone,
  describeReason,
  describeStretches,
  describeUnavailable,
  rangeOf,
} from "../../pull/describe.ts"
import { differsOf, heldOf, isGone, judge, type Look } from "../../pull/judge.ts"
import { lookAt } from "../../pull/look.ts"
import { plannedLookups, wantedLookups } from "../../pull/lookups.ts"
import { refuseOtherCluster } from "../../pull/origin.ts"
import { mostAdded } from "../../pull/pipeline/past-broker.ts"
import type { Ports, PullRequest } from "../../pull/ports.ts"
import type { Decided } from "../../pull/prepare/decisions.ts"
import { decideAll, type Prepared, prepare } from "../../pull/prepare/prepare.ts"
import { nothingActive, refuseEmptyRange, refuseForeignTable, refuseOtherShard } from "../../pull/refusals.ts"
import { withBroken } from "../../pull/unanswered.ts"
import { type PassedOut, passedOut } from "../../pull/window.ts"
import { readPresent } from "../../store/notes/present.ts"
import { readBytesPerRow } from "../../store/notes/summary.ts"
import type { SchemaChange } from "../../store/rows/drift.ts"
import type { DryRun, PlannedDatasource, PlannedStretch } from "./document.ts"

/** @throws DruidsyncError if nothing can be asked at all */
export async function dryRun(ports: Ports, request: PullRequest): Promise<DryRun> {
  refuseEmptyRange(request, ports.clock.nowMs())
  const state = await readPresent(ports.engine, ports.file, ports.signal)
  refuseOtherShard(ports.file.path, request, state)
  const bytesPerRow = await readBytesPerRow(ports.engine, ports.file, ports.signal)
  const inventory = await ports.catalog.inventory(ports.signal)
  await refuseOtherCluster(ports, request, { state, inventory })
  const look = await lookAt(ports, request, inventory, state)
  const datasources: PlannedDatasource[] = []
  const codes: ExitCode[] = []
  for (const settings of request.datasources) {
    const { planned, exitCode } = await planOne(
      ports,
      request,
      settings,
      look,
      bytesPerRow.get(heldOf(state, settings)?.table ?? settings.table),
    )
    datasources.push(planned)
    codes.push(exitCode)
  }
  const { lookups } = request
  const wanted = lookups === undefined ? [] : await wantedLookups(ports, lookups, request.datasources)
  for (const { problem } of wanted) if (problem !== undefined) codes.push(problem.exitCode)
  const range = rangeOf(request)
  return {
    format: 1,
    out: ports.file.path,
    exitCode: worst(codes),
    ...(range === undefined ? {} : { range }),
    datasources,
    ...(lookups === undefined ? {} : { lookups: plannedLookups(wanted) }),
  }
}

async function planOne(
  ports: Ports,
  request: PullRequest,
  settings: DatasourceSettings,
  look: Look,
  bytesPerRow: number | undefined,
): Promise<{ planned: PlannedDatasource; exitCode: ExitCode }> {
  const subject = await withBroken(ports, differsOf(settings, look))
  const judged = judge(subject, request, [], ports.clock.nowMs(), mostAdded(ports, request))
  const { diff, held } = judged
  const texts = (chunks: readonly { interval: Parameters<typeof intervalText>[0] }[]) =>
    chunks.map((chunk) => intervalText(chunk.interval))
  const gone = isGone(judged)
  let prepared: Prepared | undefined
  let decided: Decided = { slices: [], refreshed: [], doubtful: [] }
  let past: PassedOut = { remove: [], doubt: undefined }
  let error: DruidsyncError | undefined
  try {
    refuseForeignTable(ports.file.path, settings, look.state)
    if (diff.nothingActive && !gone) throw await nothingActive(ports, settings, held)
    if (!gone) {
      prepared = await prepare({ ports, request }, judged, diff.works)
      decided = await decideAll(prepared, ports.signal)
      past = await passedOut(ports, judged)
    }
  } catch (thrown) {
    ports.signal.throwIfAborted()
    if (!concernsOneDatasource(thrown)) throw thrown
    error = thrown
  }
  const { slices, refreshed, doubtful } = decided
  const broken = judged.broken.map((one) => ({ interval: one.interval, reason: describeBroken(one) }))
  const { direct } = ports
  const would =
    direct === undefined || prepared === undefined
      ? undefined
      : await direct.wouldFetch(prepared, slices, ports.signal)
  const fetch = slices.flatMap((slice, n) => slice.works.map((work) => stretch(work, n + 1, would?.[n])))
  const rows = sumOf(slices, (slice) => slice.rows)
  const groupsPerRow = prepared?.groupsPerRow
  const groups = groupsPerRow === undefined ? undefined : Math.round(rows * groupsPerRow)
  const planned: PlannedDatasource = {
    datasource: settings.name,
    table: settings.table,
    isNew: held === undefined,
    fetch,
    slices: slices.length,
    rows,
    ...(groups === undefined ? {} : { groups }),
    segmentBytes: sumOf(fetch, (one) => one.segmentBytes),
    downloadBytes: bytesPerRow === undefined ? null : Math.round((groups ?? rows) * bytesPerRow),
    unchangedChunks: diff.unchanged,
    provenByCount: refreshed.length,
    unavailable: [
      ...diff.unavailable.map((chunk) => ({
        interval: intervalText(chunk.interval),
        reason: describeUnavailable(chunk),
      })),
      ...doubtful.map((doubt) => ({
        interval: intervalText(doubt.chunk.interval),
        reason: describeDoubt(doubt),
      })),
    ],
    cold: texts(diff.cold),
    excluded: texts(diff.excluded),
    dropped: gone ? [] : diff.gone.map(intervalText),
    deletions: settings.deletions,
    ...(judged.window === undefined ? {} : { passedOut: past.remove.map(intervalText) }),
    schemaChanges: (prepared?.changes ?? []).map((change: SchemaChange) => describeChange(change)),
    warnings: [
      ...caveatsOf(judged),
      ...broken.map((one) => describeStretches([one])),
      ...(prepared?.warnings ?? []),
      ...(gone ? [describeGone(held?.rows ?? 0)] : []),
      ...(past.doubt === undefined ? [] : [past.doubt]),
    ],
    ...(broken.length === 0
      ? {}
      : { broken: broken.map(({ interval, reason }) => ({ interval: intervalText(interval), reason })) }),
    error: error?.toJSON(),
  }
  const isShort = planned.unavailable.length > 0
  return { planned, exitCode: error?.exitCode ?? (isShort ? ExitCode.incomplete : ExitCode.ok) }
}

/** @param isDirect data nodes would be asked; undefined: that is not what the user wants */
function stretch(work: Work, slice: number, isDirect: boolean | undefined): PlannedStretch {
  return {
    interval: intervalText(work.interval),
    slice,
    rows: work.added === undefined ? (work.expectedRows ?? null) : sizeOf(work),
    segmentBytes: shareOfBytes(work),
    reason: describeReason(work.reason),
    ...(isDirect === undefined ? {} : { way: isDirect ? ("data nodes" as const) : ("broker" as const) }),
    kind: work.reason.kind,
  }
}

/** A piece of a chunk has the share of its bytes that it has of its rows; of its time, where rows are not known. */
function shareOfBytes({ chunk, interval, expectedRows, added }: Work): number {
  if (added !== undefined) return chunkBytes({ interval, segments: added.segments })
  const rows = estimatedRows(chunk)
  const ofTime = Number(interval.end - interval.start) / Number(chunk.interval.end - chunk.interval.start)
  const share = expectedRows === undefined || rows === 0 ? ofTime : expectedRows / rows
  return Math.round(chunkBytes(chunk) * Math.min(1, share))
}
