/**
 * Rows whose time has not come yet: a wrong clock, seconds taken for milliseconds, or forecasts. One of them would be the
 * newest row for ever and hide that nothing new arrives, so freshness goes by the newest row before them.
 */
import { quoteName } from "../../base/names.ts"
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import type { FileState, HeldState } from "./state.ts"
import { msOfTime, timestampLiteral } from "./times.ts"

export interface Ahead {
  readonly rows: number
  /** greatest `__time` of the other rows, epoch ms; undefined if there are none */
  readonly newestMs: bigint | undefined
}

/** What a file holds at a moment. */
export interface StateAt extends FileState {
  /** by table, of those that have rows after the moment */
  readonly ahead: ReadonlyMap<string, Ahead>
}

/** Clocks of two machines may differ by so much. */
const GRACE_MS = 60_000

/** The file is opened only where there are such rows. @throws DruidsyncError `locked`, `file` */
export async function stateAt(
  engine: Engine,
  file: DatabaseFile,
  state: FileState,
  nowMs: number,
): Promise<StateAt> {
  const suspects = [...state.held.values()].filter((one) => isAhead(one, nowMs))
  if (suspects.length === 0) return { ...state, ahead: new Map() }
  return { ...state, ahead: await file.read(() => readAhead(engine, suspects, nowMs)) }
}

function isAhead({ cursorMs }: HeldState, nowMs: number): boolean {
  return cursorMs !== undefined && cursorMs > BigInt(Math.floor(nowMs) + GRACE_MS)
}

/**
 * By table, of those that have rows after now. Only they are looked at: of all others the cursor tells. Call while the
 * user's file is attached as `file`.
 */
export async function readAhead(
  engine: Engine,
  tables: Iterable<HeldState>,
  nowMs: number,
): Promise<ReadonlyMap<string, Ahead>> {
  const found = new Map<string, Ahead>()
  for (const one of tables) {
    if (!isAhead(one, nowMs)) continue
    const later = `"__time" > ${timestampLiteral(Math.floor(nowMs) + GRACE_MS)}`
    const [row] = await engine.rows(
      `SELECT count(*) FILTER (${later}), ${msOfTime(`max("__time") FILTER (NOT ${later})`)}
       FROM file.${quoteName(one.table)}`,
    )
    const [rows, newestMs] = row!
    found.set(one.table, { rows: Number(rows), newestMs: (newestMs as bigint | null) ?? undefined })
  }
  return found
}
