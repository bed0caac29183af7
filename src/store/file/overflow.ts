/** A place for what DuckDB cannot hold in memory, where there is no run with a folder of its own. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/**
 * Runs `work` with a folder among the system's temporary files, which nobody else may read and which is gone afterwards:
 * for DuckDB's `temp_directory`.
 */
export async function withOverflow<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "druidsync-"))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
