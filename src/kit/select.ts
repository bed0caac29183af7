/** Picks the datasources that `--only` names. */
import { nearest } from "../base/nearest.ts"
import type { DatasourceSettings, Settings } from "../config/settings.ts"
import { usage } from "./strict.ts"

/** @throws DruidsyncError `usage` for a name that the config does not have */
export function selectDatasources(
  settings: Settings,
  only: string | undefined,
): readonly DatasourceSettings[] {
  if (only === undefined) return settings.datasources
  const all = settings.datasources.map((datasource) => datasource.name)
  const wanted = only
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
  for (const name of wanted) {
    if (all.includes(name)) continue
    const guess = nearest(name, all)
    const hint = guess === undefined ? `it has: ${all.join(", ")}` : `did you mean "${guess}"?`
    throw usage(`--only ${JSON.stringify(name)}: the config has no such datasource`, hint)
  }
  if (wanted.length === 0) throw usage("--only names no datasource")
  return settings.datasources.filter((datasource) => wanted.includes(datasource.name))
}
