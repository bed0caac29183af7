/** The plan of a pull, without fetching a row: what `plan` and `--dry-run` show. */
import type { Part } from "../domain.ts"
import { DruidsyncError, ExitCode } from "../errors.ts"
import { chunkBytes } from "../plan/chunks.ts"
import { readState } from "../store/state.ts"
import { describeChange, describeReason, describeUnavailable, intervalText } from "./describe.ts"
import { judge } from "./judge.ts"
import type { Ports, PullRequest } from "./ports.ts"
import { prepare } from "./prepare.ts"

/** A stretch that a pull would fetch. */
export interface PlannedStretch {
  /** as Druid writes intervals */
  readonly interval: string
  /** as far as Druid's metadata tells; null where only a count can */
  readonly rows: number | null
  /** bytes in Druid's deep storage of the chunk it belongs to */
  readonly segmentBytes: number
  readonly reason: string
  readonly kind: string
}

export interface PlannedDatasource {
  readonly datasource: string
  readonly table: string
  readonly fetch: readonly PlannedStretch[]
  readonly slices: number
  readonly rows: number
  readonly unchangedChunks: number
  /** checkpoints that a count alone has proven: they are renewed without a fetch */
  readonly provenByCount: number
  readonly unavailable: readonly { readonly interval: string; readonly reason: string }[]
  readonly cold: readonly string[]
  /** stretches that Druid dropped */
  readonly dropped: readonly string[]
  readonly deletions: "keep" | "mirror"
  readonly schemaChanges: readonly string[]
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string } | undefined
}

export interface DryRun {
  readonly format: 1
  readonly out: string
  readonly exitCode: number
  readonly datasources: readonly PlannedDatasource[]
}

/** @throws DruidsyncError where nothing can be asked at all */
export async function dryRun(ports: Ports, request: PullRequest): Promise<DryRun> {
  const state = await readState(ports.engine, ports.file, ports.signal)
  const inventory = await ports.catalog.inventory(ports.signal)
  const datasources: PlannedDatasource[] = []
  let exitCode: number = ExitCode.ok
  for (const settings of request.datasources) {
    const held = state.datasources.get(settings.name)
    const judged = judge(settings, request, inventory, held, [])
    const base = {
      datasource: settings.name,
      table: settings.table,
      unchangedChunks: judged.diff.unchanged,
      unavailable: judged.diff.unavailable.map((chunk) => ({
        interval: intervalText(chunk.interval),
        reason: describeUnavailable(chunk),
      })),
      cold: judged.diff.cold.map((chunk) => intervalText(chunk.interval)),
      dropped: judged.diff.gone.map(intervalText),
      deletions: settings.deletions,
    }
    if (base.unavailable.length > 0 && exitCode === ExitCode.ok) exitCode = ExitCode.incomplete
    try {
      if (judged.diff.nothingActive) {
        throw new DruidsyncError(
          "unknown-datasource",
          `Druid lists no segment of datasource "${settings.name}"`,
          {
            exitCode: ExitCode.refused,
          },
        )
      }
      const prepared = await prepare(ports, request, settings, judged, judged.diff.works, inventory, held)
      const works = prepared.slices.flatMap((slice) => slice.works)
      datasources.push({
        ...base,
        fetch: works.map((work) => ({
          interval: intervalText(work.interval),
          rows: work.expectedRows ?? null,
          segmentBytes: chunkBytes(work.chunk),
          reason: describeReason(work.reason),
          kind: work.reason.kind,
        })),
        slices: prepared.slices.length,
        rows: prepared.slices.reduce((sum, slice) => sum + slice.rows, 0),
        provenByCount: (prepared.refreshed as readonly Part[]).length,
        schemaChanges: prepared.changes.map(describeChange),
        error: undefined,
      })
    } catch (error) {
      ports.signal.throwIfAborted()
      if (!(error instanceof DruidsyncError) || error.exitCode === ExitCode.failed) throw error
      exitCode = error.exitCode
      datasources.push({
        ...base,
        fetch: [],
        slices: 0,
        rows: 0,
        provenByCount: 0,
        schemaChanges: [],
        error: {
          code: error.code,
          message: error.message,
          ...(error.hint === undefined ? {} : { hint: error.hint }),
        },
      })
    }
  }
  return { format: 1, out: ports.file.path, exitCode, datasources }
}
