/** Streaming ingestion and its hand-off. */
import { byTarget } from "./allocate.ts"
import type { Datasource } from "./datasource.ts"
import { add, content, finalRows, type IngestOptions, type Ledger, loading, place } from "./ingestion.ts"
import { allRows, ingested, type Rollup, readAs, rolledUp } from "./rows.ts"
import { mergedSchema } from "./schema.ts"
import type { StoredSegment } from "./segment.ts"
import type { InputRow } from "./values.ts"

export type StreamOptions = IngestOptions & { rollup?: Rollup }

/** Grows the open realtime segments of the rows' chunks, or opens the next partitions. */
export function stream(
  ds: Datasource,
  ledger: Ledger,
  rows: readonly InputRow[],
  options: StreamOptions,
): StoredSegment[] {
  const read = ingested(rows, { ...ds.declared, ...options.columns })
  const batch = options.rollup ? rolledUp(read, options.rollup) : read
  const touched: StoredSegment[] = []
  for (const { target, rows: group } of byTarget(ds, batch.rows, options.granularity ?? "HOUR")) {
    const more = { columns: batch.columns, rows: group }
    const open = [...ds.segments].find(
      (s) =>
        s.realtime &&
        s.version === target.version &&
        s.interval.start === target.interval.start &&
        s.interval.end === target.interval.end,
    )
    if (open) {
      if (ledger.lagging) open.reportedRows ??= open.rows.count
      const columns = mergedSchema([open.columns, more.columns], ledger.mergePolicy)
      const grown = readAs(columns, [{ columns: open.columns, rows: allRows(open.rows) }, more])
      Object.assign(open, content(grown))
      touched.push(open)
      continue
    }
    const version = target.version ?? ledger.nextVersion()
    const partition = ds.nextPartition(target.interval, version)
    touched.push(
      add(ds, {
        ...place(target.interval, version, partition, target.corePartitions ?? 0),
        ...content(more),
        ...loading(ledger, {}),
        rollup: options.rollup,
        published: false,
        realtime: true,
        handingOff: true,
      }),
    )
  }
  ds.changed()
  return touched
}

/** The task publishes a segment; it still serves it, row for row as before. */
export function publish(s: StoredSegment): void {
  if (!s.realtime) return
  s.realtime = false
  s.published = true
}

/** A historical takes a published segment over: with rollup, rows merge now, under the same id. */
export function handOff(s: StoredSegment, ledger: Ledger): void {
  if (!s.handingOff || s.realtime) return
  s.handingOff = false
  if (!s.rollup) return
  if (ledger.lagging) s.reportedRows ??= s.rows.count
  s.rows = finalRows(s)
  s.rollup = undefined
}
