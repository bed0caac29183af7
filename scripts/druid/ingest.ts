/** Batch ingestion and compaction, as a test or a demo asks for it: it resolves when the rows can be queried. */
import { randomUUID } from "node:crypto"
import { createWriteStream } from "node:fs"
import { mkdir, rm } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import type { Druid } from "./cluster.ts"
import { type Settled, waitSettled } from "./settle.ts"
import { runTask } from "./task.ts"

/** Druid's granularities that are used here. */
export type Granularity =
  | "NONE"
  | "SECOND"
  | "MINUTE"
  | "HOUR"
  | "DAY"
  | "WEEK"
  | "MONTH"
  | "QUARTER"
  | "YEAR"
  | "ALL"

/** A dimension: a bare name is a string; Druid's own objects (`{"type":"long","name":…}`) pass through. */
export type Dimension = string | { type: string; name: string; [key: string]: unknown }

/** Rows to ingest: JSON-able objects or ready-made JSON lines, or the path of a file of JSON lines. */
export type RowSource =
  | { rows: Iterable<object | string> | AsyncIterable<object | string>; file?: never }
  | { file: string; rows?: never }

/** What to do with the rows. */
export type IngestOptions = RowSource & {
  datasource: string
  /** Default DAY. */
  segmentGranularity?: Granularity
  /** Default NONE: milliseconds are kept. */
  queryGranularity?: Granularity
  /** Add partitions beside what is there. Default false: the time chunks that get rows are replaced. */
  append?: boolean
  /** Default false. */
  rollup?: boolean
  /** Default: discovered, with types. */
  dimensions?: readonly Dimension[]
  /** Druid's metric specs, default none. */
  metrics?: readonly Record<string, unknown>[]
  /** Splits a time chunk in several segments. Default 5,000,000. */
  maxRowsPerSegment?: number
  /** ISO intervals; required by `dropExisting`. */
  intervals?: readonly string[]
  /** Replace all of `intervals`, with tombstones where no rows come. */
  dropExisting?: boolean
  /** Default column `__time`, ISO text or milliseconds. */
  timestampSpec?: { column: string; format: string }
  /** Merged into the task's tuningConfig. */
  tuning?: Record<string, unknown>
  /** Milliseconds, default 15 minutes. */
  deadlineMs?: number
  /** Default true; false resolves at the task's success, maybe before the rows can be queried. */
  settle?: boolean
}

/**
 * Ingests the rows with an `index_parallel` task and waits until the datasource is at rest.
 * @throws Error with the task's error message; Error if the datasource does not settle.
 */
export async function ingest(druid: Druid, options: IngestOptions): Promise<Settled | undefined> {
  const written = options.file === undefined
  const file =
    options.file === undefined ? await writeRows(druid.dataDir, options.rows) : resolve(options.file)
  try {
    await runTask(druid, ingestionTask(options, file), options.deadlineMs)
  } finally {
    if (written) await rm(file, { force: true })
  }
  return options.settle === false ? undefined : waitSettled(druid, options.datasource)
}

/** The task that ingests a file of JSON lines. */
export function ingestionTask(options: Omit<IngestOptions, "rows" | "file">, file: string): object {
  const { datasource, append = false, intervals, dropExisting = false } = options
  return {
    type: "index_parallel",
    spec: {
      dataSchema: dataSchema(options),
      ioConfig: {
        type: "index_parallel",
        inputSource: { type: "local", baseDir: dirname(file), filter: basename(file) },
        inputFormat: { type: "json" },
        appendToExisting: append,
        dropExisting,
      },
      tuningConfig: {
        type: "index_parallel",
        maxNumConcurrentSubTasks: 1,
        partitionsSpec: {
          type: "dynamic",
          maxRowsPerSegment: options.maxRowsPerSegment ?? 5_000_000,
          maxTotalRows: 100_000_000,
        },
        ...(options.tuning ?? {}),
      },
    },
    context: { druidsyncDatasource: datasource, ...(intervals ? { forceTimeChunkLock: true } : {}) },
  }
}

/** The dataSchema shared by batch and streaming ingestion. */
export function dataSchema(options: Omit<IngestOptions, "rows" | "file">): object {
  const { dimensions, intervals } = options
  return {
    dataSource: options.datasource,
    timestampSpec: options.timestampSpec ?? { column: "__time", format: "auto" },
    dimensionsSpec: dimensions ? { dimensions } : { useSchemaDiscovery: true },
    metricsSpec: options.metrics ?? [],
    granularitySpec: {
      type: "uniform",
      segmentGranularity: options.segmentGranularity ?? "DAY",
      queryGranularity: options.queryGranularity ?? "NONE",
      rollup: options.rollup ?? false,
      ...(intervals ? { intervals } : {}),
    },
  }
}

/** Rewrites an interval (ISO, `start/end`) with another segment granularity, and waits until it is at rest. */
export async function compact(
  druid: Druid,
  datasource: string,
  interval: string,
  granularity: Granularity,
): Promise<Settled> {
  await runTask(druid, {
    type: "compact",
    dataSource: datasource,
    ioConfig: { type: "compact", inputSpec: { type: "interval", interval } },
    granularitySpec: { segmentGranularity: granularity },
    tuningConfig: { type: "index_parallel", maxNumConcurrentSubTasks: 1 },
  })
  return waitSettled(druid, datasource)
}

/** Writes rows as JSON lines to a new file in the data folder, never more than a chunk in memory; answers its path. */
async function writeRows(
  dataDir: string,
  rows: Iterable<object | string> | AsyncIterable<object | string>,
): Promise<string> {
  const folder = join(dataDir, "input")
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${randomUUID()}.json`)
  await pipeline(Readable.from(chunks(rows), { objectMode: true }), createWriteStream(path))
  return path
}

async function* chunks(
  rows: Iterable<object | string> | AsyncIterable<object | string>,
): AsyncGenerator<string> {
  let chunk: string[] = []
  for await (const row of rows) {
    chunk.push(typeof row === "string" ? row : JSON.stringify(row))
    if (chunk.length === 2_000) {
      yield `${chunk.join("\n")}\n`
      chunk = []
    }
  }
  if (chunk.length > 0) yield `${chunk.join("\n")}\n`
}
