/** Reports to render, with what a test does not care about filled in. */
import type { DatasourceReport, PullReport } from "../../src/pull/document.ts"

export function datasource(name: string, rest: Partial<DatasourceReport> = {}): DatasourceReport {
  return {
    datasource: name,
    table: name.replaceAll(/[^A-Za-z0-9_]/g, "_"),
    outcome: "complete",
    error: undefined,
    rowsFetched: 0,
    rowsPastBroker: 0,
    rowsDeleted: 0,
    rows: 24_112,
    provisionalRows: 0,
    keptRows: 0,
    cursor: "2016-06-27T21:31:02.498Z",
    bytes: 0,
    slices: 0,
    incomplete: [],
    unavailable: [],
    cold: [],
    schemaChanges: [],
    ...rest,
  }
}

export function report(datasources: readonly DatasourceReport[], rest: Partial<PullReport> = {}): PullReport {
  return {
    format: 1,
    runId: "run-1",
    out: "/data/analytics.duckdb",
    outcome: "complete",
    exitCode: 0,
    started: "2026-01-01T00:00:00.000Z",
    durationMs: 9_584,
    requests: 18,
    rowsFetched: datasources.reduce((sum, one) => sum + one.rowsFetched, 0),
    datasources,
    ...rest,
  }
}

export const day = (n: number) =>
  `2016-06-${String(n).padStart(2, "0")}T00:00:00.000Z/2016-06-${String(n + 1).padStart(2, "0")}T00:00:00.000Z`
