import { describe, expect, it } from "bun:test"
import type {
  ComparedStretch,
  DatasourceVerification,
  VerifyReport,
} from "../../src/commands/verify/document.ts"
import { verificationText } from "../../src/commands/verify/text.ts"
import { PLAIN } from "../../src/kit/text/style.ts"
import { day } from "../kit/support.ts"

function datasource(given: Partial<DatasourceVerification> = {}): DatasourceVerification {
  return {
    datasource: "w",
    table: "w",
    outcome: "equal",
    error: undefined,
    compared: 2,
    equal: 2,
    rows: 24_112,
    notSampled: 0,
    matches: [day(1), day(2)],
    different: [],
    repaired: [],
    skipped: [],
    partlyCompared: [],
    ...given,
  }
}

function compared(given: Partial<ComparedStretch> = {}): ComparedStretch {
  const base = { interval: day(3), druidRows: 10, duckdbRows: 10, columns: [], examples: [], note: undefined }
  return { mark: "*", ...base, ...given }
}

function report(datasources: DatasourceVerification[], given: Partial<VerifyReport> = {}): VerifyReport {
  return {
    format: 1,
    out: "/a.duckdb",
    mode: "fingerprints",
    sample: undefined,
    outcome: "equal",
    exitCode: 0,
    started: "2026-01-01T00:00:00.000Z",
    durationMs: 1_200,
    requests: 4,
    datasources,
    ...given,
  }
}

const lines = (one: Partial<DatasourceVerification>, verbose = false) =>
  verificationText(report([datasource(one)]), verbose, PLAIN)
    .split("\n")
    .slice(0, -2)

describe("a verification in words", () => {
  it("is one line where all is equal, and each stretch of it with --verbose", () => {
    expect(lines({})).toEqual(["w ↔ table w: equal, 24,112 rows in 2 stretches compared"])
    expect(lines({}, true).slice(1)).toEqual(["  = 2016-06-01", "  = 2016-06-02"])
  })

  it("marks what differs in the order of time, with both numbers or the columns", () => {
    const different = [
      compared({ columns: ["n", "page"] }),
      compared({ interval: day(4), druidRows: 10, duckdbRows: 9 }),
      compared({ interval: day(5), mark: "+", duckdbRows: 0 }),
      compared({ interval: day(6), mark: "-", druidRows: 0, note: "rows that no checkpoint covers" }),
    ]
    expect(lines({ different })).toEqual([
      "w ↔ table w: 4 stretches differ, 24,112 rows in 2 stretches compared",
      "  * 2016-06-03: 10 rows, columns n, page",
      "  * 2016-06-04: 10 rows in Druid, 9 in DuckDB",
      "  + 2016-06-05: 10 rows only in Druid",
      "  - 2016-06-06: 10 rows only in DuckDB, rows that no checkpoint covers",
    ])
  })

  it("shows differing rows side by side, without what could drive a terminal", () => {
    const examples = [
      { only: "duckdb" as const, times: 2, row: { __time: "2016-06-03 01:00:00", n: null, page: "x" } },
      { only: "druid" as const, times: 1, row: { __time: "2016-06-03 01:00:00", n: "\u001b[2J", page: "x" } },
    ]
    expect(lines({ different: [compared({ columns: ["n"], examples })] }).slice(2)).toEqual([
      "      DuckDB __time='2016-06-03 01:00:00' n=NULL (2 times)",
      "      Druid  __time='2016-06-03 01:00:00' n='\\u001b[2J'",
    ])
  })

  it("tells twenty differences and the number of the others; --verbose tells all", () => {
    const different = Array.from({ length: 25 }, () => compared())
    expect(lines({ different })).toHaveLength(22)
    expect(lines({ different }).at(-1)).toBe("  … and 5 more stretches; --verbose shows all")
    expect(lines({ different, matches: [] }, true)).toHaveLength(26)
  })

  it("puts skipped stretches of one reason together", () => {
    const skipped = [1, 2, 3].map((n) => ({
      interval: day(n),
      rows: 1,
      kind: "kept" as const,
      reason: "kept here",
    }))
    expect(lines({ skipped }).slice(1)).toEqual(["  skipped: 2016-06-01 to 2016-06-03: kept here"])
    expect(lines({ skipped, matches: [] }, true).slice(1)).toHaveLength(3)
  })

  it("says where nothing was compared, why a datasource could not be, and what was compared in part", () => {
    expect(lines({ compared: 0, equal: 0, rows: 0 })[0]).toBe("w ↔ table w: nothing could be compared")
    const error = { code: "unknown-datasource", message: "not listed", hint: "check it" }
    expect(lines({ error })).toEqual(["w: cannot be compared: not listed", "  → check it"])
    expect(lines({ partlyCompared: ["a"] }).slice(1)).toEqual([
      '  compared in part only: "a"; --deep compares all of it',
    ])
  })

  it("ends with the whole in one line, and the seed of a sample before it", () => {
    const sample = { kind: "percent" as const, value: 5, seed: "x" }
    const text = verificationText(report([datasource()], { sample }), false, PLAIN)
    expect(text).toEndWith(
      "sample: 5% of the chunks of each datasource; the same again with --seed x\n" +
        "equal: 24,112 rows of 1 datasource compared by fingerprints in 1.2 s\n",
    )
  })
})
