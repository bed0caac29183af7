/** `identical-rows`: nothing tells these rows apart, so only their number can be right or wrong. */
import { type Dataset, iso, type Row } from "./dataset.ts"

/** `copies` times one row, then 100 different rows `copies / 100` times each, on three days. */
export function identicalRows(options: { copies?: number } = {}): Dataset {
  const { copies = 15_000 } = options
  const each = Math.floor(copies / 100)
  const noon = Date.parse("2020-02-02T12:00:00Z")
  return {
    datasource: "identical-rows",
    columns: [
      { name: "__time", type: "TIMESTAMP" },
      { name: "word", type: "VARCHAR" },
      { name: "empty", type: "VARCHAR" },
      { name: "n", type: "BIGINT" },
    ],
    rowCount: copies + 100 * each,
    segmentGranularity: "DAY",
    *rows(): Generator<Row> {
      for (let i = 0; i < copies; i++) yield [iso(noon), "same", "", 7]
      for (let i = 0; i < 100 * each; i++) {
        const kind = i % 100
        yield [iso(noon + (kind % 3) * 86_400_000 + kind), `kind ${kind}`, kind % 2 ? null : "", kind]
      }
    },
  }
}
