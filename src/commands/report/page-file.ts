/** Keeps a report from overwriting a file that is not a report. */
import { stat } from "node:fs/promises"
import { beginsWith } from "../../base/aside.ts"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import { whyOf } from "../../base/system.ts"

/**
 * @param marker how a file begins that may be replaced; ASCII
 * @throws DruidsyncError `file` (exit 2) if another file is there; an empty one may be replaced
 */
export async function refuseOther(to: string, marker: string): Promise<void> {
  try {
    if ((await stat(to)).size === 0 || (await beginsWith(to, marker))) return
  } catch (error) {
    const { code } = error as { code?: string }
    // If the folder is missing, the code that writes the page reports it.
    if (code === "ENOENT" || code === "ENOTDIR") return
    throw new DruidsyncError("file", `${to} exists and cannot be read: ${whyOf(error, "file")}`, {
      exitCode: ExitCode.usage,
      hint: "give --to another path, or overwrite it with --force",
      cause: error,
    })
  }
  throw new DruidsyncError("file", `${to} exists and is not a report of druidsync; it was left as it is`, {
    exitCode: ExitCode.usage,
    hint: "give --to another path, or overwrite it with --force",
  })
}
