/** The columns and the filter of a datasource, tried on Druid without fetching a row. */
import { DruidsyncError } from "../../base/errors.ts"
import type { DatasourceSettings } from "../../config/settings.ts"
import type { Catalog } from "../../druid/catalog.ts"
import { groupColumns } from "../../druid/sql.ts"
import { chosenColumns } from "../../pull/prepare/chosen.ts"
import { isRefusal, readTypes, refusedSql } from "../../pull/prepare/read-types.ts"
import { sourceOf } from "../../pull/source.ts"

/** Asks for the types of the configured columns under the configured filter, without a row. @throws DruidsyncError */
export async function checkColumns(
  catalog: Pick<Catalog, "types">,
  settings: DatasourceSettings,
  signal: AbortSignal,
): Promise<void> {
  const { name, filter, columns, aggregate } = settings
  const { names } = await catalog.types({ datasource: name, filter }, "*", signal).catch((error: unknown) => {
    if (filter === undefined || !isRefusal(error)) throw error
    throw refusedSql('the "filter"', error, {
      hint: `the filter is a condition in Druid SQL, such as "page" = 'Main'; it is: ${filter}`,
    })
  })
  const missing = [...(columns.include ?? []), ...columns.exclude].filter((column) => !names.includes(column))
  if (missing.length === 0) {
    if (columns.add === undefined && columns.hash === undefined && aggregate === undefined) return
    const chosen = aggregate === undefined ? chosenColumns({ name, columns }, names) : groupColumns(aggregate)
    await readTypes({ catalog, signal }, sourceOf(settings), chosen)
    return
  }
  throw new DruidsyncError(
    "config",
    `Druid has no column ${missing.map((one) => JSON.stringify(one)).join(", ")}`,
    {
      hint: `it has ${names.slice(0, 30).join(", ")}${names.length > 30 ? ", …" : ""}`,
    },
  )
}
