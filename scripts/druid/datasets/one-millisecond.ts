/** `one-millisecond`: far more rows in one millisecond than a page holds, with a few before and after. */
import { type Dataset, iso } from "./dataset.ts"
import { Random } from "./random.ts"

/** The crowded millisecond, since the epoch. */
export const CROWDED_MS = Date.parse("2022-03-04T05:06:07.089Z")

/** 40,000 rows (`crowd`) in one millisecond in several segments, 500 before and 500 after; `id` makes each unique. */
export function oneMillisecond(options: { crowd?: number; around?: number; seed?: number } = {}): Dataset {
  const { crowd = 40_000, around = 500, seed = 4 } = options
  return {
    datasource: "one-millisecond",
    columns: [
      { name: "__time", type: "TIMESTAMP" },
      { name: "id", type: "BIGINT" },
      { name: "name", type: "VARCHAR" },
      { name: "amount", type: "DOUBLE" },
    ],
    rowCount: crowd + 2 * around,
    segmentGranularity: "HOUR",
    maxRowsPerSegment: Math.max(1, Math.ceil(crowd / 3)),
    *rows() {
      const random = new Random(seed)
      for (let id = 0; id < crowd + 2 * around; id++) {
        const ms =
          id < around
            ? CROWDED_MS - (around - id) * 1_000
            : id < around + crowd
              ? CROWDED_MS
              : CROWDED_MS + 1 + (id - around - crowd) * 1_000
        yield [
          iso(ms),
          id,
          random.chance(0.1) ? null : `name ${random.below(1_000)}`,
          random.chance(0.1) ? null : random.below(1_000_000) / 64,
        ]
      }
    },
  }
}
