/** A real Druid as a `World`. What is ingested is waited for until it can be queried and is counted. */
import {
  countRows,
  type Dimension,
  type Druid,
  identifier,
  ingest,
  literal,
  markUnused,
  poll,
  runTask,
  segments,
  sql,
  sqlLines,
  waitSettled,
} from "../../../scripts/druid/index.ts"
import { canonical, Multiset, rowText } from "./rows.ts"
import type { ColumnKind, IngestOptions, InputRow, Rows, Truth, World } from "./world.ts"

/** `tag` goes into the names of datasources, so that runs on one Druid do not meet. */
export function liveWorld(druid: Druid, tag: string): World {
  const columnsOf = new Map<string, Record<string, ColumnKind>>()
  const load = async (datasource: string, rows: Rows, append: boolean, options: IngestOptions = {}) => {
    const columns = { ...columnsOf.get(datasource), ...options.columns }
    columnsOf.set(datasource, columns)
    const lines = [...rows].map(jsonLine)
    await ingest(druid, {
      datasource,
      rows: lines,
      append,
      segmentGranularity: options.granularity ?? "DAY",
      dimensions: Object.entries(columns).map(([name, type]): Dimension => ({ name, type })),
      ...(options.partitions === undefined
        ? {}
        : { maxRowsPerSegment: Math.max(1, Math.floor(lines.length / options.partitions)) }),
    })
  }
  const url = new URL(druid.routerUrl)
  return {
    kind: "live",
    address: { protocol: "http", host: url.hostname, port: Number(url.port) },
    name: (base) => `${base} ${tag}`,
    create: (datasource, rows, options) => load(datasource, rows, false, options),
    append: (datasource, rows, options) => load(datasource, rows, true, options),
    overwrite: (datasource, rows, options) => load(datasource, rows, false, options),
    compact: (datasource, interval, granularity) => compactAtRest(druid, datasource, interval, granularity),
    async markUnused(datasource, interval) {
      await markUnused(druid, datasource, interval)
      await waitSettled(druid, datasource)
    },
    async breakChunk(datasource, interval, partitions) {
      const start = `${new Date(interval.split("/")[0]!).toISOString()}`
      // A coordinator drops what is overshadowed 15 minutes after its start; until then an older version would answer.
      const ids = (await segments(druid, datasource))
        .filter(
          (one) => one.start === start && (one.is_active === 0 || partitions.includes(one.partition_num)),
        )
        .map((one) => one.segment_id)
      await markUnused(druid, datasource, ids)
      const where = `TIME_IN_INTERVAL(__time, '${interval}')`
      await poll(`Druid to answer nothing of ${interval}`, { deadlineMs: 60_000 }, async () => {
        const listed = (await segments(druid, datasource)).map((one) => one.segment_id)
        const [row] = await sql<{ n: number }>(
          druid,
          `SELECT COUNT(*) AS n FROM ${identifier(datasource)} WHERE ${where}`,
        )
        return row!.n === 0 && !ids.some((id) => listed.includes(id)) ? true : undefined
      })
    },
    async unserve(datasource) {
      await druid.kill("historical")
      await poll("Druid to notice that its historical is gone", { deadlineMs: 60_000 }, async () => {
        const active = (await segments(druid, datasource)).filter((segment) => segment.is_active === 1)
        return active.length > 0 && active.every((segment) => segment.is_available === 0) ? true : undefined
      })
    },
    async serve(datasource) {
      await druid.start("historical", { emptyCache: true })
      await waitSettled(druid, datasource)
    },
    truth: (datasource) => liveTruth(druid, datasource),
  }
}

/**
 * Compacts, and waits until the new segments answer. Days made of a month leave the month active beneath them where it
 * had no rows, so the sum of `num_rows` is more than there is for good; the rows that Druid counts stay the same.
 */
async function compactAtRest(druid: Druid, datasource: string, interval: string, granularity: string) {
  const key = (all: Awaited<ReturnType<typeof segments>>) =>
    all
      .filter((one) => one.is_active === 1)
      .map((one) => `${one.segment_id} ${one.num_rows}`)
      .sort()
      .join()
  const rows = await countRows(druid, datasource)
  const before = key(await segments(druid, datasource))
  await runTask(druid, {
    type: "compact",
    dataSource: datasource,
    ioConfig: { type: "compact", inputSpec: { type: "interval", interval } },
    granularitySpec: { segmentGranularity: granularity },
    tuningConfig: { type: "index_parallel", maxNumConcurrentSubTasks: 1 },
  })
  let last = ""
  let agreed = 0
  await poll(`${datasource} to be compacted`, { deadlineMs: 120_000, everyMs: 200 }, async () => {
    const now = await segments(druid, datasource)
    const active = now.filter((one) => one.is_active === 1)
    const isAtRest =
      key(now) !== before &&
      active.every((one) => one.is_available === 1 && one.num_rows > 0) &&
      (await countRows(druid, datasource)) === rows
    agreed = isAtRest && key(now) === last ? agreed + 1 : 0
    last = key(now)
    return agreed >= 3 ? true : undefined
  })
}

/** Every row, as Druid answers it; integers as text, since JSON numbers would lose digits on their way. */
async function liveTruth(druid: Druid, datasource: string): Promise<Truth> {
  // A broker forgets the columns of what has lost its last server, and learns them again a while after it is back.
  const columns = await poll(
    `the columns of ${datasource}`,
    { deadlineMs: 60_000, everyMs: 200 },
    async () => {
      const found = await sql<{ COLUMN_NAME: string; DATA_TYPE: string }>(
        druid,
        `SELECT COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'druid' AND TABLE_NAME = ${literal(datasource)}`,
      )
      return found.length > 0 ? found : undefined
    },
  )
  const list = columns.map(({ COLUMN_NAME: name, DATA_TYPE: type }) => {
    if (name === "__time") return "CAST(TIMESTAMP_TO_MILLIS(__time) AS VARCHAR)"
    return type === "BIGINT" ? `CAST(${identifier(name)} AS VARCHAR)` : identifier(name)
  })
  const lines = await sqlLines(druid, `SELECT ${list.join(", ")} FROM ${identifier(datasource)}`)
  const rows = new Multiset()
  for (const line of lines) {
    const values = JSON.parse(line) as (string | number | null)[]
    rows.add(
      rowText(
        columns.map(
          ({ COLUMN_NAME: name, DATA_TYPE: type }, n) => [name, valueText(name, type, values[n]!)] as const,
        ),
      ),
    )
  }
  const counted = await countRows(druid, datasource)
  if (counted !== rows.size)
    throw new Error(`${datasource}: ${rows.size} rows arrived, Druid counts ${counted}`)
  return { columns: columns.map((column) => column.COLUMN_NAME), rows }
}

function valueText(name: string, type: string, value: string | number | null): string {
  if (name === "__time") return canonical.time(String(value))
  if (type === "BIGINT") return canonical.long(value)
  if (type === "DOUBLE") return canonical.double(value)
  if (type === "FLOAT") return canonical.float(value)
  if (type === "VARCHAR") return canonical.string(value as string | null)
  throw new Error(`no canonical form for ${type}`)
}

function jsonLine(row: InputRow): string {
  const cells = Object.entries(row).filter(([, value]) => value !== null)
  const texts = cells.map(([name, value]) => {
    const text = typeof value === "bigint" ? value.toString() : JSON.stringify(value)
    return `${JSON.stringify(name)}:${text}`
  })
  return `{${texts.join(",")}}`
}
