/**
 * Puts DuckDB into the executable. `bun build --compile` alone does not: the bindings choose their platform
 * package at run time, and their addon needs a shared library beside it. This plugin puts a module in the place
 * of `@duckdb/node-bindings` that embeds both, compressed, and loads them by `src/store/native/library.ts`.
 */

import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { constants, zstdCompressSync } from "node:zlib"
import type { BunPlugin } from "bun"
import { cache, packageFolder, root } from "./packages.ts"

interface Embedded {
  name: string
  sha256: string
  bytes: number
  /** paths of the compressed parts, in order */
  parts: string[]
}

/** The plugin that embeds the library of this package. `level` is zstd's. */
export function nativePlugin(duckdbPackage: string, level: number): BunPlugin {
  const files = embeddedFiles(packageFolder(duckdbPackage, "duckdb.node"), level)
  const paths = new Map(files.flatMap(({ parts }) => parts.map((path) => [partName(path), path])))
  paths.set("native:loader", join(root, "src/store/native/library.ts"))
  return {
    name: "embed-duckdb",
    setup(build) {
      build.onResolve({ filter: /^@duckdb\/node-bindings$/ }, () => ({ path: "duckdb", namespace: "native" }))
      build.onLoad({ filter: /^duckdb$/, namespace: "native" }, () => ({
        contents: moduleText(files),
        loader: "js",
      }))
      // The module's text is kept in the source map, and where the project lies must not show in there.
      build.onResolve({ filter: /^native:/ }, ({ path }) => ({ path: paths.get(path)! }))
    },
  }
}

function embeddedFiles(folder: string, level: number): Embedded[] {
  return embeddedNames(folder).map((name) => {
    const content = readFileSync(join(folder, name))
    const sha256 = createHash("sha256").update(content).digest("hex")
    return { name, sha256, bytes: content.length, parts: packedParts(content, sha256, level) }
  })
}

/** What of a package's folder is embedded. Dependencies first, the addon last: the order in which they are loaded. */
export function embeddedNames(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /\.(node|so|dylib|dll)$/.test(name))
  const rank = (name: string) => (name.endsWith(".node") ? 1 : 0)
  return names.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

/** Small enough that unpacking needs little memory, large enough that compression hardly suffers. */
const partBytes = 8 << 20

/** Compressing takes seconds (level 12) to a minute (19), so it is done once per content and level. */
function packedParts(content: Buffer, sha256: string, level: number): string[] {
  const folder = join(cache, "native")
  mkdirSync(folder, { recursive: true })
  const parts: string[] = []
  for (let start = 0; start < content.length; start += partBytes) {
    const path = join(folder, `${sha256.slice(0, 16)}-${level}-${partBytes}-${parts.length}.zst`)
    parts.push(path)
    if (existsSync(path)) continue
    const params = { [constants.ZSTD_c_compressionLevel]: level }
    const temporary = `${path}.${process.pid}.tmp`
    writeFileSync(temporary, zstdCompressSync(content.subarray(start, start + partBytes), { params }))
    renameSync(temporary, path)
  }
  return parts
}

/** What the module calls a part. */
function partName(path: string): string {
  return `native:${basename(path)}`
}

/**
 * The module, as JavaScript. CommonJS, because `@duckdb/node-api` requires the bindings and takes the exports
 * both with and without `.default`; the bundler runs such a module when it is first required, not at the start.
 */
function moduleText(files: Embedded[]): string {
  const id = createHash("sha256")
    .update(files.map(({ name, sha256 }) => `${name} ${sha256}\n`).join(""))
    .digest("hex")
    .slice(0, 32)
  const entries = files.map(({ name, sha256, bytes, parts }) => {
    const paths = parts.map((path) => `require(${JSON.stringify(partName(path))})`)
    return (
      `{ name: ${JSON.stringify(name)}, sha256: ${JSON.stringify(sha256)}, bytes: ${bytes},` +
      ` read: () => unpacked([${paths.join(", ")}]) }`
    )
  })
  return `
    const { readFileSync } = require("node:fs")
    const { homedir, tmpdir } = require("node:os")
    const { zstdDecompressSync } = require("node:zlib")
    const { cachePlaces, loadNative } = require("native:loader")
    function home() {
      try {
        return homedir()
      } catch {
        return "" // a user without an entry in passwd, as containers have them: there is no such place then
      }
    }
    function* unpacked(parts) {
      for (const part of parts) yield zstdDecompressSync(readFileSync(part.default ?? part))
    }
    module.exports = loadNative(
      { id: ${JSON.stringify(id)}, files: [${entries.join(", ")}] },
      cachePlaces({
        env: process.env,
        platform: process.platform,
        uid: process.getuid?.(),
        home: home(),
        temp: tmpdir(),
      }),
    )
  `
}
