/** Keeps a report from taking the place of a file that is none. */
import { open } from "node:fs/promises"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import { whyOf } from "../../base/system.ts"

/**
 * @param marker how a file begins that may be replaced; ASCII
 * @throws DruidsyncError `file` (exit 2) where another file is there; an empty one may be replaced
 */
export async function refuseOther(to: string, marker: string): Promise<void> {
  let begin: string
  try {
    const handle = await open(to, "r")
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(marker.length), 0, marker.length, 0)
      begin = buffer.toString("latin1", 0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    const { code } = error as { code?: string }
    // No such folder is found out, and told, by who writes.
    if (code === "ENOENT" || code === "ENOTDIR") return
    throw new DruidsyncError("file", `${to} is there and cannot be read: ${whyOf(error, "file")}`, {
      exitCode: ExitCode.usage,
      hint: "give --to another path, or overwrite it with --force",
      cause: error,
    })
  }
  if (begin === marker || begin === "") return
  throw new DruidsyncError("file", `${to} is there and is not a report of druidsync; it was left as it is`, {
    exitCode: ExitCode.usage,
    hint: "give --to another path, or overwrite it with --force",
  })
}
