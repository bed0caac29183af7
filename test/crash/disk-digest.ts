/** What a SIGKILL would leave behind: all that the disk holds of a DuckDB file and what lies beside it. */
import { createHash } from "node:crypto"
import { lstatSync, readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"

/** @returns equal texts for equal names and contents of `out` and of everything beside it whose name begins with its own */
export function diskDigest(out: string): string {
  const hash = createHash("sha256")
  const add = (path: string): void => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return
    hash.update(`${path}\0${found.isDirectory() ? "folder" : found.size}\0`)
    if (found.isDirectory()) for (const name of readdirSync(path).sort()) add(join(path, name))
    else if (found.isFile()) hash.update(readFileSync(path))
  }
  const [folder, name] = [dirname(out), basename(out)]
  for (const other of readdirSync(folder).sort()) if (other.startsWith(name)) add(join(folder, other))
  return hash.digest("hex")
}
