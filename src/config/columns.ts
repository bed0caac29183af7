/** Reads which columns to copy, in either form, into one shape. */

import { fold } from "../base/names.ts"
import { type Readable, readInner, readValue } from "./entries.ts"
import { type Path, type Problems, short } from "./problems.ts"
import { COLUMNS_ACCEPTED, columnNames, columnsEntries } from "./schema.ts"
import { type ColumnChoice, chooser } from "./settings.ts"

const TIME = "__time"

/**
 * The choice; `__time` is added to what is included, since slices are cut, and replaced, by it. What is wrong is
 * added to the problems.
 */
export function readColumns(raw: unknown, path: Path, problems: Problems): ColumnChoice {
  const isList = Array.isArray(raw)
  const {
    include,
    exclude = [],
    add = {},
    hash = [],
  }: Readable<typeof columnsEntries> = isList
    ? { include: readValue(columnNames, raw, path, problems) }
    : readInner(columnsEntries, raw, path, problems, COLUMNS_ACCEPTED)
  refuseTwice(include ?? [], isList ? path : [...path, "include"], problems)
  refuseTwice(exclude, [...path, "exclude"], problems)
  if (exclude.includes(TIME)) problems.add([...path, "exclude"], `${short(TIME)} is always copied`)
  const both = exclude.find((name) => include?.includes(name))
  if (both !== undefined) problems.add(path, `${short(both)} is both included and excluded`)
  const folded = Object.keys(add).map(fold)
  const same = Object.keys(add).find((_, n) => folded.indexOf(folded[n]!) < n)
  if (same !== undefined) problems.add([...path, "add", same], "the name is there twice")
  if (Object.hasOwn(add, TIME)) problems.add([...path, "add", TIME], "every table has a column of that name")
  refuseTwice(hash, [...path, "hash"], problems)
  const isChosen = chooser({ include, exclude })
  for (const name of hash) {
    const isThere = Object.hasOwn(add, name) || isChosen(name)
    if (name === TIME)
      problems.add([...path, "hash"], `${short(TIME)} cannot be hashed: rows are replaced by it`)
    else if (!isThere) problems.add([...path, "hash"], `${short(name)} is not copied`)
  }
  return {
    include: include && [TIME, ...include.filter((name) => name !== TIME)],
    exclude,
    ...(Object.keys(add).length === 0 ? {} : { add }),
    ...(hash.length === 0 ? {} : { hash }),
  }
}

function refuseTwice(names: readonly string[], path: Path, problems: Problems): void {
  const seen = new Set<string>()
  const twice = names.find((name) => seen.size === seen.add(name).size)
  if (twice !== undefined) problems.add(path, `${short(twice)} is there twice`)
}
