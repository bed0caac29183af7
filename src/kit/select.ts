/** The tables of a run: those that `--only` names, each with the share of `--shard`. */

import { usage } from "../base/errors.ts"
import { ofName } from "../base/names.ts"
import { nearest } from "../base/nearest.ts"
import type { Shard } from "../base/shard.ts"
import type { DatasourceSettings, Settings } from "../config/settings.ts"

/**
 * @param only names of datasources or of tables; undefined: all of them
 * @param shard undefined: as the config has it
 * @throws DruidsyncError `usage` for a name that the config does not have
 */
export function selectDatasources(
  { datasources }: Pick<Settings, "datasources">,
  only: readonly string[] | undefined,
  shard: Shard | undefined,
): readonly DatasourceSettings[] {
  const all = [...new Set(datasources.map(({ name }) => name))]
  const asked = new Set<DatasourceSettings>()
  for (const name of only ?? []) {
    const found = ofName(datasources, (one) => one.name, name)
    for (const one of found) asked.add(one)
    if (found.length > 0) continue
    const guess = nearest(name, all)
    const hint = guess === undefined ? `it has: ${all.join(", ")}` : `did you mean "${guess}"?`
    throw usage(`--only ${JSON.stringify(name)}: the config has no such datasource`, hint)
  }
  const chosen = datasources.filter((one) => only === undefined || asked.has(one))
  return shard === undefined ? chosen : chosen.map((datasource) => ({ ...datasource, shard }))
}
