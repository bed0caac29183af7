/** Reads which columns to copy, in either form, into one shape. */

import { readEntries, readValue, refuseUnknownKeys } from "./entries.ts"
import { isObject } from "./json.ts"
import { type Path, type Problems, short, shown } from "./problems.ts"
import { COLUMNS_ACCEPTED, columnNames, columnsEntries } from "./schema.ts"
import type { ColumnChoice } from "./settings.ts"

const TIME = "__time"

/**
 * The choice; `__time` is added to what is included, since slices are cut, and replaced, by it. What is wrong is
 * added to the problems.
 */
export function readColumns(raw: unknown, path: Path, problems: Problems): ColumnChoice {
  const isList = Array.isArray(raw)
  const { include, exclude = [] } = isList
    ? { include: readValue(columnNames, raw, path, problems) }
    : readObjectForm(raw, path, problems)
  refuseTwice(include ?? [], isList ? path : [...path, "include"], problems)
  refuseTwice(exclude, [...path, "exclude"], problems)
  if (exclude.includes(TIME)) problems.add([...path, "exclude"], `${short(TIME)} is always copied`)
  const both = exclude.find((name) => include?.includes(name))
  if (both !== undefined) problems.add(path, `${short(both)} is both included and excluded`)
  return { include: include && [TIME, ...include.filter((name) => name !== TIME)], exclude }
}

function readObjectForm(
  raw: unknown,
  path: Path,
  problems: Problems,
): { include?: string[] | undefined; exclude?: string[] | undefined } {
  if (raw === undefined) return {}
  if (!isObject(raw)) {
    problems.add(path, `found ${shown(raw)}; accepted: ${COLUMNS_ACCEPTED}`)
    return {}
  }
  refuseUnknownKeys(columnsEntries, raw, path, problems)
  return readEntries(columnsEntries, raw, path, problems)
}

function refuseTwice(names: readonly string[], path: Path, problems: Problems): void {
  const seen = new Set<string>()
  const twice = names.find((name) => seen.size === seen.add(name).size)
  if (twice !== undefined) problems.add(path, `${short(twice)} is there twice`)
}
