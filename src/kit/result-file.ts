/**
 * Results written to a file: beside it first, then by rename, so that no reader ever sees half of one. A device or a pipe
 * is written to as it is: a rename would put a file in its place.
 */
import { open, stat } from "node:fs/promises"
import { appendTo, makeAside } from "../base/aside.ts"
import { DruidsyncError, usage } from "../base/errors.ts"
import { codeOf, refusalOf, whyOf } from "../base/system.ts"

/**
 * @param to what is there is replaced once `make` has succeeded
 * @param id makes the name of the file that is written first
 * @param make is given the path to write to; what it throws passes as it is
 * @throws DruidsyncError `file`
 */
export async function makeResultFile<T>(
  to: string,
  id: string,
  make: (path: string) => Promise<T>,
): Promise<T> {
  const there = await stat(to).catch(() => undefined)
  if (there !== undefined && !there.isFile()) return make(to)
  const failure = (error: unknown) => cannotWrite(to, error)
  return makeAside(to, { aside: `${to}.${id}.part`, failure }, make)
}

/** `makeResultFile` for text: `work` gets a function that appends to the file. */
export function writeResultFile<T>(
  to: string,
  id: string,
  work: (write: (text: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const ours = (error: unknown) => {
    throw cannotWrite(to, error)
  }
  return makeResultFile(to, id, async (path) => {
    const file = await open(path, path === to ? "w" : "wx").catch(ours)
    return appendTo(file, ours, work)
  })
}

/** Refuses a target that is the database itself. @throws DruidsyncError `usage` */
export async function refuseSameFile(to: string, database: string): Promise<void> {
  const [target, source] = await Promise.all([to, database].map((path) => stat(path).catch(() => undefined)))
  const isSame = target !== undefined && target.ino === source?.ino && target.dev === source.dev
  if (!isSame && target?.isDirectory() !== true) return
  const why = isSame ? "is the DuckDB file itself" : "is a folder"
  throw usage(`--to ${to} ${why}`, "give the path of a file for the result")
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
