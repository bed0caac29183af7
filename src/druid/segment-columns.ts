/**
 * What the segments themselves hold, column by column: types, and whether some row has several values. Druid's SQL
 * does not tell the latter, and of columns whose type differs between segments it tells only the type that it answers
 * in. Asked with `segmentMetadata` queries that read no rows (30 to 60 ms for eight segments).
 *
 * An answer can be incomplete without a word where a server is just going: what it says is for planning, and fetched
 * rows are looked at again (`mayBeSeveral` in `store/types.ts`).
 */

import type { Interval } from "../base/domain.ts"
import { DruidsyncError } from "../base/errors.ts"
import { intervalText } from "../base/intervals.ts"
import type { DruidClient } from "./client.ts"

/** One column in all segments that were asked about. */
export interface SegmentColumn {
  /** some row holds several values */
  readonly multiValue: boolean
  /** native types that segments have it with */
  readonly types: ReadonlySet<string>
}

/** A stretch of time to ask about. */
export interface Stretch {
  readonly interval: Interval
  /** canonical text of its segments where they never change: the answer is remembered by it */
  readonly segments: string | undefined
}

export type SegmentColumns = ReadonlyMap<string, SegmentColumn>

/** Intervals per query. */
const INTERVALS_PER_QUERY = 500

interface Analysis {
  columns?: Record<
    string,
    { typeSignature?: string; type?: string; hasMultipleValues?: boolean; errorMessage?: string | null }
  >
}

/** A reader that asks about each set of segments once. */
export class SegmentColumnsReader {
  readonly #client: DruidClient
  readonly #known = new Map<string, SegmentColumns>()

  constructor(client: DruidClient) {
    this.#client = client
  }

  /**
   * Columns of all stretches together. Where a stretch was asked about with others before, their columns are in the
   * answer too.
   * @throws DruidsyncError
   */
  async read(
    datasource: string,
    stretches: readonly Stretch[],
    signal?: AbortSignal,
  ): Promise<SegmentColumns> {
    const known: SegmentColumns[] = []
    const unknown: Stretch[] = []
    for (const stretch of stretches) {
      const before = this.#known.get(keyOf(datasource, stretch) ?? "")
      if (before === undefined) unknown.push(stretch)
      else if (!known.includes(before)) known.push(before)
    }
    for (let i = 0; i < unknown.length; i += INTERVALS_PER_QUERY) {
      const some = unknown.slice(i, i + INTERVALS_PER_QUERY)
      const columns = await this.#ask(
        datasource,
        some.map((stretch) => stretch.interval),
        signal,
      )
      for (const stretch of some) {
        const key = keyOf(datasource, stretch)
        if (key !== undefined) this.#known.set(key, columns)
      }
      known.push(columns)
    }
    return mergedColumns(known)
  }

  async #ask(
    datasource: string,
    intervals: readonly Interval[],
    signal: AbortSignal | undefined,
  ): Promise<SegmentColumns> {
    const query = async (more: Readonly<Record<string, unknown>>) => {
      const answer = await this.#client.native(
        {
          queryType: "segmentMetadata",
          dataSource: datasource,
          intervals: intervals.map(intervalText),
          analysisTypes: [],
          ...more,
        },
        { action: `reading the segment metadata of "${datasource}"`, signal },
      )
      if (Array.isArray(answer)) return answer as Analysis[]
      throw new DruidsyncError("not-druid", `the segment metadata of "${datasource}" is not a list`)
    }
    const together = await query({ merge: true })
    const columns = mergedColumns(together.map(columnsOf))
    // Of a column with different types Druid's merged answer says nothing true, not even whether rows hold several
    // values ("error:cannot_merge_diff_types"): each segment has to be asked.
    const differing = new Set(
      together.flatMap(({ columns: all = {} }) =>
        Object.keys(all).filter((name) => (all[name]!.errorMessage ?? null) !== null),
      ),
    )
    if (differing.size === 0) return columns
    const apart = await query({ merge: false, toInclude: { type: "list", columns: [...differing] } })
    return mergedColumns([columns, ...apart.map(columnsOf)])
  }
}

function keyOf(datasource: string, stretch: Stretch): string | undefined {
  return stretch.segments === undefined ? undefined : `${datasource}\n${stretch.segments}`
}

/** A column that Druid could not look into is left out, as Druid's own SQL schema leaves it out. */
function columnsOf(analysis: Analysis): SegmentColumns {
  const readable = Object.entries(analysis.columns ?? {}).filter(
    ([, { errorMessage }]) => (errorMessage ?? null) === null,
  )
  return new Map(
    readable.map(([name, column]) => {
      const type = column.typeSignature ?? column.type
      return [
        name,
        {
          multiValue: column.hasMultipleValues === true && column.type === "STRING",
          types: new Set(type === undefined ? [] : [type]),
        },
      ]
    }),
  )
}

/** Columns of several answers as one. */
export function mergedColumns(all: readonly SegmentColumns[]): SegmentColumns {
  const result = new Map<string, SegmentColumn>()
  for (const columns of all) {
    for (const [name, column] of columns) {
      const before = result.get(name)
      if (before === undefined) result.set(name, column)
      else {
        result.set(name, {
          multiValue: before.multiValue || column.multiValue,
          types: new Set([...before.types, ...column.types]),
        })
      }
    }
  }
  return result
}
