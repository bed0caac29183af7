/**
 * Reads one object of the configuration key by key, so that one wrong key does not hide another. Turns valibot's issues
 * into problems that say where they are, what was found and what is accepted.
 */

import * as v from "valibot"
import { nearest } from "../base/nearest.ts"
import { isObject, type RawObject } from "./json.ts"
import { markOf } from "./leaves.ts"
import { kindOf, type Path, type Problems, shown } from "./problems.ts"
import { SECRET_ACCEPTED } from "./schema.ts"

/** What could be read: a key that is missing here has a problem, or is optional and was left out. */
export type Readable<E extends v.ObjectEntries> = { -readonly [K in keyof E]?: v.InferOutput<E[K]> }

/** Reads the keys of `entries` from an object, but those in `except`; adds a problem for each that is wrong. */
export function readEntries<E extends v.ObjectEntries>(
  entries: E,
  raw: RawObject,
  path: Path,
  problems: Problems,
  except: readonly string[] = [],
): Readable<E> {
  const output: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(entries)) {
    if (except.includes(key)) continue
    const value = Object.hasOwn(raw, key) ? raw[key] : undefined
    if (value === undefined && schema.type !== "optional") {
      problems.add([...path, key], `missing: ${v.getDescription(schema as v.GenericSchema) ?? "needed"}`)
      continue
    }
    const read = readValue(schema as v.GenericSchema, value, [...path, key], problems)
    if (read !== undefined) output[key] = read
  }
  return output as Readable<E>
}

/**
 * Reads an object within the configuration. Nothing where it is left out, or where it is something else, which is a problem.
 * @param accepted completes "accepted: …"
 */
export function readInner<E extends v.ObjectEntries>(
  entries: E,
  raw: unknown,
  path: Path,
  problems: Problems,
  accepted = `an object with ${Object.keys(entries).join(", ")}`,
): Readable<E> {
  if (raw === undefined) return {}
  if (!isObject(raw)) {
    problems.add(path, `found ${shown(raw)}; accepted: ${accepted}`)
    return {}
  }
  refuseUnknownKeys(entries, raw, path, problems)
  return readEntries(entries, raw, path, problems)
}

/** Reads one value; undefined, with problems added, where it is wrong. */
export function readValue<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  path: Path,
  problems: Problems,
): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const hidden = markOf(schema, "hides")
  if (hidden === "secret") {
    problems.add(path, `found ${kindOf(value)}; accepted: ${SECRET_ACCEPTED}`)
    return undefined
  }
  const told = new Set<string>()
  for (const { keys, message, isOfKey } of result.issues.flatMap((issue) => leaves(issue, []))) {
    const place = JSON.stringify(keys)
    if (told.has(place)) continue
    told.add(place)
    const found = keys.reduce<unknown>((inner, part) => (inner as Record<string, unknown>)[part], value)
    const what = isOfKey ? shown(keys.at(-1)) : hidden === undefined ? shown(found) : kindOf(found)
    problems.add([...path, ...keys], `found ${what}; accepted: ${message}`)
  }
  return undefined
}

/** Adds a problem for each key that `entries` does not have. `elsewhere` gives the place of keys that exist there. */
export function refuseUnknownKeys(
  entries: v.ObjectEntries,
  raw: RawObject,
  path: Path,
  problems: Problems,
  elsewhere: Readonly<Record<string, string>> = {},
): void {
  for (const key of Object.keys(raw)) {
    if (Object.hasOwn(entries, key)) continue
    const near = nearest(key, Object.keys(entries))
    const place = Object.hasOwn(elsewhere, key) ? `it belongs in ${elsewhere[key]}` : undefined
    const advice = place ?? (near === undefined ? undefined : `did you mean "${near}"?`)
    problems.add([...path, key], advice === undefined ? "unknown key" : `unknown key; ${advice}`)
  }
}

interface Leaf {
  readonly keys: (string | number)[]
  readonly message: string
  /** the key itself is wrong, and not its value */
  readonly isOfKey: boolean
}

/**
 * The issues worth reporting. Of a union, issues inside the value (an option of the right kind was tried) come before the
 * union's own. `refuseUnknownKeys` reports unknown keys.
 */
function leaves(issue: v.BaseIssue<unknown>, base: Leaf["keys"]): Leaf[] {
  const keys = [...base, ...(issue.path ?? []).map((item) => item.key as string | number)]
  if (issue.type === "strict_object" && issue.expected === "never") return []
  const inner = (issue.issues ?? []).filter((one) => one.path !== undefined)
  if (inner.length > 0) return inner.flatMap((one) => leaves(one, keys))
  const isOfKey = issue.path?.at(-1)?.origin === "key"
  return [{ keys, message: issue.message, isOfKey }]
}
