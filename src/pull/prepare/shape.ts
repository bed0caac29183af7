/**
 * The columns of one datasource: which are read, of what type they are, and what that does to the table. Types are those
 * that Druid declares; whether rows hold several values is asked of the segments, never guessed from the first rows.
 */

import { ROWS_COLUMN } from "../../base/buckets.ts"
import type { Column, Interval, Work } from "../../base/domain.ts"
import { concernsOneDatasource, DruidsyncError } from "../../base/errors.ts"
import { union } from "../../base/intervals.ts"
import { MAX_TIME, MIN_TIME } from "../../base/time.ts"
import type { Secret } from "../../config/secret.ts"
import type { Header } from "../../druid/framing.ts"
import { mergedColumns, type SegmentColumns, type Stretch } from "../../druid/segment-columns.ts"
import { groupColumns, type NamedColumn, type Source } from "../../druid/sql.ts"
import { conditionOf } from "../../plan/chunks.ts"
import { segmentSetText } from "../../plan/segment-set.ts"
import type { HeldState } from "../../store/notes/state.ts"
import type { StoredColumn } from "../../store/notes/tables.ts"
import { reconcile, type SchemaChange } from "../../store/rows/drift.ts"
import { duckdbTypeOf } from "../../store/rows/types.ts"
import type { Subject } from "../judge.ts"
import type { Reading } from "../pipeline/past-broker.ts"
import type { Ports } from "../ports.ts"
import { chosenColumns } from "./chosen.ts"
import { type Learnt, listedColumns } from "./listed-columns.ts"
import { readTypes } from "./read-types.ts"

/** What is read of a datasource, and the table that holds it. */
export interface Shape extends Pick<Reading, "columns" | "isUniform"> {
  /** the column of hashes, where the config wants one */
  readonly rowHash: Column | undefined
  /** the table's columns once this is stored */
  readonly schema: readonly StoredColumn[]
  readonly changes: readonly SchemaChange[]
  readonly warnings: readonly string[]
}

/**
 * @param learnt what this run has learnt of the columns
 * @throws DruidsyncError `config` if Druid refuses what the user wrote or does not have a chosen column, `unavailable`
 */
export async function readShape(
  ports: Ports,
  source: Source,
  subject: Subject,
  works: readonly Work[],
  learnt: Learnt = { severalValues: new Set(), unlisted: undefined },
): Promise<Shape> {
  const { settings, held } = subject
  const stored = await storedColumns(ports, source, works)
  const { aggregate } = source
  const listed =
    aggregate === undefined
      ? await listedColumns(ports, subject, stored?.settled, learnt)
      : { names: [], warnings: [] }
  const chosen =
    aggregate === undefined ? chosenColumns(settings, listed.names, held?.columns) : groupColumns(aggregate)
  const header = await readTypes(ports, source, chosen)
  const found = stored?.all ?? (await severalValues(ports, source, header, chosen, works))
  const asText = await needText(ports, source, header, chosen, works, found, held)
  const idle = settings.columns.exclude.filter(
    (name) => aggregate === undefined && !listed.names.includes(name),
  )
  const warnings = [
    ...listed.warnings,
    ...idle.map((name) => `"columns.exclude" has "${name}", which Druid does not show`),
  ]
  const wanted = header.names.map((name, n): Omit<Column, "target"> => {
    const druidType = header.druidTypes[n]!
    const { expression } = chosen[n]!
    const base = {
      name,
      druidType,
      sqlType: header.sqlTypes[n]!,
      ...(expression === undefined ? {} : { expression }),
      ...(aggregate !== undefined && name === ROWS_COLUMN ? { countsRows: true as const } : {}),
    }
    const { hash, salt } = settings.columns
    const isHashed = salt !== undefined && hash?.includes(name) === true
    // Druid and DuckDB write numbers differently: of a number the hash is that of Druid's text.
    if (isHashed && NUMBERS.has(druidType))
      return { ...base, multiValue: false, ...hashedAs("VARCHAR", salt), reading: "text" }
    const mixed = asText.get(name)
    if (mixed !== undefined) {
      if (mixed !== "") warnings.push(`column "${name}": ${mixed}`)
      return { ...base, multiValue: false, duckdbType: "VARCHAR", reading: "text" }
    }
    const was = held?.columns.find((column) => column.name === name)
    // Once a column was seen with several values it stays so, also where the slices at hand have single ones only.
    const hasSeveral =
      (expression === undefined && found.get(name)?.multiValue === true) ||
      learnt.severalValues.has(name) ||
      was?.multiValue === true ||
      was?.duckdbType === "VARCHAR[]"
    const multiValue = druidType === "STRING" && hasSeveral
    if (multiValue && expression !== undefined) {
      const key = aggregate === undefined ? "columns.add" : "aggregate.by"
      throw severalComputed(settings.name, `${key}.${name}`, expression)
    }
    const choice = duckdbTypeOf(name, druidType, multiValue, isHashed ? "list" : settings.multiValue)
    if (choice.warning !== undefined) warnings.push(`column "${name}": ${choice.warning}`)
    if (isHashed) return { ...base, multiValue, ...hashedAs(choice.duckdbType, salt) }
    return { ...base, multiValue, duckdbType: choice.duckdbType }
  })
  const isChosen = new Set(chosen.map(({ name }) => name))
  const leftOut = new Set(listed.names.filter((name) => !isChosen.has(name)))
  const { table, columns, rowHash, changes } = reconcile(held?.columns, wanted, {
    rowHash: settings.rowHash,
    leftOut,
  })
  const isOfOneType = ({ name, expression }: NamedColumn) =>
    expression === undefined && (stored?.all.get(name)?.types.size ?? 0) <= 1
  const isUniform = stored !== undefined && chosen.every(isOfOneType)
  return { columns, isUniform, rowHash, schema: table, changes, warnings }
}

/** A column of which hashes are stored: one for each value of a list, else one. */
function hashedAs(plainType: string, salt: Secret): Pick<Column, "duckdbType" | "hashed"> {
  const isList = plainType.endsWith("[]")
  return { duckdbType: isList ? "VARCHAR[]" : "VARCHAR", hashed: { plainType, salt } }
}

function severalComputed(datasource: string, key: string, expression: string): DruidsyncError {
  return new DruidsyncError(
    "config",
    `"${key}" of datasource "${datasource}" gives several values for some rows`,
    {
      hint: `write a list, such as MV_TO_ARRAY("tags"), or one text, such as MV_TO_STRING("tags", ','); it is: ${expression}`,
    },
  )
}

/** What the segments of the works hold. */
interface StoredColumns {
  readonly all: SegmentColumns
  /** names of the columns in segments that never change; rows of the others come again anyway */
  readonly settled: ReadonlySet<string>
}

/** Asked of the segments themselves; undefined if native queries are refused. */
async function storedColumns(
  ports: Ports,
  source: Source,
  works: readonly Work[],
): Promise<StoredColumns | undefined> {
  const { catalog, signal } = ports
  const read = async (some: readonly Work[]): Promise<SegmentColumns> =>
    some.length === 0 ? new Map() : catalog.segmentColumns(source.datasource, stretchesOf(some), signal)
  try {
    const settled = await read(works.filter((work) => work.state !== "provisional"))
    const live = await read(works.filter((work) => work.state === "provisional"))
    return { all: mergedColumns([settled, live]), settled: new Set(settled.keys()) }
  } catch (error) {
    if (!concernsOneDatasource(error)) throw error
    ports.emit({ type: "detail", message: `${error.message}; the columns are read instead` })
    return undefined
  }
}

/** Which columns hold several values, asked in SQL of the columns themselves. */
async function severalValues(
  ports: Ports,
  source: Source,
  header: Header,
  columns: readonly NamedColumn[],
  works: readonly Work[],
): Promise<SegmentColumns> {
  if (works.length === 0) return new Map()
  const { catalog, signal } = ports
  const strings = columns.filter((_, n) => header.druidTypes[n] === "STRING")
  try {
    const several = await catalog.severalValues(source, strings, hullOf(works), signal)
    return new Map([...several.names].map((name) => [name, { multiValue: true, types: new Set<string>() }]))
  } catch (error) {
    if (!concernsOneDatasource(error) && !(error instanceof DruidsyncError && error.asksForLess)) throw error
    // Nothing is lost: the rows themselves show which columns have to be asked for as lists.
    ports.emit({ type: "detail", message: error.message })
    return new Map()
  }
}

/** Each chunk once, with the identity of its segments where these can no longer change. */
function stretchesOf(works: readonly Work[]): Stretch[] {
  return [...new Set(works.map((work) => work.chunk))].map((chunk) => {
    const isLive = conditionOf(chunk) === "realtime"
    return {
      interval: clipped(chunk.interval),
      segments: isLive ? undefined : segmentSetText(chunk.segments),
    }
  })
}

/** Numbers that Druid would change on the way out, since other segments have the column with another type. */
const NUMBERS: ReadonlySet<string> = new Set(["LONG", "FLOAT", "DOUBLE"])

/**
 * Columns that have to be read as text to keep every value, each with the reason ("" where the table holds text
 * already). Druid answers a column that differs between segments in one type; numbers and texts of other segments are
 * made to fit, which loses what does not.
 */
async function needText(
  ports: Ports,
  source: Source,
  header: Header,
  columns: readonly NamedColumn[],
  works: readonly Work[],
  found: SegmentColumns,
  held: HeldState | undefined,
): Promise<ReadonlyMap<string, string>> {
  const result = new Map<string, string>()
  const roundable: NamedColumn[] = []
  for (const [n, name] of header.names.entries()) {
    const answered = header.druidTypes[n]!
    if (name === "__time" || columns[n]!.expression !== undefined || !NUMBERS.has(answered)) continue
    const types = [...(found.get(name)?.types ?? [])].filter((type) => type !== answered)
    const was = held?.columns.find((column) => column.name === name)
    const losing = types.filter((type) => loses(type, answered))
    if (was?.duckdbType === "VARCHAR") result.set(name, "")
    else if (losing.length > 0) {
      const several = found.get(name)!.multiValue ? "; rows with several values are there as JSON text" : ""
      result.set(name, mixedWords(losing, answered) + several)
    } else if (types.includes("LONG")) roundable.push({ name })
  }
  if (roundable.length > 0) {
    const { catalog, signal } = ports
    const beyond = await catalog.beyondDouble(source, roundable, hullOf(works), signal)
    for (const name of beyond.names)
      result.set(name, mixedWords(["LONG"], header.druidTypes[header.names.indexOf(name)]!))
  }
  return result
}

/** True where values of a segment's type may not survive in the type that Druid answers, whatever they are. */
function loses(type: string, answered: string): boolean {
  if (type === "STRING") return true
  if (answered === "LONG") return type === "FLOAT" || type === "DOUBLE"
  return answered === "FLOAT" && type === "DOUBLE"
}

function mixedWords(types: readonly string[], answered: string): string {
  return `some segments have it as ${types.join(", ")}, Druid answers ${answered} and would change values; kept as text`
}

function hullOf(works: readonly Work[]): Interval {
  const all = union(works.map((work) => work.chunk.interval))
  return { start: all[0]!.start, end: all.at(-1)!.end }
}

/** Druid's metadata queries take no interval beyond its eternity. */
function clipped(interval: Interval): Interval {
  return {
    start: interval.start < MIN_TIME ? MIN_TIME : interval.start,
    end: interval.end > MAX_TIME ? MAX_TIME : interval.end,
  }
}
