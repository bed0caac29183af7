/** Turns the findings of a comparison into the document. Pure. */

import { byStart, intervalText } from "../../base/intervals.ts"
import { sumOf } from "../../base/lists.ts"
import type { Comparison } from "../../compare/compare.ts"
import type { Finding } from "../../compare/context.ts"
import type { Stray } from "../../compare/stray.ts"
import { EXPECTED_SKIPS, SKIPS } from "../../compare/stretches.ts"
import type { DatasourceSettings } from "../../config/settings.ts"
import type { ComparedStretch, DatasourceVerification, SkippedStretch, StretchMark } from "./document.ts"

/** One datasource in the report. @param repaired what of an earlier comparison has been repaired since */
export function verificationOf(
  settings: DatasourceSettings,
  table: string,
  found: Comparison,
  repaired: readonly ComparedStretch[] = [],
): DatasourceVerification {
  const equal = found.equal.toSorted(byTime)
  const different = [...found.differing.toSorted(byTime).map(comparedOf), ...found.stray.map(strayCompared)]
  const hinders = found.skipped.some((one) => !EXPECTED_SKIPS.has(one.kind))
  return {
    datasource: settings.name,
    table,
    outcome: different.length > 0 ? "different" : hinders ? "incomplete" : "equal",
    error: undefined,
    compared: equal.length + found.differing.length,
    equal: equal.length,
    rows: sumOf([...equal, ...found.differing], (one) => one.duckdbRows),
    notSampled: found.notSampled,
    matches: equal.map(({ stretch }) => intervalText(stretch.interval)),
    different,
    repaired,
    skipped: found.skipped.map(
      (one): SkippedStretch => ({
        interval: intervalText(one.interval),
        rows: one.rows ?? null,
        kind: one.kind,
        reason: one.detail === undefined ? SKIPS[one.kind] : `${SKIPS[one.kind]}: ${one.detail}`,
      }),
    ),
    partlyCompared: found.partlyCompared,
  }
}

function byTime(a: Finding, b: Finding): number {
  return byStart(a.stretch.interval, b.stretch.interval)
}

/** A compared stretch in the report. */
export function comparedOf(finding: Finding): ComparedStretch {
  const { stretch, druidRows, duckdbRows, isEqual, columns, examples } = finding
  const mark: StretchMark = isEqual ? "=" : duckdbRows === 0 ? "+" : druidRows === 0 ? "-" : "*"
  const note =
    mark === "*" && druidRows === duckdbRows && columns.length === 0
      ? "the same values stand in other rows of one millisecond"
      : undefined
  return { interval: intervalText(stretch.interval), mark, druidRows, duckdbRows, columns, examples, note }
}

/** Rows without a checkpoint in the report. */
export function strayCompared({ rows, interval }: Stray): ComparedStretch {
  const note = interval === undefined ? "rows without a time" : "rows that no checkpoint covers"
  return {
    interval: interval === undefined ? "" : intervalText(interval),
    mark: "-",
    druidRows: 0,
    duckdbRows: rows,
    columns: [],
    examples: [],
    note,
  }
}
