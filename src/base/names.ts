/** Names in SQL: how they are quoted, and when two are the same to DuckDB. Pure. */

/** `"name"`, with quotes doubled: an identifier in the SQL of Druid and of DuckDB. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Two names are one to DuckDB if these are equal. It folds the case of ASCII letters only (tried with 1.5.6). */
export function fold(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
