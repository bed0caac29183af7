/** Results written to a file: beside it first, then by rename, so that nobody ever reads half of one. */
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises"
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { refusalOf, whyOf } from "../base/system.ts"

/**
 * @param to what is there is replaced once `work` has succeeded
 * @param id makes the name of the file that is written first
 * @throws DruidsyncError `file`
 */
export async function writeResultFile<T>(
  to: string,
  id: string,
  work: (write: (text: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const part = `${to}.${id}.part`
  let handle: FileHandle | undefined
  try {
    handle = await open(part, "wx").catch((error) => {
      throw cannotWrite(to, error)
    })
    const file = handle
    const result = await work(async (text) => {
      await file.appendFile(text).catch((error) => {
        throw cannotWrite(to, error)
      })
    })
    await handle.close()
    handle = undefined
    await rename(part, to).catch((error) => {
      throw cannotWrite(to, error)
    })
    return result
  } catch (error) {
    await handle?.close()
    await rm(part, { force: true }).catch(() => undefined)
    throw error
  }
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
  const { code } = error as { code?: string }
  return code === "ENOSPC"
    ? new DruidsyncError("disk-full", `no space left to write ${path}`, { cause: error })
    : new DruidsyncError("file", `${path} cannot be written: ${whyOf(error, "place")}`, {
        cause: error,
        hint: refusalOf(error, "place", "--to")?.hint ?? "check that the folder exists and is writable",
      })
}
