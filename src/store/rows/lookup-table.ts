/**
 * A lookup's table: compared as a whole with rows that were staged, and replaced in one transaction where it differs. What
 * calls this has proven the staged rows.
 */
import { DruidsyncError } from "../../base/errors.ts"
import { fold, quoteName } from "../../base/names.ts"
import { says } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { type HeldLookup, noteLookup, readLookups } from "../notes/lookups.ts"
import { readRows } from "../notes/sync-table.ts"
import { ensureTables, STATE, tableNames } from "../notes/tables.ts"
import { bindIndexes, tableError } from "./by-hand.ts"

/** A lookup whose rows wait in a table of the engine. */
export interface StagedLookup {
  readonly lookup: string
  /** its table in the file */
  readonly table: string
  /** quoted */
  readonly staged: string
  readonly rows: number
}

/**
 * Of all rows, whatever their order; keys are unique in a lookup, so that no two rows cancel each other.
 * @param table quoted, with columns `k` and `v`
 */
async function lookupFingerprint(engine: Engine, table: string): Promise<string> {
  const [row] = await engine.rows(
    `SELECT count(*) || ' ' || coalesce(bit_xor(md5_number(to_json([k, v])::VARCHAR))::VARCHAR, '0') FROM ${table}`,
  )
  return String(row![0])
}

/** What the table is beside the staged rows. */
export type LookupDifference = "same" | "other" | "none"

/** @throws DruidsyncError `foreign` if the table is not a lookup's; `locked`, `file` */
export async function compareLookup(
  engine: Engine,
  file: DatabaseFile,
  one: StagedLookup,
  signal: AbortSignal,
): Promise<LookupDifference> {
  if (!file.exists()) return "none"
  return file.read(async () => {
    if (!(await hasTable(engine, file.path, one))) return "none"
    const held = await lookupFingerprint(engine, `file.${quoteName(one.table)}`).catch((error) => {
      // Someone made another table of it: what is in the way is said where it is replaced.
      if (says(error, "ofTable")) return undefined
      throw error
    })
    return held === (await lookupFingerprint(engine, one.staged)) ? "same" : "other"
  }, signal)
}

/**
 * Replaces all rows, and notes it, in one transaction. Indexes and views of the user's on the table stay.
 * @throws DruidsyncError `foreign`, `locked`, `file`, `disk-full`
 */
export function replaceLookup(
  engine: Engine,
  file: DatabaseFile,
  one: StagedLookup,
  run: { readonly id: string; readonly nowMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { lookup, table, staged, rows } = one
  const name = `file.${quoteName(table)}`
  const work = async () => {
    await ensureTables(engine)
    if (await hasTable(engine, file.path, one)) {
      await bindIndexes(engine, name, "k")
      await engine.run(`DELETE FROM ${name}`)
    } else {
      await engine.run(`CREATE TABLE ${name} (k VARCHAR, v VARCHAR)`)
      await engine.run(`COMMENT ON TABLE ${name} IS ${literal(`druidsync: Druid's lookup ${lookup}`)}`)
    }
    await engine.run(`INSERT INTO ${name} (k, v) SELECT k, v FROM ${staged}`)
    const fingerprint = await lookupFingerprint(engine, staged)
    const times = { changedMs: run.nowMs, comparedMs: run.nowMs }
    const note: HeldLookup = {
      lookup,
      table,
      rows,
      fingerprint,
      status: "complete",
      message: undefined,
      runId: run.id,
      ...times,
    }
    await noteLookup(engine, note)
  }
  return file.write(work, signal).catch((error) => {
    if (!says(error, "ofTable") && !says(error, "outOfMemory")) throw error
    throw tableError(file.path, { datasource: lookup, table }, error, [], [])
  })
}

async function hasTable(engine: Engine, path: string, { lookup, table }: StagedLookup): Promise<boolean> {
  const tables = await tableNames(engine)
  if (!tables.some((one) => fold(one) === fold(table))) return false
  const held = await readLookups(engine, tables)
  if (held.some((one) => one.lookup === lookup && fold(one.table) === fold(table))) return true
  const states = tables.includes(STATE.name) ? await readRows(engine, STATE, ["datasource", "table"]) : []
  const owner = states.find((one) => fold(one.table) === fold(table))
  const other = held.find((one) => fold(one.table) === fold(table))
  const whose =
    owner !== undefined
      ? `that holds datasource "${owner.datasource}"`
      : other !== undefined
        ? `that holds lookup "${other.lookup}"`
        : "that druidsync did not make"
  throw new DruidsyncError(
    "foreign",
    `${path} has a table "${table}" ${whose}; lookup "${lookup}" was not copied`,
    {
      hint: `leave the lookup out, or rename that table`,
    },
  )
}
