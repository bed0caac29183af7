/** Makes sure that each lookup becomes a table of its own. */
import { fold } from "../base/names.ts"
import { type Problems, short } from "./problems.ts"
import type { DatasourceSettings, Lookups } from "./settings.ts"
import { lookupTable } from "./table-name.ts"

/** Whose table a name is, by the name as DuckDB compares it; in words, such as `the datasource "a"`. */
export function tableOwners(datasources: readonly Pick<DatasourceSettings, "name" | "table">[]) {
  return new Map(datasources.map(({ name, table }) => [fold(table), `the datasource ${short(name)}`]))
}

/** What is said of two that would be one table. */
export function clash(one: string, lookup: string): string {
  return `${one} and the lookup ${short(lookup)} would both be the table ${short(lookupTable(lookup))}`
}

/** Two lookups of one name or on one table, or one on the table of a datasource. */
export function refuseLookupClashes(
  lookups: Lookups | undefined,
  datasources: readonly DatasourceSettings[],
  problems: Problems,
): void {
  if (lookups === undefined || lookups === "*") return
  const owners = tableOwners(datasources)
  for (const [n, lookup] of lookups.entries()) {
    const table = fold(lookupTable(lookup))
    const other = owners.get(table)
    if (lookup === "*") problems.add(["lookups", n], 'all of them are "lookups": "*", without the brackets')
    else if (lookups.indexOf(lookup) < n)
      problems.add(["lookups", n], `the lookup ${short(lookup)} is there twice`)
    else if (other !== undefined)
      problems.add(["lookups", n], `${clash(other, lookup)}; leave one of them out`)
    owners.set(table, `the lookup ${short(lookup)}`)
  }
}
