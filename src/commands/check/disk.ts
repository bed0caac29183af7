/** Room on the disks that a pull writes to. */
import { statfs } from "node:fs/promises"
import { dirname } from "node:path"

/** Free bytes for this user where `path` is, or will be; undefined where the system does not tell. */
export async function freeBytes(path: string): Promise<number | undefined> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    } catch {
      // Not there yet: its parent is on the same disk. At the root there is nothing more to ask.
      if (dirname(folder) === folder) return undefined
    }
  }
}
