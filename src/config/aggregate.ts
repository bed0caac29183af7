/** Reads what a table holds in place of rows: groups of them, and what is kept of each. */

import { bucketStart, type Every, ROWS_COLUMN } from "../base/buckets.ts"
import { fold } from "../base/names.ts"
import { type Readable, readInner } from "./entries.ts"
import { isObject, type RawObject } from "./json.ts"
import { type Path, type Problems, short, shown } from "./problems.ts"
import { aggregateEntries } from "./schema.ts"
import type { Aggregate } from "./settings.ts"

const AGGREGATE_ACCEPTED = 'an object such as { "every": "hour" }'

/** Names of columns that every aggregate has. */
const TAKEN: ReadonlySet<string> = new Set(["__time", ROWS_COLUMN])

/**
 * @param raw the object of the datasource that `aggregate` is a key of
 * @param path of that object
 * @param sinceMs of the datasource
 * @returns undefined if rows are to be copied, or with problems added
 */
export function readAggregate(
  raw: RawObject,
  path: Path,
  sinceMs: bigint | undefined,
  problems: Problems,
): Aggregate | undefined {
  const { aggregate } = raw
  const at = [...path, "aggregate"]
  if (aggregate === undefined) return undefined
  const {
    every,
    by = [],
    measures = {},
  }: Readable<typeof aggregateEntries> = readInner(
    aggregateEntries,
    aggregate,
    at,
    problems,
    AGGREGATE_ACCEPTED,
  )
  if (!isObject(aggregate)) return undefined
  const keys = by.flatMap((one) =>
    typeof one === "string"
      ? [{ name: one }]
      : Object.entries(one).map(([name, expression]) => ({ name, expression })),
  )
  const kept = Object.entries(measures).map(([name, expression]) => ({ name, expression }))
  refuseClashes(keys, kept, at, problems)
  refuseColumns(raw.columns, [...keys, ...kept], [...path, "columns"], problems)
  for (const { name, expression } of kept) {
    if (!/[\p{L}\p{N}_]\s*\(/u.test(expression))
      problems.add([...at, "measures", name], `${short(expression)} is no aggregation, such as SUM("added")`)
  }
  if (every === undefined) return undefined
  if (every === "all" && raw.keep !== undefined && raw.keep !== "all")
    problems.add([...path, "keep"], 'there is one bucket for all of time; use a "filter" on "__time" instead')
  if (sinceMs !== undefined) refuseSplitBucket(every, sinceMs, [...path, "since"], problems)
  return { every, by: keys, measures: kept }
}

/** Of `columns` only what is to be hashed can be said of groups, too. */
function refuseColumns(
  columns: unknown,
  ofGroups: readonly { readonly name: string }[],
  path: Path,
  problems: Problems,
): void {
  if (columns === undefined) return
  const others = isObject(columns) ? Object.keys(columns).filter((key) => key !== "hash") : [""]
  if (others.length > 0)
    problems.add(
      path,
      '"aggregate" says which columns the table has, in "by" (which takes expressions) and "measures"; only "hash" goes with it',
    )
  const hashed = isObject(columns) && Array.isArray(columns.hash) ? columns.hash : []
  const unknown = hashed.find((name) => !ofGroups.some((one) => one.name === name))
  if (unknown !== undefined && others.length === 0)
    problems.add([...path, "hash"], `${shown(unknown)} is neither in "by" nor in "measures" of "aggregate"`)
}

function refuseClashes(
  by: readonly { readonly name: string }[],
  measures: readonly { readonly name: string }[],
  path: Path,
  problems: Problems,
): void {
  const seen = new Set<string>()
  const look = (key: string, names: readonly { readonly name: string }[]) => {
    for (const { name } of names) {
      const folded = fold(name)
      const why = TAKEN.has(folded) ? "every aggregate has a column of that name" : "the name is there twice"
      if (TAKEN.has(folded) || seen.has(folded)) problems.add([...path, key], `${short(name)}: ${why}`)
      seen.add(folded)
    }
  }
  look("by", by)
  look("measures", measures)
}

/** What is left out of a bucket would be missing in its groups. */
function refuseSplitBucket(every: Every, sinceMs: bigint, path: Path, problems: Problems): void {
  if (every === "all")
    problems.add(path, 'there is one bucket for all of time; use a "filter" on "__time" instead')
  else if (bucketStart(every, sinceMs) !== sinceMs)
    problems.add(path, `it is in the middle of a bucket ("every" is "${every}"); let it begin with one`)
}
