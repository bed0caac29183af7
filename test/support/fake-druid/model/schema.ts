/**
 * A datasource's schema as the broker computes it from the segments that are served: columns in the order met
 * from the newest time chunk on, types merged. Source: `AbstractSegmentMetadataCache` of Druid 33.
 */
import { elementType, type SegmentColumn } from "./values.ts"

/**
 * How types are merged: `leastRestrictive` is the default of Druid 33 (`LONG` and `STRING` make `STRING`),
 * `latestInterval` the rule before (the newest time chunk's type wins), still a setting.
 */
export type MergePolicy = "leastRestrictive" | "latestInterval"

/**
 * The schema of segments that come newest first; `__time` stands first in each of them.
 */
export function mergedSchema(
  newestFirst: Iterable<readonly SegmentColumn[]>,
  policy: MergePolicy,
): SegmentColumn[] {
  const types = new Map<string, string>()
  for (const columns of newestFirst)
    for (const { name, type } of columns) {
      const existing = types.get(name)
      if (existing === undefined) types.set(name, type)
      else if (existing !== type) types.set(name, mergedType(existing, type, policy))
    }
  return [...types].map(([name, type]) => ({ name, type }))
}

function mergedType(newer: string, older: string, policy: MergePolicy): string {
  if (newer === "COMPLEX<json>" || older === "COMPLEX<json>") return "COMPLEX<json>"
  return policy === "latestInterval" ? newer : leastRestrictive(newer, older)
}

function leastRestrictive(newer: string, older: string): string {
  if (newer === older) return newer
  if (newer.startsWith("COMPLEX<") || older.startsWith("COMPLEX<")) return newer
  const [a, b] = [elementType(newer), elementType(older)]
  if (a !== undefined || b !== undefined) return `ARRAY<${leastRestrictive(a ?? newer, b ?? older)}>`
  return newer === "STRING" || older === "STRING" ? "STRING" : "DOUBLE"
}
