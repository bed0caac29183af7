/** What `verify` tells, as plain data: the document of `--json`, from which the words for people are made. */
import type { ErrorReport, ExitCode } from "../base/errors.ts"
import type { Sample } from "./sample.ts"
import type { SkipKind } from "./units.ts"

/** As in `rclone check`: equal, different, only in Druid, only in DuckDB. */
export type Mark = "=" | "*" | "+" | "-"

/** A row that one side has more often than the other (`--deep`). */
export interface Example {
  readonly only: "druid" | "duckdb"
  /** how many more of it */
  readonly times: number
  /** its values as text by Druid's column names; null is NULL. Values are cut where they are long. */
  readonly row: Readonly<Record<string, string | null>>
}

/** One stretch that was compared. */
export interface Compared {
  /** as Druid writes intervals */
  readonly interval: string
  readonly mark: Mark
  readonly druidRows: number
  readonly duckdbRows: number
  /**
   * columns whose values differ; none where the numbers of rows differ, or where the same values stand in other rows of
   * one millisecond
   */
  readonly columns: readonly string[]
  readonly examples: readonly Example[]
  /** what else there is to say */
  readonly note: string | undefined
}

export interface SkippedStretch {
  readonly interval: string
  /** rows that we hold of it, where known */
  readonly rows: number | null
  readonly kind: SkipKind
  /** in words */
  readonly reason: string
}

export type VerifyOutcome =
  /** all that can be compared is equal, and nothing was left out that should not have been */
  | "equal"
  | "different"
  /** nothing differs, but something could not be compared */
  | "incomplete"
  /** nothing could be compared, see `error` */
  | "failed"

export interface DatasourceVerification {
  readonly datasource: string
  readonly table: string
  readonly outcome: VerifyOutcome
  readonly error: ErrorReport | undefined
  /** stretches compared, and those among them that are equal */
  readonly compared: number
  readonly equal: number
  /** rows of DuckDB that were compared */
  readonly rows: number
  /** stretches that could have been compared and are no part of the sample */
  readonly notSampled: number
  /** every stretch that is equal, in time order */
  readonly matches: readonly string[]
  readonly different: readonly Compared[]
  /** stretches that differed, were fetched again, and are equal now */
  readonly repaired: readonly Compared[]
  readonly skipped: readonly SkippedStretch[]
  /** columns of which only the presence of a value, or only a part of it, was compared */
  readonly partlyCompared: readonly string[]
}

/** What `verify --json` prints; documented in docs/verify.md, `format` is raised when its meaning changes. */
export interface VerifyReport {
  readonly format: 1
  readonly out: string
  readonly mode: "fingerprints" | "rows"
  readonly sample: (Sample & { readonly seed: string }) | undefined
  readonly outcome: VerifyOutcome
  readonly exitCode: ExitCode
  readonly started: string
  readonly durationMs: number
  readonly requests: number
  readonly datasources: readonly DatasourceVerification[]
}

/** Why stretches of a kind were left out. */
export const SKIP_WORDS: Readonly<Record<SkipKind, string>> = {
  kept: "dropped from Druid, kept here",
  realtime: "realtime: rows may still come or merge",
  cold: "on no Druid server (load rules)",
  stale: "being replaced; a pull is due",
  settings: "the settings of the datasource changed; a pull is due",
  changed: "changed in Druid since it was pulled; a pull is due",
  missing: "not pulled yet; a pull is due",
  dropped: "dropped from Druid since the last pull; a pull is due",
  unavailable: "not all of its segments are served by Druid now",
  doubtful: "Druid counts other rows than its segment metadata promises; some server may not serve all of it",
  moved: "changed while it was compared",
  failed: "Druid could not answer for it",
}
