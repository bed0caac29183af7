/** Names: how they are quoted in SQL, when two are the same to DuckDB, how a flag is called. Pure. */

/** `"name"`, with quotes doubled: an identifier in the SQL of Druid and of DuckDB. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `maxDuration` becomes `max-duration`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Two names are one to DuckDB if these are equal. It folds the case of ASCII letters only (tried with 1.5.6). */
export function fold(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** What a name on the command line means: all tables of the datasource of that name; else the table of that name. */
export function ofName<T extends { readonly table: string }>(
  tables: readonly T[],
  datasourceOf: (one: T) => string,
  name: string,
): T[] {
  const ofDatasource = tables.filter((one) => datasourceOf(one) === name)
  return ofDatasource.length > 0 ? ofDatasource : tables.filter(({ table }) => table === name)
}
