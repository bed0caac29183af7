/** What may be wrong with the user's file, in our words. Pure. */
import { DruidsyncError } from "../../base/errors.ts"
import { codeOf, refusalOf } from "../../base/system.ts"
import { firstLine, says } from "../duckdb-errors.ts"

export function lockedError(path: string, holder: string, waitedMs: number): DruidsyncError {
  return new DruidsyncError(
    "locked",
    `${path} is locked by ${holder}; waited ${Math.round(waitedMs / 1000)} s`,
    { hint: "close it there, or wait longer with --lock-wait" },
  )
}

export function noLocksError(path: string, cause: unknown): DruidsyncError {
  return new DruidsyncError(
    "file",
    `${path} is on a file system without locks, as some of NFS and SMB are: two programs could write to it at once`,
    { hint: "put --out on a local disk, and have a copy where it is to be read (--publish)", cause },
  )
}

export function isLocked(error: unknown): boolean {
  return error instanceof DruidsyncError && error.code === "locked"
}

/**
 * DuckDB's complaint about the file as ours. What is not about the file passes as it is.
 * @param onlyLooks no pull is meant: hints say nothing of one
 */
export function fileError(path: string, cause: unknown, onlyLooks: boolean): unknown {
  if (cause instanceof DruidsyncError) return cause
  if (says(cause, "notDuckdb")) {
    return onlyLooks
      ? new DruidsyncError("foreign", `${path} is not a DuckDB file`, {
          hint: "give --out the file that druidsync pull made",
          cause,
        })
      : new DruidsyncError("foreign", `${path} exists and is not a DuckDB file`, {
          hint: "give --out a new path, or the file of an earlier pull",
          cause,
        })
  }
  if (says(cause, "noLocks")) return noLocksError(path, cause)
  if (codeOf(cause) === "ENOSPC") {
    const message = `no space left while writing ${path}; nothing of this step was stored`
    return new DruidsyncError("disk-full", message, { hint: "free space and pull again", cause })
  }
  const wrong = (message: string, hint: string) => new DruidsyncError("file", message, { hint, cause })
  if (says(cause, "otherVersion")) {
    return wrong(
      `${path} was written by another version of DuckDB: ${firstLine(cause)}`,
      "use a newer druidsync, or another --out",
    )
  }
  const refusal = refusalOf(cause, onlyLooks ? "file" : "place", "--out")
  if (refusal !== undefined || says(cause, "cannotOpen")) {
    return wrong(
      `${path} cannot be opened: ${refusal?.why ?? firstLine(cause)}`,
      refusal?.hint ?? (onlyLooks ? "check --out" : "check that the folder exists and is writable"),
    )
  }
  if (says(cause, "damagedIndex")) {
    return wrong(
      `an index in ${path} lacks rows of its table, so that they cannot be deleted`,
      "DROP INDEX it, make it again, and pull again (FROM duckdb_indexes() lists them); DuckDB 1.5.6 loses such rows if it opens a file whose last writer was killed",
    )
  }
  if (says(cause, "io")) {
    return wrong(
      `${path}: ${firstLine(cause)}`,
      onlyLooks ? "check the disk" : "check the disk, then pull again",
    )
  }
  return cause
}
