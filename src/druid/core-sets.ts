/**
 * How many partitions the core set of a chunk has. Each shard spec of a chunk tells. A look at `sys.segments` has them of the
 * first two partitions alone, since they can be long; where both are missing, another one is asked for.
 */
import type { Segment } from "../base/domain.ts"
import { textCell, wholeRow } from "./cells.ts"
import type { DruidClient } from "./client.ts"
import { shardSpecsSql } from "./metadata-sql.ts"
import { segmentId } from "./segment-id.ts"

/** Segments per query. */
const MOST_SEGMENTS = 200

export class CoreSetsReader {
  readonly #client: Pick<DruidClient, "rows">
  /** a segment's shard spec never changes */
  readonly #known = new WeakMap<Segment, number | undefined>()

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
    const open = segments.filter((segment) => !this.#known.has(segment))
    for (let n = 0; n < open.length; n += MOST_SEGMENTS) {
      const some = open.slice(n, n + MOST_SEGMENTS)
      const ids = some.map((segment) => segmentId(datasource, segment))
      const options = { action: "reading shard specs of sys.segments", signal }
      const specs = new Map(
        await this.#client.rows(shardSpecsSql(ids), options, (rows) =>
          rows.map((row) => wholeRow(row, 2).map(textCell) as [string, string]),
        ),
      )
      for (const [i, segment] of some.entries())
        this.#known.set(segment, corePartitionsOf(specs.get(ids[i]!) ?? ""))
    }
    return new Map(
      segments.flatMap((segment) => {
        const partitions = this.#known.get(segment)
        return partitions === undefined ? [] : [[segment, partitions] as const]
      }),
    )
  }
}

/** Of numbered and hashed shard specs `partitions`, of those by range `numCorePartitions`; others have none. */
export function corePartitionsOf(shardSpec: string): number | undefined {
  const found = /"(?:partitions|numCorePartitions)":(\d+)/.exec(shardSpec)
  return found === null ? undefined : Number(found[1])
}
