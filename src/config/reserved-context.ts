/** Query context keys that a configuration may not set, since they would break what a pull proves. Pure. */

import { isObject } from "./entries.ts"
import type { Problems } from "./problems.ts"

const RESPONSE = "it changes the response that druidsync has to read"

/** Key → why not, or what to use instead. */
export const RESERVED_CONTEXT: Readonly<Record<string, string>> = {
  sqlQueryId: "druidsync gives each query its own id",
  queryId: "druidsync gives each query its own id",
  timeout: 'use the key "queryTimeout"',
  priority: 'use the key "priority"',
  sqlOuterLimit: "it would cut results",
  sqlTimeZone: "times are always read in UTC",
  sqlStringifyArrays: RESPONSE,
  sqlFinalizeOuterSketches: RESPONSE,
  serializeComplexValues: RESPONSE,
  bySegment: RESPONSE,
}

/** Names that objects of JavaScript cannot be trusted to carry; valibot drops them without a word. */
const NOT_CARRIED: ReadonlySet<string> = new Set(["__proto__", "prototype", "constructor"])

/** Adds a problem for each key of `context` that may not be set. */
export function refuseReservedContext(context: unknown, problems: Problems): void {
  // to valibot, an array is an object
  if (Array.isArray(context)) problems.add(["context"], "found an array; accepted: an object")
  if (!isObject(context)) return
  for (const key of Object.keys(context)) {
    const why = Object.hasOwn(RESERVED_CONTEXT, key) ? RESERVED_CONTEXT[key] : undefined
    if (why !== undefined) problems.add(["context", key], `cannot be set: ${why}`)
    else if (NOT_CARRIED.has(key)) problems.add(["context", key], "no such key in Druid")
  }
}
