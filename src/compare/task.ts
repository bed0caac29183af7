/** What comparing one datasource works with. */
import type { DatasourceSettings } from "../config/settings.ts"
import type { Inventory } from "../druid/catalog.ts"
import type { Source } from "../druid/sql.ts"
import type { Ports } from "../pull/ports.ts"
import type { Shape } from "../pull/prepare/shape.ts"
import type { DatasourceState } from "../store/notes/state.ts"
import type { Example } from "./document.ts"
import type { Unit } from "./units.ts"

export interface Task {
  readonly ports: Ports
  readonly settings: DatasourceSettings
  readonly source: Source
  readonly held: DatasourceState
  readonly shape: Shape
  readonly inventory: Inventory
  /** rows that a slice aims at */
  readonly sliceRows: number
  /** counts spool files and staging tables through the whole run */
  readonly numbering: { next: number }
}

/** What came of comparing one unit. */
export interface Verdict {
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
 * Compares units.
 * @param isSecond a second opinion on units that seemed to differ: finds out what differs too
 * @returns a verdict for each
 * @throws DruidsyncError where nothing can be asked at all
 */
export type Compare = (task: Task, units: readonly Unit[], isSecond: boolean) => Promise<Map<Unit, Verdict>>

/** The verdict on a unit for which Druid had no answer. */
export function failed(message: string): Verdict {
  return { druidRows: 0, duckdbRows: 0, isEqual: false, columns: [], examples: [], failure: message }
}
