/** Results written to a file: beside it first, then by rename, so that nobody ever reads half of one. */
import { stat } from "node:fs/promises"
import { writeAside } from "../base/aside.ts"
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { codeOf, refusalOf, whyOf } from "../base/system.ts"

/**
 * @param to what is there is replaced once `work` has succeeded
 * @param id makes the name of the file that is written first
 * @throws DruidsyncError `file`
 */
export function writeResultFile<T>(
  to: string,
  id: string,
  work: (write: (text: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  return writeAside(to, { aside: resultAside(to, id), failure: (error) => cannotWrite(to, error) }, work)
}

/** Where a result is written until it is whole. */
export function resultAside(to: string, id: string): string {
  return `${to}.${id}.part`
}

/** Refuses a target that is the database itself. @throws DruidsyncError `usage` */
export async function refuseSameFile(to: string, database: string): Promise<void> {
  const [target, source] = await Promise.all([to, database].map((path) => stat(path).catch(() => undefined)))
  const isSame = target !== undefined && target.ino === source?.ino && target.dev === source.dev
  if (!isSame && target?.isDirectory() !== true) return
  const why = isSame ? "is the DuckDB file itself" : "is a folder"
  throw new DruidsyncError("usage", `--to ${to} ${why}`, {
    exitCode: ExitCode.usage,
    hint: "give the path of a file for the result",
  })
}

/** The error for a result that cannot be written to `path`, from the system's or DuckDB's. */
export function cannotWrite(path: string, error: unknown): DruidsyncError {
  return codeOf(error) === "ENOSPC"
    ? new DruidsyncError("disk-full", `no space left to write ${path}`, { cause: error })
    : new DruidsyncError("file", `${path} cannot be written: ${whyOf(error, "place")}`, {
        cause: error,
        hint: refusalOf(error, "place", "--to")?.hint ?? "check that the folder exists and is writable",
      })
}
