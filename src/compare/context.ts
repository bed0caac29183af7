/** What comparing one datasource works with, and what comes of it. */
import type { Chunk } from "../base/domain.ts"
import type { DatasourceSettings } from "../config/settings.ts"
import type { Source } from "../druid/sql.ts"
import type { Ports } from "../pull/ports.ts"
import type { Shape } from "../pull/prepare/shape.ts"
import type { HeldState } from "../store/notes/state.ts"
import type { Stretch } from "./stretches.ts"

export interface CompareContext {
  readonly ports: Ports
  readonly settings: DatasourceSettings
  readonly source: Source
  readonly held: HeldState
  readonly shape: Shape
  /** all chunks of the datasource, ascending */
  readonly chunks: readonly Chunk[]
  /** rows that a slice aims at */
  readonly sliceRows: number
  /** counts spool files and staging tables through the whole run */
  readonly numbering: { next: number }
}

/** A row that one side has more often than the other. */
export interface Example {
  readonly only: "druid" | "duckdb"
  /** how many more of it */
  readonly times: number
  /** its values as text by Druid's column names; null is NULL. Values are cut where they are long. */
  readonly row: Readonly<Record<string, string | null>>
}

/** What came of comparing one stretch. */
export interface Finding {
  readonly stretch: Stretch
  readonly druidRows: number
  readonly duckdbRows: number
  readonly isEqual: boolean
  /** columns whose values differ, where that was looked for */
  readonly columns: readonly string[]
  readonly examples: readonly Example[]
  /** set where Druid could not answer: nothing is known then */
  readonly failure?: string
}

/**
 * Compares stretches.
 * @param isSecond a second opinion on stretches that seemed to differ: finds out what differs too
 * @returns a finding for each, in their order
 * @throws DruidsyncError if nothing can be asked at all
 */
export type Compare = (
  context: CompareContext,
  stretches: readonly Stretch[],
  isSecond: boolean,
) => Promise<Finding[]>

/** The finding on a stretch for which Druid had no answer. */
export function unanswered(stretch: Stretch, failure: string): Finding {
  return { stretch, druidRows: 0, duckdbRows: 0, isEqual: false, columns: [], examples: [], failure }
}
