/** From what the file says to what the page shows: pure. */
import type { PartState } from "../../base/domain.ts"
import type { DatasourceStatus } from "../../kit/status/document.ts"
import { statusReport } from "../../kit/status/status.ts"
import { intervalsWords } from "../../kit/text/words.ts"
import type { DatasourceFacts, FileFacts, MissingFact } from "../../store/notes/facts.ts"
import type { StoredColumn } from "../../store/notes/state.ts"
import type { DatasourceSummary } from "../../store/notes/summary.ts"
import { type Bins, binned, type Mark, type Mentioned } from "./page/bins.ts"

/** How much attention something asks for. */
export type Tone = "good" | "warn" | "bad" | "idle"

export interface Standing {
  readonly tone: Tone
  readonly words: string
}

/** One row of the time line. */
export interface Lane {
  readonly mark: Mark
  readonly chunks: number
  /** undefined for what is missing: nobody knows */
  readonly rows: number | undefined
}

export interface DatasourceModel {
  readonly status: DatasourceStatus
  readonly standing: Standing
  /** what a person should know, the worst first */
  readonly notes: readonly { readonly tone: Tone; readonly subject: string; readonly text: string }[]
  readonly lanes: readonly Lane[]
  readonly bins: Bins | undefined
  readonly columns: readonly StoredColumn[]
  readonly facts: DatasourceFacts
}

export interface PageModel {
  /** path of the DuckDB file */
  readonly file: string
  readonly bytes: number
  readonly runner: string | undefined
  /** when the report is made, epoch ms */
  readonly nowMs: number
  readonly version: string
  readonly datasources: readonly DatasourceModel[]
}

/** The marks in the order of the lanes. */
export const MARKS: readonly Mark[] = ["complete", "provisional", "unproven", "stale", "kept", "missing"]

const NO_FACTS: DatasourceFacts = { runs: [], runsInAll: 0, missing: [], changes: [], verifies: [] }

/** Bars of a page in all; each datasource gets its share of them, within limits. */
const BARS = 9_000

/**
 * @param nowMs when the report is made: "ago" counts from there
 * @param version of the program
 */
export function pageModel(facts: FileFacts, nowMs: number, version: string): PageModel {
  const { summary } = facts
  const report = statusReport(summary)
  const most = Math.max(24, Math.min(160, Math.floor(BARS / Math.max(1, summary.datasources.length))))
  return {
    file: summary.path,
    bytes: summary.bytes,
    runner: summary.runner,
    nowMs,
    version,
    datasources: summary.datasources.map((one, n) =>
      datasourceModel(one, report.datasources[n]!, facts.datasources.get(one.datasource) ?? NO_FACTS, most),
    ),
  }
}

function datasourceModel(
  summary: DatasourceSummary,
  status: DatasourceStatus,
  facts: DatasourceFacts,
  most: number,
): DatasourceModel {
  const parts = summary.state?.parts ?? []
  const items: Mentioned[] = [
    ...parts.map(({ interval, state, rows }) => ({ interval, mark: state, rows })),
    ...facts.missing.map(({ interval }): Mentioned => ({ interval, mark: "missing", rows: 0 })),
  ]
  const lanes = MARKS.flatMap((mark): Lane[] => {
    if (mark === "missing") {
      const chunks = facts.missing.length
      return chunks === 0 ? [] : [{ mark, chunks, rows: undefined }]
    }
    const group = summary.parts.get(mark)
    return group === undefined ? [] : [{ mark, chunks: group.chunks, rows: group.rows }]
  })
  return {
    status,
    standing: standingOf(status),
    notes: notesOf(summary, status, facts),
    lanes,
    bins: binned(items, most),
    columns: summary.state?.columns ?? [],
    facts,
  }
}

const STANDINGS: Readonly<Record<string, Standing>> = {
  complete: { tone: "good", words: "Complete" },
  incomplete: { tone: "warn", words: "Incomplete" },
  interrupted: { tone: "warn", words: "Interrupted" },
  killed: { tone: "warn", words: "Killed" },
  failed: { tone: "bad", words: "Failed" },
  dropped: { tone: "bad", words: "Table dropped" },
  running: { tone: "idle", words: "Running" },
}

/** A word and its tone for how a run or a datasource ended. */
export function outcomeStanding(outcome: string): Standing {
  return Object.hasOwn(STANDINGS, outcome) ? STANDINGS[outcome]! : { tone: "idle", words: outcome }
}

function standingOf(status: DatasourceStatus): Standing {
  if (status.foreignRows !== null) return { tone: "bad", words: "Changed from outside" }
  if (status.status === "complete" && status.isIncomplete) return { tone: "warn", words: "Not all proven" }
  return outcomeStanding(status.status)
}

const PART_WORDS: Readonly<Record<Exclude<PartState, "complete">, { tone: Tone; text: string }>> = {
  unproven: { tone: "warn", text: "are stored, but not proven: Druid had not counted them yet" },
  stale: { tone: "warn", text: "are old, still whole: the next pull replaces them" },
  provisional: { tone: "idle", text: "are realtime: they may still change in Druid" },
  kept: { tone: "idle", text: "are here alone: Druid dropped them" },
}

function notesOf(
  summary: DatasourceSummary,
  status: DatasourceStatus,
  { missing }: DatasourceFacts,
): DatasourceModel["notes"] {
  const notes: { tone: Tone; subject: string; text: string }[] = []
  const { tone, words } = outcomeStanding(status.status)
  if (status.status === "killed") {
    const text = "its last run was killed; what is stored is whole, the next pull goes on from there"
    notes.push({ tone, subject: words, text })
  } else if (status.status === "dropped") {
    notes.push({ tone, subject: words, text: "the next pull fetches all of it again" })
  } else if (status.message !== null && !missing.some((one) => one.reason === status.message)) {
    notes.push({ tone: tone === "good" ? "idle" : tone, subject: words, text: status.message })
  }
  if (status.foreignRows !== null) {
    notes.push({
      tone: "bad",
      subject: "Changed by another program",
      text: `the table has ${status.foreignRows} rows, druidsync stored ${status.rows}; druidsync pull --full brings it back`,
    })
  }
  for (const [reason, stretches] of byReason(missing)) {
    const where = intervalsWords(stretches.map((one) => one.interval))
    notes.push({ tone: "warn", subject: `Missing: ${where}`, text: reason })
  }
  for (const state of ["unproven", "stale", "provisional", "kept"] as const) {
    const group = summary.parts.get(state)
    if (group === undefined) continue
    const { tone, text } = PART_WORDS[state]
    const rows = group.rows === 1 ? "row" : "rows"
    notes.push({ tone, subject: `${group.rows} ${rows} (${intervalsWords(group.intervals)})`, text })
  }
  return notes
}

/** Few reasons: the rest is told by its number. */
const MOST_REASONS = 5

function byReason(missing: readonly MissingFact[]): [string, MissingFact[]][] {
  const groups = new Map<string, MissingFact[]>()
  for (const one of missing) groups.set(one.reason, [...(groups.get(one.reason) ?? []), one])
  const all = [...groups]
  if (all.length <= MOST_REASONS) return all
  const rest = all.slice(MOST_REASONS - 1)
  return [
    ...all.slice(0, MOST_REASONS - 1),
    [`${rest.length} other reasons, see _sync_missing`, rest.flatMap(([, stretches]) => stretches)],
  ]
}
