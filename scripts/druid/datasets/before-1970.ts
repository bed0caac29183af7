/** `before-1970`: rows on both sides of the epoch, down to 1883, the milliseconds next to zero included. */
import { type Dataset, iso } from "./dataset.ts"
import { Random } from "./random.ts"

const EDGES_MS = [-1, 0, 1, -86_400_000, -86_400_001, -1_000, -999, Date.parse("1883-11-18T12:03:58.001Z")]

/** YEAR segments; all but 100 rows lie before 1970. */
export function before1970(options: { rows?: number; seed?: number } = {}): Dataset {
  const { rows: rowCount = 5_000, seed = 6 } = options
  const from = Date.parse("1945-01-01T00:00:00Z")
  return {
    datasource: "before-1970",
    columns: [
      { name: "__time", type: "TIMESTAMP" },
      { name: "event", type: "VARCHAR" },
      { name: "ms", type: "BIGINT" },
      { name: "value", type: "DOUBLE" },
    ],
    rowCount,
    segmentGranularity: "YEAR",
    *rows() {
      const random = new Random(seed)
      for (let i = 0; i < rowCount; i++) {
        const edge = EDGES_MS[i]
        const late = i < EDGES_MS.length + 100
        const ms = edge ?? (late ? random.below(86_400_000) : from - Math.floor(random.float() * from))
        yield [
          iso(ms),
          `event ${random.below(50)}`,
          ms,
          random.chance(0.2) ? null : random.below(4_000) / 8 - 100,
        ]
      }
    },
  }
}
