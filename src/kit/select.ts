/** The datasources of a run: those that `--only` names, each with the share of `--shard`. */

import { usage } from "../base/errors.ts"
import { nearest } from "../base/nearest.ts"
import type { Shard } from "../base/shard.ts"
import type { DatasourceSettings, Settings } from "../config/settings.ts"

/**
 * @param only undefined: all of them
 * @param shard undefined: as the config has it
 * @throws DruidsyncError `usage` for a name that the config does not have
 */
export function selectDatasources(
  { datasources }: Pick<Settings, "datasources">,
  only: readonly string[] | undefined,
  shard: Shard | undefined,
): readonly DatasourceSettings[] {
  const all = datasources.map(({ name }) => name)
  for (const name of only ?? []) {
    if (all.includes(name)) continue
    const guess = nearest(name, all)
    const hint = guess === undefined ? `it has: ${all.join(", ")}` : `did you mean "${guess}"?`
    throw usage(`--only ${JSON.stringify(name)}: the config has no such datasource`, hint)
  }
  const chosen = datasources.filter(({ name }) => only === undefined || only.includes(name))
  return shard === undefined ? chosen : chosen.map((datasource) => ({ ...datasource, shard }))
}
