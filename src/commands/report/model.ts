/** Turns what the file says into what the page shows. Pure. */
import type { DatasourceStatus, LookupStatus } from "../../kit/status/document.ts"
import { type Note, standingOf, statusNotes } from "../../kit/status/notes.ts"
import { MARKS, type Mark, type Standing } from "../../kit/status/states.ts"
import { statusReport } from "../../kit/status/status.ts"
import { titlesIn } from "../../kit/text/list.ts"
import type { FileFacts, HeldStretch, TableFacts } from "../../store/notes/facts.ts"
import { type DatasourceSummary, ownerKey } from "../../store/notes/summary.ts"
import type { StoredColumn } from "../../store/notes/tables.ts"
import { type Bins, binned, type Mentioned } from "./page/bins.ts"

/** One row of the time line. */
export interface Lane {
  readonly mark: Mark
  readonly chunks: number
  /** undefined for what is missing, since we do not know it */
  readonly rows: number | undefined
}

export interface DatasourceModel {
  /** see `titlesIn` */
  readonly title: string
  readonly status: DatasourceStatus
  readonly standing: Standing
  /** what the reader should know */
  readonly notes: readonly Note[]
  readonly lanes: readonly Lane[]
  readonly bins: Bins | undefined
  readonly columns: readonly StoredColumn[]
  readonly facts: TableFacts
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
  readonly lookups: readonly LookupStatus[]
}

const NO_FACTS: TableFacts = { runs: [], runsInAll: 0, missing: [], changes: [], verifies: [] }

/** Bars of a page in all; each datasource gets its share of them, within limits. */
const BARS = 9_000

/**
 * @param nowMs when the report is made: "ago" counts from there
 * @param version of the program
 */
export function pageModel(facts: FileFacts, nowMs: number, version: string): PageModel {
  const { summary } = facts
  const report = statusReport(summary, nowMs)
  const most = Math.max(24, Math.min(160, Math.floor(BARS / Math.max(1, summary.datasources.length))))
  const title = titlesIn(summary.datasources)
  return {
    file: summary.path,
    bytes: summary.bytes,
    runner: summary.runner,
    nowMs,
    version,
    lookups: report.lookups ?? [],
    datasources: summary.datasources.map((one, n) => ({
      title: title(one),
      ...datasourceModel(
        one,
        report.datasources[n]!,
        // The table may be gone, and its checkpoints are still there.
        one.state === undefined ? [] : (facts.checkpoints.get(one.table) ?? []),
        facts.tables.get(ownerKey(one)) ?? NO_FACTS,
        most,
      ),
    })),
  }
}

function datasourceModel(
  summary: DatasourceSummary,
  status: DatasourceStatus,
  held: readonly HeldStretch[],
  facts: TableFacts,
  most: number,
): Omit<DatasourceModel, "title"> {
  const items: Mentioned[] = [
    ...held.map(({ interval, state, rows }) => ({ interval, mark: state, rows })),
    ...facts.missing.map(({ interval }): Mentioned => ({ interval, mark: "missing", rows: 0 })),
  ]
  const lanes = (Object.keys(MARKS) as Mark[]).flatMap((mark): Lane[] => {
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
    notes: statusNotes(status, facts.missing),
    lanes,
    bins: binned(items, most),
    columns: summary.state?.columns ?? [],
    facts,
  }
}
