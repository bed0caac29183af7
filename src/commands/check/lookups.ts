/** Are the lookups of the configuration there? Reads names, and no entry. */
import { readLookupNames } from "../../druid/lookups.ts"
import { wantedOf } from "../../pull/lookups.ts"
import { attempt, type CheckOptions, failedBy, ok } from "./check-line.ts"

/** A line for each lookup that is asked for by name, or one for all. */
export async function checkLookups(options: CheckOptions): Promise<void> {
  const { settings, client, signal } = options
  const { lookups, datasources } = settings
  if (lookups === undefined) return
  let listed: readonly string[] = []
  const look = async () => {
    listed = await readLookupNames(client, signal)
    return lookups === "*"
      ? ok(listed.length === 0 ? "Druid's SQL lists none" : `Druid lists ${listed.join(", ")}`)
      : []
  }
  if (!(await attempt(options, "lookup", look))) return
  for (const { lookup, table, problem } of wantedOf(lookups, listed, [], datasources)) {
    if (problem === undefined && lookups === "*") continue
    const found = problem === undefined ? ok(`listed; it becomes the table ${table}`) : failedBy(problem)
    await attempt(options, "lookup", async () => found, lookup)
  }
}
