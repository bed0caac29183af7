/**
 * How many partitions the core set of a chunk has. Each shard spec of a chunk tells. A look at `sys.segments` has them of the
 * first two partitions alone, since they can be long; where both are missing, another one is asked for.
 */
import { CORE_PARTITIONS } from "../base/core-set.ts"
import type { Segment } from "../base/domain.ts"
import { textCell, wholeRow } from "./cells.ts"
import type { DruidClient } from "./client.ts"
import { shardSpecsSql } from "./metadata-sql.ts"
import { segmentId } from "./segment-id.ts"

/** Segments per query. */
const MOST_SEGMENTS = 200

export class CoreSetsReader {
  readonly #client: Pick<DruidClient, "rows">
  /** by id: a segment's shard spec never changes */
  readonly #known = new Map<string, number | undefined>()

  constructor(client: Pick<DruidClient, "rows">) {
    this.#client = client
  }

  /**
   * @param segments of the datasource; each is asked about once
   * @returns partitions of the core set that the segment belongs to; without those whose shard spec does not tell
   * @throws DruidsyncError
   */
  async read(
    datasource: string,
    segments: readonly Segment[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<Segment, number>> {
    const idOf = (segment: Segment) => segmentId(datasource, segment)
    const open = segments.map(idOf).filter((id) => !this.#known.has(id))
    for (let n = 0; n < open.length; n += MOST_SEGMENTS) {
      const ids = open.slice(n, n + MOST_SEGMENTS)
      const options = { action: "reading shard specs of sys.segments", signal }
      const specs = new Map(
        await this.#client.rows(shardSpecsSql(ids), options, (rows) =>
          rows.map((row) => wholeRow(row, 2).map(textCell) as [string, string]),
        ),
      )
      for (const id of ids) this.#known.set(id, corePartitionsOf(specs.get(id) ?? ""))
    }
    return new Map(
      segments.flatMap((segment) => {
        const partitions = this.#known.get(idOf(segment))
        return partitions === undefined ? [] : [[segment, partitions] as const]
      }),
    )
  }
}

function corePartitionsOf(shardSpec: string): number | undefined {
  const found = new RegExp(CORE_PARTITIONS).exec(shardSpec)
  return found === null ? undefined : Number(found[1])
}
