/** `my.datasource name`: a dot and a blank in the name, and column names that need every kind of care. */
import { type Dataset, iso } from "./dataset.ts"
import { Random } from "./random.ts"

const TEXTS = [
  "",
  "null",
  "NULL",
  "0",
  "it's",
  'say "x"',
  "a\\",
  "line\nbreak",
  "tab\t",
  "\u0001",
  "é",
  "e\u0301",
  "😀",
  ",",
]

/** MONTH segments over 2021. */
export function oddName(options: { rows?: number; seed?: number } = {}): Dataset {
  const { rows: rowCount = 3_000, seed = 3 } = options
  const startMs = Date.parse("2021-01-01T00:00:00Z")
  return {
    datasource: "my.datasource name",
    columns: [
      { name: "__time", type: "TIMESTAMP" },
      { name: "select", type: "VARCHAR" },
      { name: "with blank", type: "VARCHAR" },
      { name: 'quo"te', type: "VARCHAR" },
      { name: "Größe 数", type: "BIGINT" },
      { name: "a.b", type: "DOUBLE" },
    ],
    rowCount,
    segmentGranularity: "MONTH",
    *rows() {
      const random = new Random(seed)
      for (let i = 0; i < rowCount; i++)
        yield [
          iso(startMs + Math.floor((i * 365 * 86_400_000) / rowCount)),
          random.pick(TEXTS),
          random.chance(0.3) ? null : random.pick(TEXTS),
          `${random.pick(TEXTS)}${random.pick(TEXTS)}x`,
          random.chance(0.2) ? null : 9_007_199_254_740_993n + BigInt(random.below(1_000)), // beyond 2^53
          random.chance(0.2) ? null : (random.float() - 0.5) * 10 ** (random.below(40) - 20),
        ]
    },
  }
}
