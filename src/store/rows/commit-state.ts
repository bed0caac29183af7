/** What `_sync_state` says of the tables of a commit once it is done: a few statements, however many they are. */
import { type Engine, literal } from "../engine.ts"
import { insertRows, updateRows } from "../notes/sync-table.ts"
import { FORMAT, STATE } from "../notes/tables.ts"
import { msOfTime } from "../notes/times.ts"
import type { Staged } from "./stage.ts"
import type { TableNow, TableWish } from "./table-schema.ts"

/** What a commit did for one table. */
export interface Done {
  readonly commit: {
    readonly target: TableWish & { readonly settings: string }
    readonly slices: readonly { readonly staged: Pick<Staged, "latestMs"> }[]
  }
  readonly table: TableNow
  /** rows that it deleted */
  readonly deleted: number
}

export async function writeStates(engine: Engine, all: readonly Done[]): Promise<void> {
  const names = all.map(({ commit }) => literal(commit.target.table)).join(", ")
  const sums = await engine.rows(
    `SELECT "table", sum(rows)::BIGINT FROM file._sync_chunks WHERE "table" IN (${names}) GROUP BY "table"`,
  )
  const rows = new Map(sums.map(([table, sum]) => [String(table), Number(sum)]))
  const never = { lastSuccessMs: undefined, lastRunMs: undefined, message: undefined }
  const known = []
  const fresh = []
  for (const one of all) {
    const { datasource, table, settings } = one.commit.target
    const { schema, isNoted } = one.table
    const cursorMs = await cursorOf(engine, one)
    const state = { table, cursorMs, rows: rows.get(table) ?? 0, columns: schema, settings }
    if (isNoted) known.push(state)
    else fresh.push({ ...state, ...never, datasource, status: "running", format: FORMAT })
  }
  await updateRows(engine, STATE, "table", known)
  await insertRows(engine, STATE, fresh)
}

/**
 * The greatest time that is stored, epoch ms. With deleted rows it may have gone: the table is looked at. Else what came
 * tells.
 */
async function cursorOf(engine: Engine, { commit, table, deleted }: Done): Promise<bigint | undefined> {
  if (deleted > 0) {
    const [row] = await engine.rows(`SELECT ${msOfTime('max("__time")')} FROM ${table.name}`)
    return (row![0] as bigint | null) ?? undefined
  }
  const times = commit.slices.map(({ staged }) => staged.latestMs)
  return [table.before?.cursorMs, ...times].reduce((one, other) =>
    one === undefined || (other !== undefined && other > one) ? other : one,
  )
}
