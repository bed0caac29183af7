/**
 * Druid's lookups, each whole: fetched by every run, between two counts, and compared with its table by a fingerprint. A
 * lookup has no segments that would tell whether it changed. One that Druid lists no more is kept, and said.
 */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { Column } from "../base/domain.ts"
import { concernsOneDatasource, DruidsyncError, ExitCode } from "../base/errors.ts"
import { fold, quoteName } from "../base/names.ts"
import { nearest } from "../base/nearest.ts"
import { clash, tableOwners } from "../config/lookups.ts"
import type { Lookups, PullSettings } from "../config/settings.ts"
import { lookupTable } from "../config/table-name.ts"
import { countLookup, readLookupNames, spoolLookup } from "../druid/lookups.ts"
import { type HeldLookup, heldLookups, type Looked, noteLooked } from "../store/notes/lookups.ts"
import { compareLookup, replaceLookup, type StagedLookup } from "../store/rows/lookup-table.ts"
import { dropStaged, stage } from "../store/rows/stage.ts"
import type { LookupReport, PlannedLookup } from "./document.ts"
import type { Ports, PullRequest } from "./ports.ts"
import { retrying } from "./retry.ts"
import { OUT_OF_TIME } from "./time-limit.ts"

/** A lookup that is asked for, and what is known of it before it is read. */
export interface WantedLookup {
  readonly lookup: string
  readonly table: string
  /** what the file has of it */
  readonly held: HeldLookup | undefined
  /** it cannot be copied; undefined if it is to be read */
  readonly problem: DruidsyncError | undefined
  /** Druid does not list it, and the file has it */
  readonly isGone: boolean
}

/**
 * Which lookups are asked for, beside what Druid lists and what the file holds. Where Druid does not say what it has, that is
 * the problem of each.
 * @param datasources of the configuration, whose tables come first
 * @throws DruidsyncError if the file cannot be read; the signal's reason
 */
export async function wantedLookups(
  ports: Pick<Ports, "client" | "engine" | "file" | "signal">,
  lookups: Lookups,
  datasources: PullRequest["datasources"],
): Promise<WantedLookup[]> {
  const { client, engine, file, signal } = ports
  const held = await heldLookups(engine, file, signal)
  try {
    return wantedOf(lookups, await readLookupNames(client, signal), held, datasources)
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof DruidsyncError)) throw error
    const names = held.map(({ lookup }) => lookup)
    const asked = lookups !== "*" ? lookups : names.length > 0 ? names : ["*"]
    return wantedOf(asked, asked, held, datasources).map((one) => ({ ...one, problem: error }))
  }
}

/** The same, of names that Druid's SQL lists. Pure. */
export function wantedOf(
  lookups: Lookups,
  listed: readonly string[],
  held: readonly HeldLookup[],
  datasources: PullRequest["datasources"],
): WantedLookup[] {
  const byName = new Map(held.map((one) => [one.lookup, one]))
  const names = lookups === "*" ? [...new Set([...listed, ...byName.keys()])].sort() : lookups
  const owners = tableOwners(datasources)
  return names.map((lookup) => {
    const table = lookupTable(lookup)
    const has = byName.get(lookup)
    const owner = owners.get(fold(table))
    owners.set(fold(table), `the lookup ${JSON.stringify(lookup)}`)
    const isListed = listed.includes(lookup)
    const clashing =
      owner === undefined
        ? undefined
        : new DruidsyncError("config", clash(owner, lookup), {
            hint: 'name the lookups that you want in "lookups"',
          })
    const missing = isListed || has !== undefined ? undefined : unlistedLookup(lookup, listed)
    return { lookup, table, held: has, problem: clashing ?? missing, isGone: !isListed && has !== undefined }
  })
}

/** What a pull would do with each, for commands that only look. */
export function plannedLookups(wanted: readonly WantedLookup[]): PlannedLookup[] {
  return wanted.map(({ lookup, table, held, problem, isGone }) => ({
    lookup,
    table,
    standing: problem !== undefined ? "failed" : isGone ? "gone" : held === undefined ? "new" : "held",
    ...(problem === undefined ? {} : { error: problem.toJSON() }),
  }))
}

function unlistedLookup(lookup: string, listed: readonly string[]): DruidsyncError {
  const guess = nearest(lookup, listed)
  const meant = guess === undefined ? "" : `did you mean ${JSON.stringify(guess)}? If not: `
  return new DruidsyncError("lookup", `Druid's SQL lists no lookup "${lookup}"`, {
    exitCode: ExitCode.refused,
    hint: `${meant}check its name, its tier and the user's permission; a broker lists it once it has loaded it`,
  })
}

/** What is said of a lookup that Druid lists no more. */
const GONE = "Druid lists it no more; its table is kept as it is"

/**
 * Brings the lookups of the request into the file, one after the other.
 * @returns a report of each; what went wrong with one is in it
 * @throws the signal's reason
 */
export async function pullLookups(ports: Ports, request: PullRequest): Promise<LookupReport[]> {
  const { lookups } = request
  if (lookups === undefined) return []
  const all = await wantedLookups(ports, lookups, request.datasources)
  const reports: LookupReport[] = []
  const looked: Looked[] = []
  /** what ends the run ends all lookups after it */
  let fatal: DruidsyncError | undefined
  for (const wanted of all) {
    const { lookup, table, isGone } = wanted
    const rows = wanted.held?.rows ?? 0
    try {
      if (fatal !== undefined) throw fatal
      if (wanted.problem !== undefined) throw wanted.problem
      if (request.limit?.isOver() === true)
        throw new DruidsyncError("unavailable", OUT_OF_TIME, { exitCode: ExitCode.incomplete })
      const report: LookupReport = isGone
        ? { lookup, table, outcome: "gone", rows }
        : { lookup, table, ...(await bring(ports, request, wanted)) }
      reports.push(report)
      if (isGone) {
        looked.push({ lookup, status: "gone", message: GONE })
        ports.emit({ type: "warning", message: `lookup "${lookup}": ${GONE}` })
      } else if (report.outcome === "unchanged")
        looked.push({ lookup, status: "complete", message: undefined })
    } catch (error) {
      ports.signal.throwIfAborted()
      if (!(error instanceof DruidsyncError)) throw error
      if (!concernsOneDatasource(error)) fatal = error
      // With "*" nobody asked for this one by name: it is said, and no reason for an exit code.
      const isSaid = lookups === "*" && error.code === "lookup"
      reports.push({
        lookup,
        table,
        outcome: isSaid ? "unlistable" : "failed",
        rows,
        error: error.toJSON(),
        exitCode: isSaid ? ExitCode.ok : error.exitCode,
      })
      if (wanted.held !== undefined) looked.push({ lookup, status: "failed", message: error.message })
      if (isSaid) ports.emit({ type: "warning", message: error.message })
    }
  }
  if (fatal === undefined) await noteLooked(ports.engine, ports.file, looked, ports.clock.nowMs())
  return reports
}

/** Reads one, and replaces its table where that differs. */
async function bring(
  ports: Ports,
  request: Pick<PullRequest, "runId" | "pull">,
  wanted: Pick<WantedLookup, "lookup" | "table">,
): Promise<Pick<LookupReport, "outcome" | "rows">> {
  return withStagedLookup(ports, request.pull, wanted, async (staged) => {
    const { engine, file, signal, clock } = ports
    const difference = await compareLookup(engine, file, staged, signal)
    if (difference !== "same")
      await replaceLookup(engine, file, staged, { id: request.runId, nowMs: clock.nowMs() }, signal)
    const outcome = ({ same: "unchanged", other: "replaced", none: "new" } as const)[difference]
    return { outcome, rows: staged.rows }
  })
}

const COLUMNS = ["k", "v"].map((name): Column => {
  return {
    name,
    target: name,
    druidType: "STRING",
    sqlType: "VARCHAR",
    multiValue: false,
    duckdbType: "VARCHAR",
  }
})

/** In the engine's own database; one lookup at a time. */
const STAGED = "lookup"

/**
 * Reads a lookup into a staging table, proven: the response is whole, and Druid counts its rows before and after it. It is
 * alone on the spool, whose limit holds.
 * @throws DruidsyncError after the last try; `query` if the lookup does not fit the spool
 */
export async function withStagedLookup<T>(
  ports: Ports,
  { spoolLimitBytes }: Pick<PullSettings, "spoolLimitBytes">,
  { lookup, table }: Pick<WantedLookup, "lookup" | "table">,
  work: (staged: StagedLookup) => Promise<T>,
): Promise<T> {
  const { client, engine, signal, clock, emit } = ports
  const path = join(ports.spoolDir, "lookup.jsonl")
  const read = async () => {
    let taken = 0
    const onBytes = (bytes: number) => {
      taken += bytes
      if (taken > spoolLimitBytes) throw tooBig(lookup, spoolLimitBytes)
    }
    try {
      const before = await countLookup(client, lookup, signal)
      await spoolLookup(client, lookup, path, { signal, onBytes })
      const after = await countLookup(client, lookup, signal)
      const { rows } = await stage(engine, STAGED, path, COLUMNS, [])
      if (before === rows && after === rows) return rows
      const said = `${before} entries before and ${after} after ${rows} were read`
      throw new DruidsyncError("count-mismatch", `lookup "${lookup}": Druid counted ${said}`, {
        exitCode: ExitCode.incomplete,
        retryable: true,
      })
    } finally {
      await rm(path, { force: true })
    }
  }
  const onRetry = (error: DruidsyncError, waitMs: number, attempt: number) =>
    emit({ type: "retry", code: error.code, message: error.message, waitMs, attempt })
  try {
    const rows = await retrying(read, { sleep: clock.sleep, signal, onRetry })
    return await work({ lookup, table, staged: quoteName(STAGED), rows })
  } finally {
    await dropStaged(engine, STAGED).catch(() => undefined)
  }
}

function tooBig(lookup: string, limitBytes: number): DruidsyncError {
  const limit = `${Math.round(limitBytes / 1e6)} MB`
  return new DruidsyncError("query", `lookup "${lookup}" is too big for the spool (limit ${limit})`, {
    hint: 'raise "spoolLimit", or take it out of "lookups"',
  })
}
