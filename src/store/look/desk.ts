/**
 * Looks at `sys.segments` in tables of the engine's own. DuckDB reads an answer off the spool, groups it into chunks and
 * holds these against the checkpoints: what has not changed never becomes an object.
 */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { Interval, Part, Segment } from "../../base/domain.ts"
import { sumOf } from "../../base/lists.ts"
import type { Differing, Holding, SegmentsDesk, SegmentsLook } from "../../base/segments-look.ts"
import { MAX_TIME, MIN_TIME } from "../../base/time.ts"
import { type Engine, literal } from "../engine.ts"
import { readParts } from "../notes/checkpoints.ts"
import { asStored, rowsFrom } from "../notes/sync-table.ts"
import { CHUNKS } from "../notes/tables.ts"
import { fillTable, loadTable, overlapSql, readSegments, readSizes, type Size } from "./segment-table.ts"
import { comingSql, hasCoreSet, openPartsSql, verdictSql } from "./verdict-sql.ts"

/** So few segments are decided about one by one: that takes less time than to compare them in SQL. */
const FEW_SEGMENTS = 1_000
/** Segments that one statement holds against the checkpoints, about: its memory grows with them. */
const SEGMENTS_AT_ONCE = 100_000

/**
 * @param engine a connection that nothing else waits for: looks are read while others parse and commit
 * @param folder where answers are spooled
 * @param few looks of no more segments are not compared: all of them come
 */
export function segmentsDesk(
  engine: Engine,
  folder: () => Promise<string>,
  few = FEW_SEGMENTS,
): SegmentsDesk {
  let looks = 0
  let files = 0
  let isReady: Promise<void> | undefined
  const make = async (fill: (table: string) => Promise<void>): Promise<SegmentsLook> => {
    isReady ??= engine.useDruidTime()
    await isReady
    const table = `look_${looks++}`
    try {
      await fill(table)
      return new LookTable(engine, table, await readSizes(engine, table), few)
    } catch (error) {
      await engine.run(`DROP TABLE IF EXISTS ${table}`)
      throw error
    }
  }
  return {
    spoolPath: async () => join(await folder(), `look-${files++}.jsonl`),
    take: (path) => make((table) => loadTable(engine, table, path)).finally(() => rm(path, { force: true })),
    put: (segments) => make((table) => fillTable(engine, table, segments)),
  }
}

/** Something of it may be held, or be of no concern. */
function mayLeaveOut({ table, settings, range, shard }: Holding): boolean {
  const isLimited = range.start > MIN_TIME || range.end < MAX_TIME
  return (table !== undefined && settings !== undefined) || isLimited || shard !== undefined
}

class LookTable implements SegmentsLook {
  readonly #engine: Engine
  readonly #table: string
  readonly #sizes: ReadonlyMap<string, Size>
  readonly #few: number

  constructor(engine: Engine, table: string, sizes: ReadonlyMap<string, Size>, few: number) {
    this.#engine = engine
    this.#table = table
    this.#sizes = sizes
    this.#few = few
  }

  lists(datasource: string): boolean {
    return (this.#sizes.get(datasource)?.used ?? 0) > 0
  }

  async segments(datasource: string, within?: readonly Interval[]): Promise<readonly Segment[]> {
    const overlaps = within === undefined ? "" : ` AND ${overlapSql(within)}`
    const from = `${this.#table} WHERE datasource = ${literal(datasource)}${overlaps}`
    return (await readSegments(this.#engine, "datasource", from)).get(datasource) ?? []
  }

  async coreSetsLacking(datasource: string): Promise<readonly Segment[]> {
    const name = literal(datasource)
    const lacking = `SELECT start_ms, end_ms FROM ${this.#table} WHERE datasource = ${name}
      GROUP BY start_ms, end_ms HAVING NOT ${hasCoreSet("list_sort(list(partition))", "max(core)")}`
    const overlaps = `EXISTS (FROM (${lacking}) one WHERE one.start_ms < look.end_ms AND one.end_ms > look.start_ms)`
    const from = `${this.#table} look WHERE datasource = ${name} AND ${overlaps}`
    return (await readSegments(this.#engine, "datasource", from)).get(datasource) ?? []
  }

  async differing(holdings: readonly Holding[]): Promise<readonly Differing[]> {
    const found: Differing[] = []
    for (const some of this.#together(holdings)) found.push(...(await this.#compare(some)))
    return found
  }

  #sizeOf({ datasource }: Holding): number {
    return this.#sizes.get(datasource)?.segments ?? 0
  }

  /** Datasources that one statement asks about. */
  #together(holdings: readonly Holding[]): Holding[][] {
    const groups: Holding[][] = []
    let size = 0
    for (const holding of holdings) {
      const own = this.#sizeOf(holding)
      if (groups.length === 0 || size + own > SEGMENTS_AT_ONCE) {
        groups.push([])
        size = 0
      }
      groups.at(-1)!.push(holding)
      size += own
    }
    return groups
  }

  async #compare(holdings: readonly Holding[]): Promise<Differing[]> {
    const engine = this.#engine
    const size = sumOf(holdings, (one) => this.#sizeOf(one))
    const isHeld = holdings.some(({ table }) => table !== undefined)
    const chunks = isHeld ? (await asStored(engine, CHUNKS)).from : undefined
    const verdict = size > this.#few && holdings.some(mayLeaveOut) ? `${this.#table}_verdict` : undefined
    const left = new Map<number, number>()
    let segments = new Map<string, Segment[]>()
    let parts = new Map<string, Part[]>()
    try {
      if (verdict !== undefined) {
        const create = `CREATE OR REPLACE TABLE ${verdict} AS ${verdictSql(this.#table, chunks, holdings)}`
        await rowsFrom(engine, CHUNKS.name, create)
        const counts = `SELECT owner, count(*) FROM ${verdict} WHERE NOT comes AND NOT is_beside GROUP BY owner`
        for (const [owner, count] of await engine.rows(counts)) left.set(Number(owner), Number(count))
      }
      const coming = comingSql(this.#table, verdict, holdings)
      if (size > 0) segments = await readSegments(engine, "owner", coming)
      if (chunks !== undefined) parts = await readParts(engine, openPartsSql(chunks, verdict, holdings))
    } finally {
      if (verdict !== undefined) await engine.run(`DROP TABLE IF EXISTS ${verdict}`)
    }
    return holdings.map(({ table }, owner) => ({
      segments: segments.get(`${owner}`) ?? [],
      parts: parts.get(table ?? "") ?? [],
      unchanged: left.get(owner) ?? 0,
    }))
  }

  async drop(): Promise<void> {
    await this.#engine.run(`DROP TABLE IF EXISTS ${this.#table}`)
  }
}
