/** Ingests a generated dataset. */
import type { Druid } from "./cluster.ts"
import { type Dataset, dimensionsOf, jsonLines } from "./datasets/index.ts"
import { type IngestOptions, ingest } from "./ingest.ts"
import type { Settled } from "./settle.ts"

/**
 * Loads a dataset and waits until all its rows can be queried. Options override how it is ingested (`append`,
 * `datasource`, `segmentGranularity`, …).
 * @throws Error with the task's message if it failed; Error if Druid holds another number of rows afterwards (unless
 * appending to, or replacing parts of, what was there).
 */
export async function loadDataset(
  druid: Druid,
  dataset: Dataset,
  options: Partial<Omit<IngestOptions, "rows" | "file">> = {},
): Promise<Settled> {
  const settled = (await ingest(druid, {
    datasource: dataset.datasource,
    segmentGranularity: dataset.segmentGranularity,
    dimensions: dimensionsOf(dataset),
    ...(dataset.maxRowsPerSegment === undefined ? {} : { maxRowsPerSegment: dataset.maxRowsPerSegment }),
    ...options,
    settle: true,
    rows: jsonLines(dataset),
  })) as Settled
  if (settled.rows < dataset.rowCount)
    throw new Error(
      `${dataset.datasource}: ${dataset.rowCount} rows were loaded, Druid holds ${settled.rows}`,
    )
  return settled
}
