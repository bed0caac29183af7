/** Places in the protocol: what a request of druidsync's is for, told from the request alone. */
import type { Request } from "./message.ts"

export const KINDS = [
  "columns",
  "segments",
  "types",
  "segmentMetadata",
  "counts",
  "bounds",
  "histogram",
  "scan",
  "explain",
  "candidates",
  "segmentScan",
  "cancel",
  "other",
] as const

export type Kind = (typeof KINDS)[number]

/** A request's kind. Whatever is not druidsync's own is "other" and never meets a fault. */
export function kindOf(request: Request): Kind {
  if (request.method === "DELETE") return "cancel"
  if (request.method !== "POST") return "other"
  if (/\/druid\/v2\/candidates$/.test(request.path)) return "candidates"
  if (/\/druid\/v2\/?$/.test(request.path)) {
    if (request.body.includes('"segmentMetadata"')) return "segmentMetadata"
    return request.body.includes('"type":"segments"') ? "segmentScan" : "other"
  }
  if (!/\/druid\/v2\/sql\/?$/.test(request.path)) return "other"
  const sql = sqlOf(request)
  if (sql.includes("INFORMATION_SCHEMA.COLUMNS")) return "columns"
  if (sql.includes("FROM sys.segments")) return "segments"
  if (sql.startsWith("EXPLAIN PLAN FOR ")) return "explain"
  if (/LIMIT 0\s*$/.test(sql)) return "types"
  if (/LIMIT \d+\s*$/.test(sql)) return "other"
  if (/GROUP BY 1\s*$/.test(sql)) return "histogram"
  if (sql.startsWith("SELECT CAST(MIN(")) return "bounds"
  if (/MV_LENGTH\(|ABS\(CAST\(/.test(sql)) return "other"
  if (sql.startsWith("SELECT COUNT(*)")) return "counts"
  return "scan"
}

/** The SQL that is asked; empty where it is another question. */
export function sqlOf({ body }: Request): string {
  try {
    const { query } = JSON.parse(body.toString("utf8")) as { query?: unknown }
    return typeof query === "string" ? query : ""
  } catch {
    // Not JSON, so not druidsync's: the caller lets it pass.
    return ""
  }
}
