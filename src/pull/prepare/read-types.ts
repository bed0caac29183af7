/**
 * The types of columns, as Druid answers them. What the user wrote in SQL is checked on the way, before any row is
 * fetched; what Druid does not accept is told by its key.
 */
import { DruidsyncError } from "../../base/errors.ts"
import type { Catalog } from "../../druid/catalog.ts"
import type { Header } from "../../druid/framing.ts"
import { type Grouping, type NamedColumn, type Source, valueSql } from "../../druid/sql.ts"

/** Beside it Druid refuses an aggregation where rows are asked for, and all else where groups are. */
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
  const { datasource, filter, aggregate } = source
  try {
    return await catalog.types(source, columns, signal)
  } catch (error) {
    if (!isRefusal(error)) throw error
    const written = aggregate === undefined ? addedColumns(columns) : groupParts(aggregate)
    for (const { key, column, hint, grouping } of written) {
      await catalog.types({ datasource, aggregate: grouping }, [TIME, column], signal).catch((refusal) => {
        throw isRefusal(refusal)
          ? refusedSql(`"${key}" of datasource "${datasource}"`, refusal, {
              hint: `${hint}; it is: ${valueSql(column)}`,
            })
          : refusal
      })
    }
    if (filter === undefined) throw error
    // The same without the filter tells whose fault it is: this throws where it is not the filter's.
    await catalog.types({ datasource, aggregate }, columns, signal)
    throw refusedSql(`the "filter" of datasource "${datasource}"`, error, {
      hint: `the filter is a condition in Druid SQL, such as "page" = 'Main'; it is: ${filter}`,
    })
  }
}

/** SQL that the user wrote, as it can be asked about by itself. */
interface Written {
  readonly key: string
  readonly column: NamedColumn
  readonly grouping: Grouping | undefined
  readonly hint: string
}

function addedColumns(columns: readonly NamedColumn[]): Written[] {
  const hint = 'it is computed from each row by itself, such as UPPER("page")'
  return columns
    .filter(({ expression }) => expression !== undefined)
    .map((column) => ({ key: `columns.add.${column.name}`, column, grouping: undefined, hint }))
}

function groupParts({ every, by, measures }: Grouping): Written[] {
  return [
    ...by.map((column) => ({
      key: `aggregate.by.${column.name}`,
      column,
      grouping: { every, by: [column], measures: [] },
      hint: "it is a column of the datasource, or computed from each row by itself",
    })),
    ...measures.map((column) => ({
      key: `aggregate.measures.${column.name}`,
      column,
      grouping: { every, by: [], measures: [] },
      hint: 'it is made from the rows of a group, such as SUM("added")',
    })),
  ]
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
function druidsWords(message: string): string {
  return message
    .replace(/^reading the column types of ".*?": Druid refused the query: /s, "")
    .replace(/, acceptable options: .*/s, "")
    .replace(/ \(HTTP \d+\)$/, "")
}
