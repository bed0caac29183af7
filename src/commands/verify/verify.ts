/**
 * Druid against DuckDB: the loop over datasources, and the repair where one is asked for. Without `repair` nothing is
 * written to the file.
 */

import { concernsOneDatasource, DruidsyncError, ExitCode, worst } from "../../base/errors.ts"
import { anyOverlap } from "../../base/intervals.ts"
import {
  type BothSides,
  type CompareWish,
  type Comparison,
  comparison,
  NOTHING,
} from "../../compare/compare.ts"
import { strayStretches } from "../../compare/stray.ts"
import type { DatasourceSettings } from "../../config/settings.ts"
import { shardOfText } from "../../config/settings-digest.ts"
import { labelOf } from "../../config/table-name.ts"
import type { Inventory } from "../../druid/catalog.ts"
import { heldOf } from "../../pull/judge.ts"
import { refuseOtherCluster } from "../../pull/origin.ts"
import type { Ports, PullRequest } from "../../pull/ports.ts"
import { nothingActive, refuseEmptyRange } from "../../pull/refusals.ts"
import { partsOf } from "../../store/notes/checkpoints.ts"
import { type FileState, readState } from "../../store/notes/state.ts"
import type { ComparedStretch, DatasourceVerification, VerifyOutcome, VerifyReport } from "./document.ts"
import { type VerifiedLookup, verifyLookups } from "./lookups.ts"
import { comparedOf, strayCompared, verificationOf } from "./outcome.ts"
import { repair } from "./repair.ts"

/** What one verification is asked to do. */
export interface VerifyRequest
  extends Omit<CompareWish, "sliceRows">,
    Pick<PullRequest, "runId" | "datasources" | "pull" | "lookups" | "settleWaitMs"> {
  /** fetch again what differs, then compare it again */
  readonly repair: boolean
}

/**
 * @returns the report; its `exitCode`: 0 all compared is equal, 1 something differs, 3 something could not be compared,
 * 4 Druid refused a datasource
 * @throws DruidsyncError if nothing can be asked at all, or the file cannot be read
 */
export async function verify(ports: Ports, request: VerifyRequest): Promise<VerifyReport> {
  const startedMs = ports.clock.nowMs()
  refuseEmptyRange(request, startedMs)
  const numbering = { next: 1 }
  const state = await readState(ports.engine, ports.file, ports.signal)
  if (!ports.file.exists()) {
    throw new DruidsyncError("file", `${ports.file.path} is not there`, {
      exitCode: ExitCode.usage,
      hint: "pull first, or check --out",
    })
  }
  const inventory = await ports.catalog.inventory(ports.signal)
  if (request.repair) await refuseOtherCluster(ports, request, { state, inventory })
  const datasources: DatasourceVerification[] = []
  for (const settings of request.datasources) {
    datasources.push(await verifyOne(ports, request, settings, state, inventory, numbering))
  }
  const { lookups } = request
  const looked = lookups === undefined ? [] : await verifyLookups(ports, lookups, request)
  const { outcome, exitCode } = totalOf(datasources, looked)
  return {
    format: 1,
    out: ports.file.path,
    mode: request.deep ? "rows" : "fingerprints",
    sample: request.sample === undefined ? undefined : { ...request.sample, seed: request.seed },
    outcome,
    exitCode,
    started: new Date(startedMs).toISOString(),
    durationMs: Math.round(ports.clock.nowMs() - startedMs),
    requests: ports.client.requests,
    datasources: datasources.map(({ exitCode: _, ...rest }: Finished) => rest),
    ...(lookups === undefined ? {} : { lookups: looked.map(({ exitCode: _, ...rest }) => rest) }),
  }
}

/** With the exit code that an error of the datasource asks for. */
type Finished = DatasourceVerification & { exitCode?: ExitCode }

function totalOf(
  datasources: readonly Finished[],
  lookups: readonly VerifiedLookup[],
): { outcome: VerifyOutcome; exitCode: ExitCode } {
  const found: string[] = [...datasources, ...lookups].map(({ outcome }) => outcome)
  if (found.includes("missing")) found.push("incomplete")
  const outcome =
    (["different", "failed", "incomplete"] as const).find((one) => found.includes(one)) ?? "equal"
  return { outcome, exitCode: worst([...datasources.map(exitCodeOf), ...lookups.map((one) => one.exitCode)]) }
}

function exitCodeOf({ outcome, exitCode }: Finished): ExitCode {
  if (outcome === "different") return ExitCode.failed
  return exitCode ?? (outcome === "equal" ? ExitCode.ok : ExitCode.incomplete)
}

async function verifyOne(
  ports: Ports,
  request: VerifyRequest,
  settings: DatasourceSettings,
  state: FileState,
  inventory: Inventory,
  numbering: { next: number },
): Promise<Finished> {
  const held = heldOf(state, settings)
  const table = held?.table ?? settings.table
  try {
    if (!inventory.segments.lists(settings.name)) {
      if (settings.isMatched !== true) throw await nothingActive(ports, settings, held)
      const parts =
        held === undefined ? [] : await ports.file.read(() => partsOf(ports.engine, held.table), ports.signal)
      const skipped = parts.map(({ interval, rows }) => ({ interval, rows, kind: "kept" as const }))
      return verificationOf(settings, table, { ...NOTHING, skipped })
    }
    if (held === undefined) {
      throw new DruidsyncError("unknown-datasource", `${ports.file.path} holds nothing of it`, {
        exitCode: ExitCode.incomplete,
        hint: "pull it first",
      })
    }
    const unlisted = state.unlisted.get(table) ?? new Map()
    // The file itself says which shard it holds.
    const sides = { settings: { ...settings, shard: shardOfText(held.settings) }, held, inventory, unlisted }
    const first = await comparison(ports, wishOf(request), sides, numbering)
    if (!request.repair || first.differing.length + first.stray.length === 0)
      return verificationOf(settings, table, first)
    const { found, repaired } = await repairing(ports, request, sides, first, numbering)
    return verificationOf(settings, table, found, repaired)
  } catch (error) {
    ports.signal.throwIfAborted()
    if (!concernsOneDatasource(error)) throw error
    return {
      ...verificationOf(settings, table, NOTHING),
      outcome: "failed",
      error: error.toJSON(),
      exitCode: error.exitCode,
    }
  }
}

function wishOf(request: VerifyRequest): CompareWish {
  return { ...request, sliceRows: request.pull.sliceRows }
}

/** Repairs what differs and compares it again. */
async function repairing(
  ports: Ports,
  request: VerifyRequest,
  { settings, held, unlisted }: BothSides,
  first: Comparison,
  numbering: { next: number },
): Promise<{ found: Comparison; repaired: ComparedStretch[] }> {
  const wanted: PullRequest = {
    runId: request.runId,
    datasources: [settings],
    pull: request.pull,
    full: false,
    sinceMs: undefined,
    untilMs: undefined,
    settleWaitMs: request.settleWaitMs,
  }
  const stretches = first.differing.map(({ stretch }) => stretch)
  const parts = await ports.file.read(() => partsOf(ports.engine, held.table), ports.signal)
  const stray = strayStretches(
    first.stray,
    parts.map((part) => part.interval),
  )
  const report = await repair(ports, wanted, held, { stretches, stray })
  const problem = report?.datasources[0]?.error
  if (problem !== undefined) {
    const message = ["repair", problem.message, ...(problem.hint === undefined ? [] : [problem.hint])].join(
      ": ",
    )
    ports.emit({ type: "warning", ...labelOf(settings), message })
  }
  const state = await readState(ports.engine, ports.file, ports.signal)
  const inventory = await ports.catalog.inventory(ports.signal)
  const now = {
    settings,
    held: heldOf(state, settings)!,
    inventory,
    unlisted,
  }
  const only = stretches.map((stretch) => stretch.interval)
  const again = await comparison(ports, wishOf(request), now, numbering, only)
  // Marked stale by the repair and still stale: the pull did not succeed, so these still differ.
  const isStale = anyOverlap(
    again.skipped.filter(({ kind }) => kind === "stale").map(({ interval }) => interval),
  )
  const failed = first.differing.filter(({ stretch }) => isStale(stretch.interval))
  const isOpen = anyOverlap(
    [...again.differing.map(({ stretch }) => stretch), ...again.skipped].map(({ interval }) => interval),
  )
  const healed = first.differing.filter(({ stretch }) => !isOpen(stretch.interval))
  const cleared = first.stray.filter(
    (one) => !again.stray.some((other) => other.interval?.start === one.interval?.start),
  )
  return {
    found: {
      ...first,
      equal: [...first.equal, ...again.equal],
      differing: [...again.differing, ...failed],
      stray: again.stray,
      skipped: [...first.skipped, ...again.skipped.filter(({ kind }) => kind !== "stale")],
    },
    repaired: [...healed.map(comparedOf), ...cleared.map(strayCompared)],
  }
}
