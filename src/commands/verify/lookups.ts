/** Lookups of Druid against their tables, each compared as a whole; where asked for, one that differs is replaced. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import type { Lookups } from "../../config/settings.ts"
import { type WantedLookup, wantedLookups, withStagedLookup } from "../../pull/lookups.ts"
import type { Ports, PullRequest } from "../../pull/ports.ts"
import { compareLookup, replaceLookup } from "../../store/rows/lookup-table.ts"
import type { LookupVerification } from "./document.ts"

/** What a verification of lookups is asked to do. */
interface LookupRequest extends Pick<PullRequest, "runId" | "datasources" | "pull"> {
  /** replace those that differ */
  readonly repair: boolean
}

/** The same of one. */
interface OneLookup extends LookupRequest {
  /** the user asked for it by name */
  readonly isNamed: boolean
}

/** What became of one, and the exit code that it asks for. */
export type VerifiedLookup = LookupVerification & { readonly exitCode: ExitCode }

/** @throws DruidsyncError if the file cannot be read; the signal's reason */
export async function verifyLookups(
  ports: Ports,
  lookups: Lookups,
  request: LookupRequest,
): Promise<VerifiedLookup[]> {
  const isOwn = ports.spoolDir !== ""
  // A run that only looks has no folder: one of its own, for this user alone.
  const spoolDir = isOwn ? ports.spoolDir : await mkdtemp(join(tmpdir(), "druidsync-"))
  try {
    const found: VerifiedLookup[] = []
    for (const wanted of await wantedLookups(ports, lookups, request.datasources))
      found.push(await verifyOne({ ...ports, spoolDir }, wanted, { ...request, isNamed: lookups !== "*" }))
    return found
  } finally {
    if (!isOwn) await rm(spoolDir, { recursive: true, force: true })
  }
}

async function verifyOne(
  ports: Ports,
  wanted: WantedLookup,
  { runId, repair, pull, isNamed }: OneLookup,
): Promise<VerifiedLookup> {
  const { engine, file, signal, clock } = ports
  const { lookup, table, held, problem, isGone } = wanted
  const base = { lookup, table, rows: held?.rows ?? 0 }
  try {
    if (problem !== undefined) throw problem
    if (isGone) return { ...base, outcome: "kept", exitCode: ExitCode.ok }
    return await withStagedLookup(ports, pull, wanted, async (staged): Promise<VerifiedLookup> => {
      const difference = await compareLookup(engine, file, staged, signal)
      if (difference === "same") return { ...base, outcome: "equal", exitCode: ExitCode.ok }
      if (repair) {
        await replaceLookup(engine, file, staged, { id: runId, nowMs: clock.nowMs() }, signal)
        return { ...base, rows: staged.rows, outcome: "repaired", exitCode: ExitCode.ok }
      }
      return difference === "none"
        ? { ...base, outcome: "missing", exitCode: ExitCode.incomplete }
        : { ...base, outcome: "different", exitCode: ExitCode.failed }
    })
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof DruidsyncError)) throw error
    if (error.code === "lookup" && !isNamed)
      return { ...base, outcome: "unlistable", error: error.toJSON(), exitCode: ExitCode.ok }
    return { ...base, outcome: "failed", error: error.toJSON(), exitCode: error.exitCode }
  }
}
