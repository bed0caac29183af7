/** The folder beside the user's file that a run makes, works in and takes away. Pure. */

export function companionFolder(path: string): string {
  return `${path}.druidsync`
}

/** Names within it. What a run that died left there is removed by the next (`run-lock.ts`). */
export const LOCK_NAME = "lock"
/** where a new file is made */
export const FRESH_NAME = "new.duckdb"
/** the copy that takes the file's place */
export const TWIN_NAME = "next.duckdb"
