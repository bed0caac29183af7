/**
 * Looks at `sys.segments`. A pull looks after each commit, and hardly anything has changed since: a line that is the same
 * as in the look before stands for the same object, so that 50,000 segments cost neither time nor memory again.
 */
import type { Segment } from "../base/domain.ts"
import { integerCell, isoCell, textCell, wholeRow } from "./cells.ts"
import type { DruidClient } from "./client.ts"
import { corePartitionsOf } from "./core-sets.ts"
import { cutResponse, parseLine } from "./framing.ts"
import { segmentsSql } from "./metadata-sql.ts"

interface Listed {
  readonly line: string
  readonly datasource: string
  readonly segment: Segment
  /** what may be there once only */
  readonly id: string
}

/** Per datasource, in no order; empty where Druid lists none. */
export type Segments = ReadonlyMap<string, readonly Segment[]>

export class SegmentsReader {
  readonly #client: Pick<DruidClient, "lines">
  readonly #datasources: readonly string[]
  /** the latest look, by line */
  #known: ReadonlyMap<string, Listed> = new Map()
  #latest: Segments = new Map()

  constructor(client: Pick<DruidClient, "lines">, datasources: readonly string[]) {
    this.#client = client
    this.#datasources = datasources
  }

  /**
   * @param available columns that this Druid's `sys.segments` has
   * @returns the very list of the look before for a datasource of which nothing has changed
   * @throws DruidsyncError
   */
  read(available: ReadonlySet<string>, signal?: AbortSignal): Promise<Segments> {
    const sql = segmentsSql(this.#datasources, available)
    return this.#client.lines(sql, { action: "reading sys.segments", signal }, (lines) => this.#look(lines))
  }

  #look(lines: readonly string[]): Segments {
    const known = new Map<string, Listed>()
    const ids = new Set<string>()
    const found = new Map<string, Segment[]>(this.#datasources.map((name) => [name, []]))
    for (const line of lines) {
      const listed = this.#known.get(line) ?? listedOf(line)
      if (ids.has(listed.id)) throw cutResponse("a segment is in it twice")
      ids.add(listed.id)
      // Its own line, not this one: a line keeps the whole answer that it was cut from in memory.
      known.set(listed.line, listed)
      found.get(listed.datasource)?.push(listed.segment)
    }
    const latest = new Map<string, readonly Segment[]>()
    for (const [name, segments] of found) {
      const before = this.#latest.get(name)
      latest.set(name, before !== undefined && isSame(before, segments) ? before : segments)
    }
    this.#known = known
    this.#latest = latest
    return latest
  }
}

function isSame(a: readonly Segment[], b: readonly Segment[]): boolean {
  return a.length === b.length && a.every((segment, n) => segment === b[n])
}

/** @throws DruidsyncError `response-cut` if the row is not whole */
function listedOf(line: string): Listed {
  const row = wholeRow(parseLine(line), 14)
  const [
    datasource,
    start,
    end,
    version,
    partition,
    rows,
    size,
    replication,
    published,
    available,
    realtime,
    tombstone,
    used,
    core,
  ] = row
  const corePartitions = core === null ? undefined : corePartitionsOf(textCell(core))
  const segment: Segment = {
    interval: { start: isoCell(start), end: isoCell(end) },
    version: textCell(version),
    partition: integerCell(partition),
    rows: integerCell(rows),
    sizeBytes: integerCell(size),
    replicationFactor: replication === null ? undefined : integerCell(replication),
    isPublished: integerCell(published) === 1,
    isAvailable: integerCell(available) === 1,
    isRealtime: integerCell(realtime) === 1,
    isTombstone: integerCell(tombstone) === 1,
    isUsed: integerCell(used) === 1,
    ...(corePartitions === undefined ? {} : { corePartitions }),
  }
  return { line, datasource: textCell(datasource), segment, id: JSON.stringify(row.slice(0, 5)) }
}
