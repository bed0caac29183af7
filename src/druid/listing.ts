/** Columns and their SQL types, as INFORMATION_SCHEMA lists them: those of the datasources, and which `sys.segments` has. */

import { cutResponse } from "../base/errors.ts"
import { textCell, wholeRow } from "./cells.ts"
import type { DruidClient } from "./client.ts"
import { columnsSql } from "./metadata-sql.ts"

/** A column as INFORMATION_SCHEMA lists it. */
export interface ListedColumn {
  readonly name: string
  readonly sqlType: string
}

export interface Listing {
  /** per datasource; missing where Druid does not list it */
  readonly columns: ReadonlyMap<string, readonly ListedColumn[]>
  /** names of the columns of `sys.segments`: they differ from version to version; none where it is not shown */
  readonly ofSegments: ReadonlySet<string>
}

/** One request. @param datasources none: only what `sys.segments` has. @throws DruidsyncError */
export function readListing(
  client: DruidClient,
  datasources: readonly string[],
  signal?: AbortSignal,
): Promise<Listing> {
  const options = { action: "reading INFORMATION_SCHEMA", signal }
  return client.rows(columnsSql(datasources), options, listingOf)
}

function listingOf(rows: readonly unknown[][]): Listing {
  const columns = new Map<string, ListedColumn[]>()
  const ofSegments = new Set<string>()
  const seen = new Set<string>()
  for (const row of rows) {
    const [schema, table, name, sqlType] = wholeRow(row, 4).map(textCell) as [string, string, string, string]
    const key = JSON.stringify([schema, table, name])
    if (seen.has(key)) throw cutResponse("a column is in it twice")
    seen.add(key)
    if (schema === "sys") ofSegments.add(name)
    else {
      const list = columns.get(table) ?? []
      list.push({ name, sqlType })
      columns.set(table, list)
    }
  }
  return { columns, ofSegments }
}
