/**
 * The two questions before a data node is asked: how Druid reads a datasource, and where its segments are. Each is asked
 * once: what fails is tried again as a whole, with the slice that it is for.
 */
import type { Interval } from "../../base/domain.ts"
import type { DruidClient } from "../client.ts"
import { type ReadColumn, type Source, scanSql } from "../sql.ts"
import { ALWAYS, candidatesQuery, explainSql, type NativeScan, nativeScan } from "./compile.ts"
import { type Candidate, candidatesIn } from "./locate.ts"

/** The SQL of a scan that data nodes answer; the same text is compiled once. */
export const directSql = (source: Source, columns: readonly ReadColumn[]): string =>
  scanSql(source, columns, ALWAYS, "data node")

/** Has Druid compile the scan. @returns undefined as `nativeScan`. @throws DruidsyncError; the signal's reason */
export function compileScan(
  client: DruidClient,
  { datasource }: Source,
  columns: readonly ReadColumn[],
  sql: string,
  signal: AbortSignal,
): Promise<NativeScan | undefined> {
  const action = `asking how Druid reads "${datasource}"`
  const names = columns.map(({ name }) => name)
  return client.rows(explainSql(sql), { action, signal, once: true }, (rows) => {
    const plan = rows[0]?.[0]
    return typeof plan === "string" ? nativeScan(plan, datasource, names) : undefined
  })
}

/** What the broker would read in these intervals. @returns undefined as `candidatesIn`. @throws DruidsyncError */
export async function askCandidates(
  client: DruidClient,
  protocol: "http" | "https",
  datasource: string,
  scan: NativeScan,
  intervals: readonly Interval[],
  signal: AbortSignal,
): Promise<Candidate[] | undefined> {
  const action = `asking where the segments of "${datasource}" are`
  const query = candidatesQuery(scan, intervals)
  return candidatesIn(await client.candidates(query, { action, signal, once: true }), protocol)
}
