/** The patterns of the configuration, against the names that Druid lists. */
import { tablesOf } from "../../config/datasources.ts"
import { decisive } from "../../config/patterns.ts"
import type { DatasourceSettings } from "../../config/settings.ts"
import { namesOf } from "../../kit/select.ts"
import { nothingListed } from "../../kit/tables.ts"
import { attempt, type CheckOptions, warning } from "./check-line.ts"
import type { Overview } from "./segments.ts"

/** Tells of patterns that match nothing. @returns what the configuration makes of the datasources that there are */
export async function checkPatterns(
  options: CheckOptions,
  overview: Overview,
): Promise<readonly DatasourceSettings[]> {
  const { settings } = options
  if (settings.patterns.length === 0) return settings.datasources
  let tables: readonly DatasourceSettings[] = []
  await attempt(options, "config", async () => {
    if (overview.size === 0) throw nothingListed(settings.druid.url)
    const names = [...overview.keys()].sort()
    tables = tablesOf(settings, names)
    const named = namesOf(settings.datasources)
    const deciding = new Set(
      names.flatMap((name) => (named.includes(name) ? [] : (decisive(settings.patterns, name) ?? []))),
    )
    // One that leaves out, and `*`, are there for what may come.
    const idle = settings.patterns.filter((one) => one.settings !== undefined && one.text !== "*")
    return idle.flatMap((one) => {
      if (deciding.has(one)) return []
      const hint = "there is no such datasource, or what stands before it decides for each of them"
      return [
        warning(`the pattern ${JSON.stringify(one.text)} decides for none of the datasources of today`, hint),
      ]
    })
  })
  return tables
}
