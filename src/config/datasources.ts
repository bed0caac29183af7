/** Reads `datasources` in each of its forms, and makes sure that each becomes a table of its own. */

import { fold } from "../base/names.ts"
import { readAggregate } from "./aggregate.ts"
import { readColumns } from "./columns.ts"
import { type Readable, readEntries, readValue, refuseUnknownKeys } from "./entries.ts"
import { isObject } from "./json.ts"
import { type Path, type Problems, short, shown } from "./problems.ts"
import { datasourceEntries, datasourceName, sharedEntries } from "./schema.ts"
import { type DatasourceSettings, named } from "./settings.ts"
import { isOwnTable, OWN_TABLE_PREFIX, tableName } from "./table-name.ts"

/** A datasource and where it stands, for messages. */
interface Placed {
  readonly path: Path
  readonly settings: DatasourceSettings
}

const PATH: Path = ["datasources"]
const ITEM = 'a name, or an object like { "name": "wikipedia" }'

/**
 * Reads the value of `datasources`: names with commas between them, or an array of names (taken as they are) and
 * objects. `shared` are the keys for all, where a datasource has none of its own. What is wrong is added to the problems
 * and left out of the result.
 */
export function readDatasources(
  raw: unknown,
  shared: Readable<typeof sharedEntries>,
  problems: Problems,
): readonly DatasourceSettings[] {
  const placed = itemsOf(raw, problems).flatMap(({ path, value }) => {
    const settings = readItem(value, path, shared, problems)
    return settings === undefined ? [] : [{ path, settings }]
  })
  refuseClashes(placed, problems)
  return withSiblings(placed.map(({ settings }) => settings))
}

/** Says of each table whether there are others of its datasource. */
function withSiblings(all: readonly DatasourceSettings[]): DatasourceSettings[] {
  const tables = new Map<string, number>()
  for (const { name } of all) tables.set(name, (tables.get(name) ?? 0) + 1)
  return all.map((one) => (tables.get(one.name) === 1 ? one : { ...one, hasSiblings: true }))
}

function itemsOf(raw: unknown, problems: Problems): { path: Path; value: unknown }[] {
  if (Array.isArray(raw) && raw.length > 0) return raw.map((value, i) => ({ path: [...PATH, i], value }))
  if (typeof raw !== "string" || raw.trim() === "") {
    const accepted = `names with commas between them, or an array; each element ${ITEM}`
    problems.add(
      PATH,
      raw === undefined ? `missing: ${accepted}` : `found ${shown(raw)}; accepted: ${accepted}`,
    )
    return []
  }
  const names = raw.split(",").map((name) => name.trim())
  if (names.includes("")) problems.add(PATH, `found ${shown(raw)}; a name is missing beside a comma`)
  return names.filter((name) => name !== "").map((value) => ({ path: PATH, value }))
}

function readItem(
  value: unknown,
  path: Path,
  shared: Readable<typeof sharedEntries>,
  problems: Problems,
): DatasourceSettings | undefined {
  if (!isObject(value)) {
    if (typeof value !== "string") problems.add(path, `found ${shown(value)}; accepted: ${ITEM}`)
    const name = typeof value === "string" ? readValue(datasourceName, value, path, problems) : undefined
    return name === undefined ? undefined : readItem({ name }, path, shared, problems)
  }
  refuseUnknownKeys(datasourceEntries, value, path, problems)
  const read = readEntries(datasourceEntries, value, path, problems, ["columns", "aggregate"])
  const columns = readColumns(value.columns, [...path, "columns"], problems)
  const aggregate = readAggregate(value, path, read.since, problems)
  const hasBadTable = read.table === undefined && value.table !== undefined
  if (read.name === undefined || hasBadTable) return undefined
  return {
    name: read.name,
    table: read.table ?? tableName(read.name),
    columns,
    ...(aggregate === undefined ? {} : { aggregate }),
    filter: read.filter,
    sinceMs: read.since,
    // one that is missing here has a problem already, so these settings will not be used
    ...named(sharedEntries, { ...shared, ...read }),
  }
}

/** Two of one table, and tables of our own. */
function refuseClashes(placed: readonly Placed[], problems: Problems): void {
  const tables = new Map<string, Placed>()
  const taken = new Set(placed.map(({ settings }) => fold(settings.table)))
  for (const item of placed) {
    const { name, table } = item.settings
    const other = tables.get(fold(table))
    if (isOwnTable(table)) {
      const why = `table names that start with ${OWN_TABLE_PREFIX} belong to druidsync`
      problems.add(
        item.path,
        `${short(name)} would be the table ${short(table)}, but ${why}; ${advice(item, taken)}`,
      )
    } else if (other !== undefined) {
      const isSame = other.settings.name === name
      const both = isSame
        ? `the datasource ${short(name)} is there twice as the table ${short(table)}`
        : `${short(other.settings.name)} and ${short(name)} would both be the table ${short(table)}`
      const isCase = other.settings.table !== table
      const why = isCase ? ` (DuckDB takes it for the same as ${short(other.settings.table)})` : ""
      problems.add(item.path, `${both}${why}; ${advice(item, taken)}`)
    } else {
      tables.set(fold(table), item)
    }
  }
}

/** Says how to set `table`, with a name that is free. */
function advice({ settings, path }: Placed, taken: ReadonlySet<string>): string {
  const base = isOwnTable(settings.table) ? `druid${settings.table}` : settings.table
  let free = base
  for (let n = 2; taken.has(fold(free)); n++) free = `${base}_${n}`
  const object = `{ "name": ${JSON.stringify(settings.name)}, "table": ${JSON.stringify(free)} }`
  const form = path.length === 1 ? 'write "datasources" as an array and set "table" there' : 'set "table"'
  return `${form}, such as ${object}`
}
