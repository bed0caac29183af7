/** The tables of a run: those that `--only` names, each with the share of `--shard`. */

import { isLongerThanADay } from "../base/buckets.ts"
import { usage } from "../base/errors.ts"
import { ofName } from "../base/names.ts"
import { nearest } from "../base/nearest.ts"
import type { Shard } from "../base/shard.ts"
import type { DatasourceSettings } from "../config/settings.ts"

/**
 * @param only names of datasources or of tables; undefined: all of them
 * @param shard undefined: as the config has it
 * @throws DruidsyncError `usage` for a name that the config does not have
 */
export function selectDatasources(
  datasources: readonly DatasourceSettings[],
  only: readonly string[] | undefined,
  shard: Shard | undefined,
): readonly DatasourceSettings[] {
  const all = namesOf(datasources)
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
  if (shard === undefined) return chosen
  const long = chosen.find(({ aggregate }) => aggregate !== undefined && isLongerThanADay(aggregate.every))
  if (long !== undefined) {
    throw usage(
      `--shard shares out days, and a bucket of table "${long.table}" ("every": "${long.aggregate!.every}") has more than one`,
      "let its buckets be of a day or shorter, or leave it out with --only",
    )
  }
  return chosen.map((datasource) => ({ ...datasource, shard }))
}

/** Each datasource once, however many tables it becomes. */
export function namesOf(tables: readonly Pick<DatasourceSettings, "name">[]): string[] {
  return [...new Set(tables.map(({ name }) => name))]
}
