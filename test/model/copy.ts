/** What the DuckDB file holds, in one statement: thousands of histories look at it after each of their pulls. */
import type { Interval, Part, PartState } from "../../src/base/domain.ts"
import { quoteName } from "../../src/base/names.ts"
import type { Engine } from "../../src/store/engine.ts"
import type { DatabaseFile } from "../../src/store/file/file.ts"
import { rowText, type TextRow } from "./truth.ts"

/** One table and its checkpoints. */
export interface Copy {
  readonly rows: readonly TextRow[]
  readonly parts: readonly Part[]
  /** as `_sync_state` tells */
  readonly stateRows: number
  readonly cursorMs: bigint | undefined
  /** checkpoints as they stand in the file, run and time of commit among them: equal text, nothing was written */
  readonly chunksText: string
}

/** Copies by table; those that are not there are missing. */
export type Copies = ReadonlyMap<string, Copy>

export function readFile(engine: Engine, file: DatabaseFile, names: readonly string[]): Promise<Copies> {
  if (!file.exists()) return Promise.resolve(new Map())
  return file.read(() => readAttached(engine, names))
}

/** As `readFile`, while the file is attached: within a transaction, what it would commit. */
export async function readAttached(engine: Engine, names: readonly string[]): Promise<Copies> {
  const answer = await query(engine, names)
  const copies = new Map<string, Copy>()
  for (const [, name, cursorMs, json] of answer.filter(([kind]) => kind === "state")) {
    const of = (wanted: string) => answer.filter(([kind, table]) => kind === wanted && table === name)
    const chunks = of("chunk").sort((a, b) => ((a[2] as bigint) < (b[2] as bigint) ? -1 : 1))
    copies.set(String(name), {
      rows: of("row").map(([, , time, row]) => rowOf(time as bigint, JSON.parse(String(row)))),
      parts: chunks.map(([, , , chunk]) => partOf(JSON.parse(String(chunk)))),
      stateRows: Number(JSON.parse(String(json)).rows),
      cursorMs: cursorMs === null ? undefined : (cursorMs as bigint),
      chunksText: chunks.map(([, , , chunk]) => String(chunk)).join("\n"),
    })
  }
  return copies
}

/** Rows of `[kind, table, time, JSON]`. */
async function query(engine: Engine, names: readonly string[]): Promise<unknown[][]> {
  const own = [
    `SELECT 'state', "table", epoch_ms(cursor), to_json(s)::VARCHAR FROM file._sync_state s`,
    `SELECT 'chunk', "table", start_ms, to_json(c)::VARCHAR FROM file._sync_chunks c`,
  ]
  const tables = names.map(
    (name) =>
      `SELECT 'row', '${name}', epoch_ms("__time"), to_json(t)::VARCHAR FROM file.${quoteName(name)} t`,
  )
  try {
    return await engine.rows([...tables, ...own].join(" UNION ALL "))
  } catch (error) {
    if (!/does not exist/.test((error as Error).message)) throw error
    // Not every table had its first commit yet.
    const made = (
      await engine.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = 'file'")
    ).flat()
    if (!made.includes("_sync_state")) return []
    const there = names.filter((name) => made.includes(name))
    return engine.rows([...tables.filter((_, n) => there.includes(names[n]!)), ...own].join(" UNION ALL "))
  }
}

function rowOf(time: bigint, cells: Record<string, unknown>): TextRow {
  return {
    time,
    text: rowText(
      time,
      Object.entries(cells).filter(([name]) => name !== "__time"),
    ),
  }
}

interface ChunkRow {
  start_ms: number
  end_ms: number
  segments: string
  rows: number
  state: PartState
  settings: string
}

function partOf(chunk: ChunkRow): Part {
  const interval: Interval = { start: BigInt(chunk.start_ms), end: BigInt(chunk.end_ms) }
  return {
    interval,
    segments: chunk.segments,
    rows: chunk.rows,
    state: chunk.state,
    settings: chunk.settings,
  }
}
