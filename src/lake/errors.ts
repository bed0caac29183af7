/** What goes wrong with the files of a lake, in words. */
import { DruidsyncError } from "../base/errors.ts"
import { codeOf } from "../base/system.ts"
import { firstLine, says } from "../store/duckdb-errors.ts"

/** DuckDB's or the system's complaint about a file of the lake as ours. */
export function lakeError(path: string, error: unknown): unknown {
  if (error instanceof DruidsyncError) return error
  const text = firstLine(error)
  if (codeOf(error) === "ENOSPC") {
    return new DruidsyncError(
      "disk-full",
      `no space left to write ${path}; what was there before is as it was`,
      {
        hint: "free space and export again",
        cause: error,
      },
    )
  }
  if (says(error, "outOfMemory")) {
    return new DruidsyncError("file", `${path} cannot be written: its rows do not fit into memory`, {
      hint: "smaller partitions need less: --partition day into another folder",
      cause: error,
    })
  }
  const isSystems = codeOf(error) !== undefined || typeof (error as { code?: unknown }).code === "string"
  if (!isSystems && !says(error, "io")) return error
  return new DruidsyncError("file", `${path} cannot be written: ${text}`, {
    hint: "check that the folder of --to is writable",
    cause: error,
  })
}
