/** The parts of loading the native library that need no DuckDB: where to, in which order, and in which words. */

import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { DruidsyncError } from "../../src/base/errors.ts"
import {
  type CachePlace,
  type CacheSurroundings,
  cachePlaces,
  type Dlopen,
  loadNative,
  type NativeLibrary,
} from "../../src/store/native/library.ts"

describe("cachePlaces", () => {
  const linux: CacheSurroundings = { env: {}, platform: "linux", uid: 7, home: "/home/me", temp: "/tmp" }
  const paths = (surroundings: Partial<CacheSurroundings>) =>
    cachePlaces({ ...linux, ...surroundings }).map(({ kind, path }) => `${kind} ${path}`)

  it("takes DRUIDSYNC_CACHE_DIR for an order", () => {
    expect(paths({ env: { DRUIDSYNC_CACHE_DIR: "/c", XDG_CACHE_HOME: "/x" } })).toEqual(["kept /c"])
    expect(paths({ env: { DRUIDSYNC_CACHE_DIR: "c" } })).toEqual([`kept ${join(process.cwd(), "c")}`])
  })

  it("goes from the user's cache to the temporary folder", () => {
    expect(paths({ env: { XDG_CACHE_HOME: "/x" } })).toEqual([
      "kept /x/druidsync",
      "kept /home/me/.cache/druidsync",
      "kept /tmp/druidsync-7",
      "passing /tmp",
    ])
  })

  it("ignores empty settings, a relative XDG_CACHE_HOME and a missing home", () => {
    const env = { DRUIDSYNC_CACHE_DIR: "", XDG_CACHE_HOME: "x" }
    expect(paths({ env, home: "" })).toEqual(["kept /tmp/druidsync-7", "passing /tmp"])
  })

  it("names a place once", () => {
    expect(paths({ env: { XDG_CACHE_HOME: "/home/me/.cache" } })[1]).toBe("kept /tmp/druidsync-7")
  })

  it("knows the habits of macOS and Windows", () => {
    expect(paths({ platform: "darwin" })[0]).toBe("kept /home/me/Library/Caches/druidsync")
    const windows = paths({ platform: "win32", uid: undefined, env: { LOCALAPPDATA: "/local" } })
    expect(windows).toEqual(["kept /local/druidsync/cache", "kept /tmp/druidsync", "passing /tmp"])
  })
})

describe("loadNative", () => {
  const content = { "libthing.so": "the library", "thing.node": "the addon" }
  let base: string
  let places: CachePlace[]

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "druidsync-native-test-"))
    places = [
      { kind: "kept", path: join(base, "kept") },
      { kind: "passing", path: base },
    ]
  })
  afterEach(() => {
    rmSync(base, { recursive: true, force: true })
  })

  function library(change: Partial<NativeLibrary["files"][0]> = {}): NativeLibrary {
    const files = Object.entries(content).map(([name, text]) => ({
      name,
      sha256: createHash("sha256").update(text).digest("hex"),
      bytes: text.length,
      read: () => [Buffer.from(text.slice(0, 4)), Buffer.from(text.slice(4))],
      ...change,
    }))
    return { id: "0123", files }
  }

  /** Behaves as Bun does: loads anything, and complains of what is no addon. */
  const dlopen: Dlopen = (module, path) => {
    if (!path.endsWith(".node"))
      throw new Error("symbol 'napi_register_module_v1' not found in native module")
    module.exports = readFileSync(path, "utf8")
  }

  it("loads the library before the addon, from the same folder", () => {
    const loaded: string[] = []
    const exports = loadNative(library(), places, (module, path) => {
      loaded.push(basename(path))
      dlopen(module, path)
    })
    expect(exports).toBe("the addon")
    expect(loaded).toEqual(["libthing.so", "thing.node"])
  })

  it("writes nothing on the second start", () => {
    loadNative(library(), places, dlopen)
    const read = () => {
      throw new Error("read again")
    }
    expect(loadNative(library({ read }), places, dlopen)).toBe("the addon")
  })

  it("goes on to the next place where one does not allow loading (a disk mounted noexec)", () => {
    const noexec: Dlopen = (module, path) => {
      if (!path.includes("druidsync-")) throw new Error(`${path}: failed to map segment from shared object`)
      dlopen(module, path)
    }
    // on Linux the path of a kept folder goes through /proc, so only the passing one has the name
    rmSync(base, { recursive: true })
    base = mkdtempSync(join(tmpdir(), "native-test-"))
    const both: CachePlace[] = [
      { kind: "kept", path: join(base, "kept") },
      { kind: "passing", path: base },
    ]
    expect(loadNative(library(), both, noexec)).toBe("the addon")
    expect(readdirSync(base)).toEqual(["kept"])
  })

  it("names every place and every reason when there is none", () => {
    const refuse: Dlopen = (_, path) => {
      throw new Error(`${path}: not allowed`)
    }
    expect(() => loadNative(library(), places.slice(0, 1), refuse)).toThrow(
      `cannot load DuckDB's native library (${base}/kept: ${base}/kept/native-0123/libthing.so: not allowed)`,
    )
    expect(() => loadNative(library(), places, refuse)).toThrow(/\/kept: .*: not allowed; .*: not allowed\)$/)
    expect(readdirSync(base)).toEqual(["kept"])
  })

  it.each([
    [
      "/lib64/libc.so.6: version `GLIBC_2.9' not found; version `GLIBC_2.28' not found",
      "glibc 2.28 or newer",
    ],
    ["/lib64/libstdc++.so.6: version `GLIBCXX_3.4.25' not found", "GLIBCXX_3.4.25"],
  ])("names the version that a too old system lacks: %s", (refusal, version) => {
    const refuse: Dlopen = () => {
      throw new Error(refusal)
    }
    const error = (() => {
      try {
        return loadNative(library(), places, refuse)
      } catch (thrown) {
        return thrown
      }
    })() as DruidsyncError
    expect(error.hint).toContain(version)
  })

  it("does not blame the folder for a missing C++ runtime", () => {
    const refuse: Dlopen = () => {
      throw new Error("libstdc++.so.6: cannot open shared object file: No such file or directory")
    }
    let hint: string | undefined
    try {
      loadNative(library(), places, refuse)
    } catch (error) {
      hint = error instanceof DruidsyncError ? error.hint : undefined
    }
    expect(hint).toStartWith("install the C++ runtime")
  })

  it("does not load or keep what was damaged inside the executable", () => {
    const damaged = library({ sha256: "0".repeat(64) })
    expect(() => loadNative(damaged, places.slice(0, 1), dlopen)).toThrow(
      "the unpacked libthing.so has other content than the one built in",
    )
    expect(existsSync(join(base, "kept", "native-0123", "libthing.so"))).toBe(false)
    expect(readdirSync(join(base, "kept", "native-0123"))).toEqual([])
  })
})
