/** The fake Druid as a `World`: all is at rest at once. */
import type { Site } from "../fake-druid/fake-druid.ts"
import type { Value } from "../fake-druid/model/values.ts"
import { canonical, Multiset, rowText } from "./rows.ts"
import type { ColumnKind, IngestOptions, InputRow, Rows, Truth, World } from "./world.ts"

const DRUID_TYPE: Record<ColumnKind, string> = {
  string: "STRING",
  long: "LONG",
  double: "DOUBLE",
  float: "FLOAT",
}

/** `site` is looked at anew for each operation, since a reset replaces its world. */
export function fakeWorld(site: Site): World {
  const columnsOf = new Map<string, Record<string, ColumnKind>>()
  const ingestion = (datasource: string, options: IngestOptions = {}) => {
    const columns = { ...columnsOf.get(datasource), ...options.columns }
    columnsOf.set(datasource, columns)
    return {
      granularity: options.granularity ?? "DAY",
      columns: Object.fromEntries(Object.entries(columns).map(([name, kind]) => [name, DRUID_TYPE[kind]])),
      ...(options.partitions === undefined ? {} : { partitions: options.partitions }),
    } as const
  }
  const url = new URL(site.url)
  const add = async (datasource: string, rows: Rows, options?: IngestOptions) => {
    const plan = ingestion(datasource, options)
    site.world.append(
      datasource,
      [...rows].map((row) => typed(row, columnsOf.get(datasource)!)),
      plan,
    )
  }
  return {
    kind: "fake",
    address: {
      protocol: url.protocol.slice(0, -1),
      host: url.hostname,
      port: Number(url.port),
      ...(url.pathname === "/" ? {} : { basePath: url.pathname }),
    },
    name: (base) => base,
    create: add,
    append: add,
    async overwrite(datasource, rows, options) {
      const plan = ingestion(datasource, options)
      const given = [...rows].map((row) => typed(row, columnsOf.get(datasource)!))
      const times = given.map((row) => Date.parse(row.__time))
      const day = 86_400_000
      const start = Math.floor(Math.min(...times) / day) * day
      const end = (Math.floor(Math.max(...times) / day) + 1) * day
      site.world.overwrite(datasource, { start: BigInt(start), end: BigInt(end) }, given, plan)
      site.world.settle(datasource)
    },
    async compact(datasource, interval, granularity) {
      site.world.compact(datasource, interval, granularity)
      site.world.settle(datasource)
    },
    async markUnused(datasource, interval) {
      site.world.markUnused(datasource, interval)
    },
    async breakChunk(datasource, interval, partitions) {
      for (const partition of partitions) site.world.dropPartition(datasource, interval, partition)
    },
    async unserve(datasource) {
      site.world.setAvailable(datasource, undefined, false)
    },
    async serve(datasource) {
      site.world.setAvailable(datasource, undefined, true)
    },
    truth: async (datasource) => fakeTruth(site, datasource),
  }
}

/** Rows of the model itself: no SQL, no HTTP in between. */
function fakeTruth(site: Site, datasource: string): Truth {
  const schema = site.world.schema(datasource)
  const rows = new Multiset()
  for (const row of site.world.eachRow(datasource))
    rows.add(rowText(schema.map(({ name, type }) => [name, valueText(name, type, row[name]!)] as const)))
  return { columns: schema.map((column) => column.name), rows }
}

function valueText(name: string, type: string, value: Value): string {
  if (name === "__time") return canonical.time(value as bigint)
  if (type === "LONG") return canonical.long(value as bigint | null)
  if (type === "DOUBLE") return canonical.double(value as number | null)
  if (type === "FLOAT") return canonical.float(value as number | null)
  if (Array.isArray(value)) return canonical.list(value, canonical.string)
  return canonical.string(value as string | null)
}

/** LONG columns want bigint in the model. */
function typed(row: InputRow, columns: Readonly<Record<string, ColumnKind>>): InputRow {
  const cells = Object.entries(row).map(([name, value]) => [
    name,
    columns[name] === "long" && typeof value === "number" ? BigInt(value) : value,
  ])
  return Object.fromEntries(cells) as InputRow
}
