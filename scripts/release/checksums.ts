/** Checksums as `sha256sum -c` reads them. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { basename } from "node:path"

/** In hex, of a file's bytes. */
export function sha256Of(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex")
}

/**
 * The text of `SHA256SUMS` for files of one folder: a line each, sorted by name in byte order, so that the order in which they
 * were made does not show. `*` says that the bytes are meant, which matters on Windows.
 */
export function checksumsText(paths: readonly string[]): string {
  const lines = paths.map((path) => ({ name: basename(path), sum: sha256Of(path) }))
  const twice = lines.find(({ name }, n) => lines.findIndex((other) => other.name === name) !== n)
  if (twice !== undefined) throw new Error(`two files are called ${twice.name}: one of them would be lost`)
  return lines
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, sum }) => `${sum} *${name}\n`)
    .join("")
}
