/** Which columns a table is to have, by the config's choice. Pure. */
import { DruidsyncError } from "../../base/errors.ts"
import { fold } from "../../base/names.ts"
import { chooser, type DatasourceSettings } from "../../config/settings.ts"
import type { NamedColumn } from "../../druid/sql.ts"
import type { StoredColumn } from "../../store/notes/tables.ts"

/**
 * Druid's columns in Druid's order, then the computed ones. A chosen column that Druid had and has no more is drift, not
 * a mistake.
 * @param listed names of the columns that Druid has
 * @param held columns of the table
 * @throws DruidsyncError `config` if a chosen column was never there, or a computed one has the name of another
 */
export function chosenColumns(
  { name: datasource, columns }: Pick<DatasourceSettings, "name" | "columns">,
  listed: readonly string[],
  held: readonly StoredColumn[] = [],
): NamedColumn[] {
  const { include, add = {}, hash = [] } = columns
  const computed = Object.entries(add).map(([name, expression]): NamedColumn => ({ name, expression }))
  const isThere = new Set([...listed, ...held.map((column) => column.name), ...Object.keys(add)])
  const missing = [...(include ?? []), ...hash].filter((name) => !isThere.has(name))
  if (missing.length > 0) {
    throw wrong(
      `datasource "${datasource}" has no column ${missing.map((name) => `"${name}"`).join(", ")}`,
      `its columns are: ${listed.join(", ")}`,
    )
  }
  const chosen = listed.filter(chooser(columns))
  const inDruid = new Set(chosen.map(fold))
  const twice = Object.keys(add).find((name) => inDruid.has(fold(name)))
  if (twice !== undefined) {
    throw wrong(
      `"columns.add" of datasource "${datasource}" has "${twice}", and so has Druid`,
      'give it another name, or leave Druid\'s column out with "exclude"',
    )
  }
  return [...chosen.map((name) => ({ name })), ...computed]
}

function wrong(message: string, hint: string): DruidsyncError {
  return new DruidsyncError("config", message, { hint })
}
