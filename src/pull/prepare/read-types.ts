/**
 * The types of columns, as Druid answers them. What the user wrote in SQL is checked on the way, before any row is
 * fetched; what Druid does not accept is told by its key.
 */
import { DruidsyncError } from "../../base/errors.ts"
import type { Catalog } from "../../druid/catalog.ts"
import type { Header } from "../../druid/framing.ts"
import type { NamedColumn, Source } from "../../druid/sql.ts"

/** With it in the select list Druid refuses an aggregation, since the time is not grouped. */
const TIME: NamedColumn = { name: "__time" }

/**
 * @throws DruidsyncError `config` with Druid's words where an expression or the filter is to blame
 */
export async function readTypes(
  ports: { readonly catalog: Pick<Catalog, "types">; readonly signal: AbortSignal },
  source: Source,
  columns: readonly NamedColumn[],
): Promise<Header> {
  const { catalog, signal } = ports
  const { datasource, filter } = source
  try {
    return await catalog.types(source, columns, signal)
  } catch (error) {
    if (!isRefusal(error)) throw error
    const alone = { datasource }
    for (const column of columns) {
      if (column.expression === undefined) continue
      await catalog.types(alone, [TIME, column], signal).catch((refusal: unknown) => {
        throw isRefusal(refusal)
          ? refusedSql(`"columns.add.${column.name}" of datasource "${datasource}"`, refusal, {
              hint: `it is computed from each row by itself, such as UPPER("page"); it is: ${column.expression}`,
            })
          : refusal
      })
    }
    if (filter === undefined) throw error
    // The same without the filter tells whose fault it is: this throws where it is not the filter's.
    await catalog.types(alone, columns, signal)
    throw refusedSql(`the "filter" of datasource "${datasource}"`, error, {
      hint: `the filter is a condition in Druid SQL, such as "page" = 'Main'; it is: ${filter}`,
    })
  }
}

/** True where Druid does not accept a query as it is. */
export function isRefusal(error: unknown): error is DruidsyncError {
  return error instanceof DruidsyncError && error.code === "query"
}

/** @param what the key, in words */
export function refusedSql(
  what: string,
  refusal: DruidsyncError,
  { hint }: { readonly hint: string },
): DruidsyncError {
  return new DruidsyncError("config", `Druid does not accept ${what}: ${druidsWords(refusal.message)}`, {
    hint,
    cause: refusal,
  })
}

/** A refusal without what we were doing and the list of all tokens that the parser would have liked better. */
export function druidsWords(message: string): string {
  return message
    .replace(/^reading the column types of ".*?": Druid refused the query: /s, "")
    .replace(/, acceptable options: .*/s, "")
    .replace(/ \(HTTP \d+\)$/, "")
}
