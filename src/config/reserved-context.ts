/** Query context keys that a configuration may not set, since they would break what a pull proves. Pure data. */

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
