/** What lies beside the user's file: the folder that a run makes, works in and takes away, and DuckDB's log. Pure. */
/** The log that DuckDB writes for a database: it takes what follows the first `?` of a path for options. */
export function logOf(path: string): string {
  const end = path.includes("?") ? path.indexOf("?") : path.length
  return `${path.slice(0, end)}.wal${path.slice(end)}`
}

export function companionFolder(path: string): string {
  return `${path}.druidsync`
}

/** Names within it. What a run that died left there is removed by the next (`run-lock.ts`). */
export const LOCK_NAME = "lock"
/** where a new file is made */
export const FRESH_NAME = "new.duckdb"
/** the copy that takes the file's place */
export const TWIN_NAME = "next.duckdb"
