/** Reads `datasources` in each of its forms, and makes sure that each table has a name of its own. */

import { fold } from "../base/names.ts"
import { readAggregate } from "./aggregate.ts"
import { readColumns } from "./columns.ts"
import { type Readable, readEntries, readValue, refuseUnknownKeys } from "./entries.ts"
import { isObject } from "./json.ts"
import { type Choice, chosen, escaped, isPattern, leavesOut, matches, unescaped } from "./patterns.ts"
import { type Path, Problems, short, shown } from "./problems.ts"
import { datasourceEntries, datasourceName, sharedEntries } from "./schema.ts"
import { type DatasourceSettings, named, type Pattern, type Settings } from "./settings.ts"
import { isOwnTable, OWN_TABLE_PREFIX, tableName } from "./table-name.ts"

/** A table and where it stands, for messages. */
interface Placed {
  readonly path: Path
  readonly settings: DatasourceSettings
}

/** An element of the list. */
interface Item {
  readonly path: Path
  /** a name, or a pattern with its `!` */
  readonly text: string
  readonly settings: DatasourceSettings
}

const PATH: Path = ["datasources"]
const ITEM = 'a name or a pattern such as "events_*" or "!tmp_*", or an object like { "name": "wikipedia" }'

/**
 * Reads the value of `datasources`: names and patterns with commas between them, or an array of names, patterns and
 * objects. `shared` are the keys for all, where a datasource has none of its own. What is wrong is added to the problems
 * and left out of the result.
 */
export function readDatasources(
  raw: unknown,
  shared: Readable<typeof sharedEntries>,
  problems: Problems,
): Choice {
  const items = itemsOf(raw, problems).flatMap(
    ({ path, value }) => readItem(value, path, shared, problems) ?? [],
  )
  const names = items.filter(({ text }) => !isPattern(text))
  const patterns = items.filter(({ text }) => isPattern(text))
  refuseClashes(names, problems)
  refuseIdle(names, patterns, problems)
  return {
    datasources: withSiblings(names.map(({ settings }) => settings)),
    patterns: patterns.map(({ text, settings }): Pattern => {
      return leavesOut(text) ? { text: text.slice(1), settings: undefined } : { text, settings }
    }),
  }
}

/**
 * The tables that a configuration makes of what a cluster has.
 * @param names of the cluster's datasources, in the order that the tables are to have
 * @throws DruidsyncError `config` where two would be one table
 */
export function tablesOf(
  settings: Pick<Settings, "configPath" | "datasources" | "patterns">,
  names: Iterable<string>,
): readonly DatasourceSettings[] {
  const tables = chosen(settings, names)
  const problems = new Problems()
  refuseClashes(
    tables.map((one) => ({ path: PATH, settings: one })),
    problems,
  )
  problems.throwIfAny(settings.configPath)
  return tables
}

/** Patterns that can do nothing: because of what stands beside them, or since nothing is copied at all. */
function refuseIdle(names: readonly Item[], patterns: readonly Item[], problems: Problems): void {
  const told = new Set<string>()
  for (const { path, text } of patterns) {
    if (told.has(text)) problems.add(path, `the pattern ${short(text)} is there twice`)
    told.add(text)
    if (!leavesOut(text) || isPattern(text.slice(1))) continue
    const listed = names.some(({ settings: { name } }) => matches(text.slice(1), name))
    if (listed) problems.add(path, `${short(text.slice(1))} is listed and left out`)
  }
  if (names.length === 0 && patterns.length > 0 && patterns.every(({ text }) => leavesOut(text)))
    problems.add(PATH, 'nothing is copied: there are only patterns that leave out; add others, such as "*"')
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
): Item | undefined {
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
  if (leavesOut(read.name) && Object.keys(value).length > 1) {
    problems.add(
      [...path, "name"],
      `${short(read.name)} leaves out, and needs no settings: write it as a text`,
    )
  } else if (read.table !== undefined && isPattern(read.name)) {
    const why = `${short(read.name)} may match several datasources, which cannot all be the table ${short(read.table)}`
    problems.add([...path, "table"], `${why}; name the datasource, or leave "table" out`)
  }
  const name = unescaped(read.name)
  const settings: DatasourceSettings = {
    name,
    table: read.table ?? tableName(name),
    columns,
    ...(aggregate === undefined ? {} : { aggregate }),
    filter: read.filter,
    sinceMs: read.since,
    // one that is missing here has a problem already, so these settings will not be used
    ...named(sharedEntries, { ...shared, ...read }),
  }
  return { path, text: read.name, settings }
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
  const object = `{ "name": ${JSON.stringify(escaped(settings.name))}, "table": ${JSON.stringify(free)} }`
  if (settings.isMatched === true) return `name one of them, such as ${object}`
  const form = path.length === 1 ? 'write "datasources" as an array and set "table" there' : 'set "table"'
  return `${form}, such as ${object}`
}
