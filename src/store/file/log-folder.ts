/**
 * DuckDB takes what follows the first `?` of a path for options, and puts `.wal` before it (tried with 1.5.6): the log of
 * `/data/a?b/c.duckdb` is `/data/a.wal?b/c.duckdb`, in a folder that nobody made. It is made before something is written,
 * and taken away when it is empty. Where no folder has a `?` in its name, nothing is done.
 */
import { mkdir, rmdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { companionFolder, logOf, TWIN_NAME } from "./companion.ts"

/** Folders for the logs of the user's file and of its twin. @throws the system's error */
export async function makeLogFolders(path: string): Promise<void> {
  if (dirname(path).includes("?")) await mkdir(deepest(path), { recursive: true, mode: 0o700 })
}

/** Removes them where they are empty. */
export async function removeLogFolders(path: string): Promise<void> {
  if (!dirname(path).includes("?")) return
  for (let folder = deepest(path); folder.includes("?"); folder = dirname(folder)) {
    const isGone = await rmdir(folder).then(
      () => true,
      () => false,
    )
    if (!isGone) return
  }
}

function deepest(path: string): string {
  return dirname(logOf(join(companionFolder(path), TWIN_NAME)))
}
