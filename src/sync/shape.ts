/** The columns of one datasource: which are read, of what type they are, and what that does to the table. */
import type { DatasourceSettings } from "../config/settings.ts"
import type { Column, Interval, Work } from "../domain.ts"
import type { Inventory } from "../druid/catalog.ts"
import type { Source } from "../druid/sql.ts"
import { DruidsyncError, ExitCode } from "../errors.ts"
import { union } from "../intervals.ts"
import { MAX_TIME, MIN_TIME } from "../plan/diff.ts"
import { reconcile } from "../store/drift.ts"
import type { DatasourceState } from "../store/state.ts"
import { duckdbTypeOf } from "../store/types.ts"
import type { Ports } from "./ports.ts"
import { ask } from "./retry.ts"

/** Columns to read, their types, and what they do to the table. */
export async function readShape(
  ports: Ports,
  source: Source,
  settings: DatasourceSettings,
  inventory: Inventory,
  works: readonly Work[],
  held: DatasourceState | undefined,
) {
  const listed = inventory.columns.get(settings.name)
  if (listed === undefined) {
    throw new DruidsyncError(
      "unavailable",
      `Druid lists no column of "${settings.name}": no server serves any of it now`,
      {
        exitCode: ExitCode.incomplete,
        hint: "pull again when its segments are loaded",
      },
    )
  }
  const names = chosenColumns(
    settings,
    listed.map((column) => column.name),
  )
  const header = await ask(ports, () => ports.catalog.types(source, names, ports.signal))
  const intervals = union(works.map((work) => work.chunk.interval)).map(clipped)
  const multiValue =
    intervals.length === 0
      ? new Set<string>()
      : await ask(ports, () => ports.catalog.multiValueColumns(settings.name, intervals, ports.signal))
  const warnings: string[] = []
  const wanted = header.names.map((name, n): Omit<Column, "target"> => {
    const druidType = header.druidTypes[n]!
    const was = held?.columns.find((column) => column.name === name)
    // Once a column was seen with several values it stays a list, also where a slice has single ones only.
    const isMulti = druidType === "STRING" && (multiValue.has(name) || was?.duckdbType === "VARCHAR[]")
    const choice = duckdbTypeOf(name, druidType, isMulti)
    if (choice.warning !== undefined) warnings.push(`column "${name}": ${choice.warning}`)
    return {
      name,
      druidType,
      sqlType: header.sqlTypes[n]!,
      multiValue: isMulti,
      duckdbType: choice.duckdbType,
    }
  })
  const { table, columns, changes } = reconcile(held?.columns, wanted)
  return { columns, schema: table, changes, warnings }
}

/** Druid's metadata queries take no interval beyond its eternity. */
function clipped(interval: Interval): Interval {
  return {
    start: interval.start < MIN_TIME ? MIN_TIME : interval.start,
    end: interval.end > MAX_TIME ? MAX_TIME : interval.end,
  }
}

/** @throws DruidsyncError `config` where an included column does not exist */
function chosenColumns(settings: DatasourceSettings, listed: readonly string[]): string[] {
  const { include, exclude } = settings.columns
  const known = new Set(listed)
  const missing = [...(include ?? []), ...exclude].filter((name) => !known.has(name))
  if (include !== undefined && missing.some((name) => include.includes(name))) {
    throw new DruidsyncError(
      "config",
      `datasource "${settings.name}" has no column ${missing.map((name) => `"${name}"`).join(", ")}`,
      { exitCode: ExitCode.usage, hint: `its columns are: ${listed.join(", ")}` },
    )
  }
  const chosen = include === undefined ? listed : listed.filter((name) => include.includes(name))
  const left = new Set(exclude)
  return chosen.filter((name) => name === "__time" || !left.has(name))
}
