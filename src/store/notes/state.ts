/** Reads what the file says about itself: state and schema of each table, its checkpoints summed up. */
import type { PartState } from "../../base/domain.ts"
import { sumOf } from "../../base/lists.ts"
import { fold } from "../../base/names.ts"
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { type PartSum, sumParts } from "./checkpoints.ts"
import { type HeldLookup, readLookups } from "./lookups.ts"
import { readOrigins } from "./origins.ts"
import { type RowOf, readRows } from "./sync-table.ts"
import { checkFormat, STATE, tableNames } from "./tables.ts"
import { readUnlisted, type Unlisted } from "./unlisted.ts"

/** Of `cursorMs`: the greatest stored `__time`, epoch ms; undefined while there is no row. */
export interface HeldState extends Omit<RowOf<typeof STATE>, "format"> {
  /** checkpoints by state, summed up; states without any are missing */
  readonly sums: ReadonlyMap<PartState, PartSum>
  /** host, port and base path that it was pulled from; undefined if that was not noted */
  readonly origin?: string | undefined
}

export interface FileState {
  /** by table */
  readonly held: ReadonlyMap<string, HeldState>
  /** by table: columns that Druid's SQL does not show, though segments hold them */
  readonly unlisted: ReadonlyMap<string, Unlisted>
  /** Druid's lookups that have a table here */
  readonly lookups: readonly HeldLookup[]
  /** all tables and views of the file, ours and others */
  readonly tables: readonly string[]
}

/** The state of a file that does not exist yet. */
export const EMPTY_STATE: FileState = { held: new Map(), unlisted: new Map(), lookups: [], tables: [] }

/** @throws DruidsyncError `locked`, `foreign`, `file` */
export async function readState(
  engine: Engine,
  file: DatabaseFile,
  signal?: AbortSignal,
): Promise<FileState> {
  if (!file.exists()) return EMPTY_STATE
  return file.read(() => readAttached(engine, file.path), signal)
}

/** The same of a file that is attached as `file`. @throws DruidsyncError `foreign` */
export async function readAttached(engine: Engine, path: string): Promise<FileState> {
  const tables = await tableNames(engine)
  if (!tables.includes(STATE.name)) return { ...EMPTY_STATE, tables }
  const sums = await sumParts(engine)
  const origins = await readOrigins(engine, tables)
  const rows = await readRows(engine, STATE, "*", 'ORDER BY datasource, "table"')
  const held = new Map<string, HeldState>()
  for (const { format, ...state } of rows) {
    checkFormat(format, path)
    // A table that the user dropped took its rows along: nothing is held, whatever the checkpoints say.
    if (!tables.includes(state.table)) continue
    const origin = origins.get(state.table)
    held.set(state.table, { ...state, sums: sums.get(state.table) ?? new Map(), origin })
  }
  const lookups = await readLookups(engine, tables)
  return { held, unlisted: await readUnlisted(engine, tables), lookups, tables }
}

/** A table that is wanted. */
export interface Wanted {
  readonly datasource: string
  readonly table: string
  /** the configuration makes other tables of the same datasource */
  readonly hasSiblings?: boolean | undefined
}

/**
 * The one of the tables in a file that is the wanted one: that of its name (as DuckDB compares names), or where the
 * datasource has one table here and one there, that one under its former name.
 */
export function ownOf<T extends Pick<Wanted, "datasource" | "table">>(
  tables: Iterable<T>,
  wanted: Wanted,
): T | undefined {
  const own = [...tables].filter((one) => one.datasource === wanted.datasource)
  const sameName = own.find((one) => fold(one.table) === fold(wanted.table))
  return sameName ?? (own.length === 1 && wanted.hasSiblings !== true ? own[0] : undefined)
}

/** Rows held in one state. */
export function rowsIn({ sums }: Pick<HeldState, "sums">, state: PartState): number {
  return sums.get(state)?.rows ?? 0
}

/** How many checkpoints there are in all. */
export function partsIn({ sums }: Pick<HeldState, "sums">): number {
  return sumOf(sums.values(), ({ parts }) => parts)
}
