/** What a release is made of, as `package-lock.json` says: each package with its version, integrity and licence. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../build/packages.ts"
import { targets } from "../build/targets.ts"

export interface Component {
  name: string
  version: string
  /** as npm writes it: `sha512-` and base64 */
  integrity: string
  /** an SPDX expression */
  license: string
  /** the key of the lock file, which is its folder: `node_modules/ofetch` */
  folder: string
  /** names of the packages it needs, which are components too */
  needs: string[]
}

interface LockEntry {
  version?: string
  integrity?: string
  license?: string
  dependencies?: Record<string, string>
}

export interface Lock {
  packages: Record<string, LockEntry>
}

export function readLock(): Lock {
  return JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))
}

/**
 * What the program needs to run, sorted by name: the dependencies of the root and theirs. Without peers and without optional
 * ones: those of DuckDB are one for each machine, see `nativeComponents`. @throws Error where the lock file is not whole
 */
export function runtimeComponents(lock: Lock): Component[] {
  const found = new Map<string, Component>()
  const visit = (folder: string): string[] =>
    Object.keys(lock.packages[folder]?.dependencies ?? {}).map((name) => {
      const at = resolved(lock, folder, name)
      if (!found.has(at)) {
        const component = componentAt(lock, at)
        found.set(at, component)
        component.needs = visit(at)
      }
      return name
    })
  visit("")
  return [...found.values()].toSorted((a, b) => (a.folder < b.folder ? -1 : 1))
}

export interface NativeComponents {
  bun: Component
  duckdb: Component
}

/** The two packages whose native parts are within the executable of a target. */
export function nativeComponents(lock: Lock, target: string): NativeComponents {
  const packages = targets.get(target)
  if (packages === undefined)
    throw new Error(`no target "${target}"; there are ${[...targets.keys()].join(", ")}`)
  return {
    bun: componentAt(lock, `node_modules/${packages.bunPackage}`),
    duckdb: componentAt(lock, `node_modules/${packages.duckdbPackage}`),
  }
}

/** Where a package finds another: beside it, or in a `node_modules` further up. */
function resolved(lock: Lock, from: string, name: string): string {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const at = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    if (lock.packages[at] !== undefined) return at
    if (folder === "")
      throw new Error(`${from} needs ${name}, which is not in package-lock.json: run npm install`)
  }
}

function componentAt(lock: Lock, folder: string): Component {
  const { version, integrity, license } = lock.packages[folder] ?? {}
  const name = folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length)
  if (version === undefined || integrity === undefined)
    throw new Error(`${name} is not in package-lock.json with its integrity: run npm install`)
  if (license === undefined) throw new Error(`${name} names no licence in package-lock.json`)
  return { name, version, integrity, license, folder, needs: [] }
}
