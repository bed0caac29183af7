/**
 * Finds npm packages that are not installed, as those of other platforms. Promise: what is given back has the bytes that
 * `package-lock.json` or the caller names, whether `npm ci` put it into `node_modules` or it was fetched here.
 */

import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"

export const root = join(import.meta.dirname, "..", "..")
/** for what is slow to get or to make and never changes; safe to delete */
export const cache = join(root, "dist", ".cache")

export interface Locked {
  version: string
  /** `sha512-…`, of the package as npm sends it */
  integrity: string
}

/** What `package-lock.json` says of a package. */
export function locked(name: string): Locked {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))
  const entry: Partial<Locked> | undefined = lock.packages[`node_modules/${name}`]
  if (!entry?.version || !entry.integrity) throw new Error(`${name} is not in package-lock.json`)
  return { version: entry.version, integrity: entry.integrity }
}

/**
 * The folder of a package that holds `file`. Taken from `node_modules` where npm has installed it there, else
 * from npm's registry, once: `npm ci` leaves out what this machine cannot run.
 */
export function packageFolder(name: string, file: string): string {
  const { version, integrity } = locked(name)
  const installed = join(root, "node_modules", name)
  if (existsSync(join(installed, file))) {
    const found = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")).version
    if (found !== version) throw new Error(`node_modules has ${name} ${found}, not ${version}: run npm ci`)
    return installed
  }
  return fetchedFolder(name, { version, integrity }, file)
}

/** The folder of a package that is in no lock file and holds `file`: fetched once. @throws Error where its bytes are others */
export function fetchedFolder(name: string, { version, integrity }: Locked, file: string): string {
  const folder = join(cache, "npm", `${name.replaceAll("/", "-")}-${version}`)
  if (!existsSync(folder)) fetchInto(folder, `${name}@${version}`, integrity)
  if (!existsSync(join(folder, file))) throw new Error(`${name}@${version} holds no ${file}`)
  return folder
}

function fetchInto(folder: string, spec: string, integrity: string): void {
  mkdirSync(join(cache, "npm"), { recursive: true })
  const work = mkdtempSync(join(cache, "npm", ".fetch-"))
  try {
    const [{ filename }] = JSON.parse(run("npm", "pack", spec, "--json", "--pack-destination", work))
    const tarball = join(work, filename)
    const found = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`
    if (found !== integrity) throw new Error(`${spec} came with ${found}, not with ${integrity}`)
    run("tar", "-xzf", tarball, "-C", work)
    renameSync(join(work, "package"), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function run(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { stdout: "pipe", stderr: "pipe" })
  if (exitCode !== 0) throw new Error(`${command.join(" ")} failed: ${stderr.toString().trim()}`)
  return stdout.toString()
}
