/** What a release says of its contents: components, the bill of materials, licences, and the manifest for npm. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { targets } from "../../scripts/build/targets.ts"
import { type Lock, nativeComponents, readLock, runtimeComponents } from "../../scripts/release/components.ts"
import {
  executableLicences,
  installedTexts,
  licencesText,
  type Texts,
} from "../../scripts/release/licences.ts"
import { bundled, manifest } from "../../scripts/release/npm.ts"
import { type Release, sbomText } from "../../scripts/release/sbom.ts"

const integrity = `sha512-${Buffer.alloc(64, 1).toString("base64")}`
const entry = { version: "1.0.0", integrity, license: "MIT" }

describe("the components", () => {
  it("are the dependencies of the lock file and theirs, without peers, optional ones and tools", () => {
    const names = runtimeComponents(readLock()).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(Object.keys(packageJson.dependencies)))
    // consola's, ofetch's and DuckDB's own dependencies
    expect(names).toEqual(expect.arrayContaining(["@duckdb/node-bindings", "detect-libc", "destr", "ufo"]))
    for (const name of [...Object.keys(packageJson.devDependencies), "@duckdb/node-bindings-linux-x64"])
      expect(names).not.toContain(name)
  })

  it("are found within their parent first, and may need each other", () => {
    const lock: Lock = {
      packages: {
        "": { dependencies: { a: "1", b: "1" } },
        "node_modules/a": { ...entry, dependencies: { c: "2" } },
        "node_modules/a/node_modules/c": { ...entry, version: "2.0.0", dependencies: { b: "1" } },
        "node_modules/b": { ...entry, dependencies: { a: "1" } },
        "node_modules/c": entry,
        "node_modules/tool": entry,
      },
    }
    const found = runtimeComponents(lock).map(({ name, version, needs }) => [name, version, needs])
    expect(found).toEqual([
      ["a", "1.0.0", ["c"]],
      ["c", "2.0.0", ["b"]],
      ["b", "1.0.0", ["a"]],
    ])
  })

  it("must be in the lock file, with integrity and licence", () => {
    const lock = (b?: object): Lock => ({
      packages: { "": { dependencies: { b: "1" } }, ...(b === undefined ? {} : { "node_modules/b": b }) },
    })
    expect(() => runtimeComponents(lock())).toThrow("needs b, which is not in package-lock.json")
    expect(() => runtimeComponents(lock({ ...entry, integrity: undefined }))).toThrow("b is not in")
    expect(() => runtimeComponents(lock({ ...entry, license: undefined }))).toThrow("b names no licence")
  })

  it("of every target are in the lock file: Bun and DuckDB, at the version of all the others", () => {
    const lock = readLock()
    for (const target of targets.keys()) {
      const { bun, duckdb } = nativeComponents(lock, target)
      expect(bun.version).toBe(packageJson.devDependencies.bun)
      expect(duckdb.version).toBe(packageJson.dependencies["@duckdb/node-api"])
    }
    expect(() => nativeComponents(lock, "beos")).toThrow('no target "beos"')
  })
})

function release(): Release {
  const lock = readLock()
  const sha256 = "00".repeat(32)
  const executables = [...targets.keys()].map((target) => ({
    name: `druidsync-${target}`,
    sha256,
    native: nativeComponents(lock, target),
    parts: [{ name: "libduckdb.so", of: "@duckdb/x", sha256 }],
  }))
  return {
    name: "druidsync",
    version: "0.1.0",
    description: "d",
    license: "Apache-2.0",
    needs: Object.keys(packageJson.dependencies),
    runtime: runtimeComponents(lock),
    artifacts: [...executables, { name: "druidsync-0.1.0.tgz", sha256 }],
  }
}

interface Entry {
  "bom-ref": string
  name: string
  type: string
  hashes: { alg: string; content: string }[]
  components?: Entry[]
}

describe("the bill of materials", () => {
  const document = JSON.parse(sbomText(release())) as {
    components: Entry[]
    dependencies: { ref: string; dependsOn: string[] }[]
    metadata: { component: { "bom-ref": string } }
  }

  it("has a hash for everything, in hex, of the length that it should have", () => {
    const entries = document.components.flatMap((one) => [one, ...(one.components ?? [])])
    expect(entries.length).toBeGreaterThan(30)
    for (const { name, hashes } of entries) {
      const [{ alg, content } = { alg: "", content: "" }] = hashes
      expect(content, name).toMatch(alg === "SHA-512" ? /^[0-9a-f]{128}$/ : /^[0-9a-f]{64}$/)
    }
  })

  it("names Bun and DuckDB's library for each executable, and speaks only of what it lists, once", () => {
    const refs = [document.metadata.component, ...document.components].map((one) => one["bom-ref"])
    expect(new Set(refs).size).toBe(refs.length)
    expect(document.dependencies.map(({ ref }) => ref).toSorted()).toEqual(refs.toSorted())
    for (const { dependsOn } of document.dependencies)
      for (const ref of dependsOn) expect(refs).toContain(ref)
    const arm = document.dependencies.find(({ ref }) => ref === "file:druidsync-linux-arm64")!
    expect(arm.dependsOn).toEqual([
      `pkg:npm/%40duckdb/node-bindings-linux-arm64@${packageJson.dependencies["@duckdb/node-api"]}`,
      `pkg:npm/%40oven/bun-linux-aarch64@${packageJson.devDependencies.bun}`,
      "pkg:npm/druidsync@0.1.0",
    ])
  })

  it("lets the program itself need what package.json says, and no more", () => {
    const self = document.dependencies.find(({ ref }) => ref === "pkg:npm/druidsync@0.1.0")!
    const names = self.dependsOn.map((ref) => /^pkg:npm\/(.+)@/.exec(ref)![1]!.replace("%40", "@"))
    expect(names).toEqual(Object.keys(packageJson.dependencies).toSorted())
  })

  it("is the same text twice and in any order, without a serial number or a time", () => {
    const one = release()
    const other = { ...one, runtime: one.runtime.toReversed(), artifacts: one.artifacts.toReversed() }
    expect(sbomText(other)).toBe(sbomText(one))
    expect(sbomText(one)).not.toMatch(/serialNumber|timestamp|urn:uuid/)
  })

  it("refuses an integrity that is no SHA-512, and writes a choice of licences as an expression", () => {
    const part = {
      name: "a",
      version: "1.0.0",
      integrity,
      license: "MIT",
      folder: "node_modules/a",
      needs: [],
    }
    const text = (changes: object) =>
      sbomText({ ...release(), artifacts: [], needs: [], runtime: [{ ...part, ...changes }] })
    expect(() => text({ integrity: "sha1-abc=" })).toThrow('"sha1-abc=" is no SHA-512')
    expect(text({ license: "MIT OR Apache-2.0" })).toContain('"expression": "MIT OR Apache-2.0"')
  })
})

describe("the licences of others", () => {
  let base: string
  let texts: Texts
  const component = (name: string) => ({
    ...entry,
    name,
    folder: `node_modules/${name}`,
    needs: [],
  })

  beforeAll(() => {
    base = mkdtempSync(join(tmpdir(), "druidsync-licences-test-"))
    texts = { base, bun: () => "Bun's", duckdb: () => "DuckDB's" }
    for (const [path, text] of [
      ["a/LICENSE", "of a\r\nsecond line"],
      ["a/dist/THIRD-PARTY-LICENSES.md", "of what a bundles"],
      ["b/license.md", "of b"],
      ["b/NOTICE", "notice of b"],
      ["c/README.md", "not a licence"],
    ] as const) {
      mkdirSync(join(base, "node_modules", path, ".."), { recursive: true })
      writeFileSync(join(base, "node_modules", path), text)
    }
  })

  afterAll(() => {
    rmSync(base, { recursive: true, force: true })
  })

  it("are all texts that a package has, with those of what it bundles", () => {
    const text = licencesText([component("b"), component("a")], texts)
    const parts = [
      "a 1.0.0 (MIT)",
      "of a\nsecond line",
      "of what a bundles",
      "b 1.0.0",
      "notice of b",
      "of b",
    ]
    const places = parts.map((part) => text.indexOf(part))
    expect(places).toEqual(places.toSorted((x, y) => x - y))
    expect(places).not.toContain(-1)
  })

  it("stop the release where a package has none", () => {
    expect(() => licencesText([component("a"), component("c"), component("gone")], texts)).toThrow(
      "no licence text for c 1.0.0, gone 1.0.0",
    )
  })

  it("are there for all that an executable contains, those of Bun and of DuckDB included", () => {
    const runtime = runtimeComponents(readLock())
    const text = executableLicences(runtime, { bun: "1", duckdb: "2" }, installedTexts())
    for (const { name, version } of runtime) expect(text).toContain(`\n${name} ${version} (`)
    for (const part of ["Bun 1 (MIT", "boringssl", "GNU LIBRARY GENERAL PUBLIC LICENSE", "Stichting DuckDB"])
      expect(text).toContain(part)
    expect(text).not.toContain("---\ntitle:")
  })
})

describe("the package for npm", () => {
  it("needs DuckDB at the very version that is locked, and nothing else", () => {
    const { dependencies } = manifest(packageJson)
    expect(dependencies).toEqual({
      "@duckdb/node-api": readLock().packages["node_modules/@duckdb/node-api"]!.version!,
    })
  })

  it("may be published, unlike the repository, under the same version", () => {
    const made = manifest(packageJson)
    expect(packageJson.private).toBe(true)
    expect(made).not.toHaveProperty("private")
    expect(made).not.toHaveProperty("scripts")
    expect(made).toMatchObject({
      name: "druidsync",
      version: packageJson.version,
      bin: { druidsync: made.files[0]! },
    })
  })

  it("holds all that runs but what npm installs beside it", () => {
    const names = bundled(runtimeComponents(readLock())).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(["citty", "consola", "ofetch", "valibot", "destr"]))
    expect(names.filter((name) => /duckdb|detect-libc/.test(name))).toEqual([])
  })
})
