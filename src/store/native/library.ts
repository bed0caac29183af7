/**
 * Loads DuckDB's native library out of the one executable: a shared library cannot be loaded from inside
 * another file, so it is unpacked into a cache folder once per version and loaded from there.
 *
 * Promise: what is loaded is what was built in. Each file is checked before each load (`checked.ts`), in a folder
 * that no other user can write to; a file that differs is replaced, a folder that others control is not used.
 * Root, and programs that run as this same user, are outside of that promise: they need no cache to attack us.
 *
 * Used only by the compiled executable, where `scripts/build` puts it in the place of `@duckdb/node-bindings`.
 * Everything is synchronous because that is a CommonJS module; it runs when `@duckdb/node-api` is first needed.
 */

import { randomBytes } from "node:crypto"
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs"
import { join, resolve } from "node:path"
import { DruidsyncError, messageOf } from "../../base/errors.ts"
import { CheckedFiles, type Expected, isWritableByOthers } from "./checked.ts"

/** One file of the library, as it was at build time. The addon finds the library beside it by its name. */
export interface NativeFile extends Expected {
  /** the unpacked bytes, in parts, so that 70 MB need no 70 MB of memory; asked for only to write the file */
  read: () => Iterable<Uint8Array>
}

export interface NativeLibrary {
  /** a hash over all files: names the folder, so that versions never meet */
  id: string
  /** dependencies first, the Node-API addon last */
  files: NativeFile[]
}

/** Where the library may be unpacked to. */
export type CachePlace =
  /** a folder of this name is made there, and kept for later starts */
  | { kind: "kept"; path: string }
  /** a folder with a random name is made there, and removed as soon as the library is loaded */
  | { kind: "passing"; path: string }

/** What `cachePlaces` needs to know of the machine. */
export interface CacheSurroundings {
  env: Record<string, string | undefined>
  platform: NodeJS.Platform
  /** undefined on Windows */
  uid: number | undefined
  home: string
  temp: string
}

/**
 * The places to try, best first. `DRUIDSYNC_CACHE_DIR` is an order: where it is set, there is no other place.
 * Otherwise the user's cache folder by the XDG base directory specification (a relative `XDG_CACHE_HOME` is
 * to be ignored) or by the platform's habit, then the temporary folder.
 */
export function cachePlaces({ env, platform, uid, home, temp }: CacheSurroundings): CachePlace[] {
  if (env.DRUIDSYNC_CACHE_DIR) return [{ kind: "kept", path: resolve(env.DRUIDSYNC_CACHE_DIR) }]
  const kept: string[] = []
  if (env.XDG_CACHE_HOME?.startsWith("/")) kept.push(join(env.XDG_CACHE_HOME, "druidsync"))
  if (platform === "win32" && env.LOCALAPPDATA) kept.push(join(env.LOCALAPPDATA, "druidsync", "cache"))
  if (platform === "darwin" && home) kept.push(join(home, "Library", "Caches", "druidsync"))
  if (platform !== "win32" && platform !== "darwin" && home) kept.push(join(home, ".cache", "druidsync"))
  kept.push(join(temp, uid === undefined ? "druidsync" : `druidsync-${uid}`))
  return [
    ...[...new Set(kept)].map((path): CachePlace => ({ kind: "kept", path })),
    { kind: "passing", path: temp },
  ]
}

/** `process.dlopen`, or a stand-in for a test. */
export type Dlopen = (module: { exports: unknown }, path: string) => void

/**
 * The exports of the addon, loaded from the first place where that works.
 * Throws a `DruidsyncError` that says why each place was refused.
 */
export function loadNative(
  library: NativeLibrary,
  places: CachePlace[],
  dlopen: Dlopen = (module, path) => process.dlopen(module, path),
): unknown {
  const refusals: string[] = []
  for (const place of places) {
    try {
      return loadAt(library, place, dlopen)
    } catch (error) {
      // Any failure of one place (not ours, read-only, full, mounted noexec) is a reason to try the next.
      refusals.push(`${place.path}: ${messageOf(error)}`)
    }
  }
  throw new DruidsyncError("file", `cannot load DuckDB's native library (${refusals.join("; ")})`, {
    hint: hintFor(refusals.join("\n")),
  })
}

/** What to do about what the loader said. */
function hintFor(refusals: string): string {
  const glibc = newest([...refusals.matchAll(/\bGLIBC_(\d+(?:\.\d+)*)/g)].map((match) => match[1]!))
  if (glibc !== undefined)
    return `this system's C library is too old: glibc ${glibc} or newer is needed (ldd --version tells what there is)`
  const runtime = newest([...refusals.matchAll(/\bGLIBCXX_(\d+(?:\.\d+)*)/g)].map((match) => match[1]!))
  if (runtime !== undefined)
    return `this system's C++ runtime is too old: a libstdc++ with GLIBCXX_${runtime} is needed`
  return /lib(stdc\+\+|gcc_s|c)\.|musl/.test(refusals)
    ? "install the C++ runtime of this system (libstdc++), or use the druidsync made for its C library"
    : "set DRUIDSYNC_CACHE_DIR to a folder of your own with 100 MB free that allows executing from it"
}

/** The greatest of versions such as `2.28`. */
function newest(versions: readonly string[]): string | undefined {
  return [...versions].sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1)
}

function loadAt(library: NativeLibrary, place: CachePlace, dlopen: Dlopen): unknown {
  if (place.kind === "kept") {
    const folder = openPrivateFolder(join(place.path, `native-${library.id}`))
    try {
      return loadFrom(library, folder.path, dlopen)
    } catch (error) {
      // "/proc/self/fd/5" tells a reader nothing
      throw new Error(messageOf(error).replaceAll(folder.path, folder.name), { cause: error })
    } finally {
      folder.close()
    }
  }
  // mkdtemp makes a new folder, 0700, that nobody can have prepared
  const path = mkdtempSync(join(place.path, "druidsync-"))
  try {
    return loadFrom(library, path, dlopen)
  } finally {
    // A loaded library stays mapped without its name; Windows refuses, and clears its temporary folder itself.
    if (process.platform !== "win32") rmSync(path, { recursive: true, force: true })
  }
}

function loadFrom(library: NativeLibrary, folder: string, dlopen: Dlopen): unknown {
  const checked = new CheckedFiles(folder)
  for (const file of library.files) {
    if (checked.differenceOf(join(folder, file.name), file) !== undefined) unpack(folder, file, checked)
  }
  checked.note()
  const dependencies = library.files.slice(0, -1)
  const addon = library.files.at(-1)!
  // The addon names its dependency without a path, and the loader looks in LD_LIBRARY_PATH before it looks
  // beside the addon: some other libduckdb.so, unchecked. One that is loaded already is taken first.
  if (process.platform !== "win32") {
    for (const dependency of dependencies) preload(join(folder, dependency.name), dlopen)
  }
  const module = { exports: {} as unknown }
  dlopen(module, join(folder, addon.name))
  return module.exports
}

/** Loads a plain shared library with the only loader there is, the one for addons, which then complains. */
function preload(path: string, dlopen: Dlopen): void {
  try {
    dlopen({ exports: {} }, path)
  } catch (error) {
    // Bun and Node load the file first and then miss the addon's entry point: by then it has done its work
    if (!/napi_register_module|did not self-register/.test(messageOf(error))) throw error
  }
}

/**
 * Opens the folder, makes it where it is missing, and proves that no one but us (or root) can write to it.
 * On Linux the path given back goes through the open descriptor, so that it stays this very folder even where
 * others may rename what lies above it.
 */
function openPrivateFolder(path: string): { name: string; path: string; close: () => void } {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const uid = process.getuid?.()
  if (uid === undefined) {
    // Windows: the profile's own access list keeps others out
    if (!lstatSync(path).isDirectory()) throw new Error("it is not a folder")
    return { name: path, path, close: () => {} }
  }
  if (lstatSync(path).isSymbolicLink()) throw new Error(`${path} is a symbolic link`)
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const anchored = anchorOf(fd) ?? path
    let stats = fstatSync(fd)
    if (stats.uid === uid && (stats.mode & 0o077) !== 0) {
      // Made private again; each file in it is judged by owner, mode and hash anyway. A read-only file system
      // refuses, which is well if the mode only lets others read.
      try {
        chmodSync(anchored, 0o700)
      } catch (error) {
        if (isWritableByOthers(stats)) throw error
      }
      stats = fstatSync(fd)
    }
    if (isWritableByOthers(stats)) {
      throw new Error(`${path} can be written to by another user (owner ${stats.uid}, mode ${octal(stats)})`)
    }
    return { name: path, path: anchored, close: () => closeSync(fd) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** A path to the folder behind an open descriptor, where the system has such (Linux with /proc mounted). */
function anchorOf(fd: number): string | undefined {
  if (process.platform !== "linux") return undefined
  const path = `/proc/self/fd/${fd}`
  const through = statSync(path, { throwIfNoEntry: false })
  const direct = fstatSync(fd)
  return through !== undefined && through.ino === direct.ino && through.dev === direct.dev ? path : undefined
}

function octal(stats: Stats): string {
  return (stats.mode & 0o777).toString(8).padStart(4, "0")
}

/**
 * Writes the file under a name of its own, checks what is on the disk, and renames it into place: a start that
 * dies here leaves nothing that another start would load, and starts at the same time replace like by like.
 */
function unpack(folder: string, file: NativeFile, checked: CheckedFiles): void {
  const path = join(folder, file.name)
  removeLeftovers(folder)
  const temporary = join(folder, `.${file.name}.${randomBytes(8).toString("hex")}.tmp`)
  try {
    const fd = openSync(temporary, "wx", 0o600)
    try {
      for (const part of file.read()) writeFileSync(fd, part)
      // It is not hashed at every start: a power cut must not leave it with holes.
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    const difference = checked.differenceOf(temporary, file)
    if (difference !== undefined) throw new Error(`the unpacked ${file.name} ${difference}`)
    try {
      renameSync(temporary, path)
    } catch (error) {
      // In the way is a folder; or, on Windows, the right file, put there and loaded by another start.
      if (checked.differenceOf(path, file) === undefined) return
      if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
      rmSync(path, { recursive: true })
      renameSync(temporary, path)
    }
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Temporary files of starts that were killed. Younger ones may belong to a start that is at work. */
function removeLeftovers(folder: string): void {
  const tenMinutesAgo = Date.now() - 10 * 60_000
  for (const name of readdirSync(folder)) {
    if (!/^\..*\.tmp$/.test(name)) continue
    const path = join(folder, name)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats !== undefined && stats.mtimeMs < tenMinutesAgo) rmSync(path, { force: true })
  }
}
