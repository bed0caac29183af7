/** The rules of docs/architecture.md, "Where things are", read from the sources themselves: who may import whom, and which library lives where. */
import { describe, expect, it } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join, relative, sep } from "node:path"

const SRC = join(import.meta.dirname, "../../src")

/** Plain data and pure helpers at the top of `src`: they import nothing but one another. */
const SHARED = ["domain", "errors", "intervals", "time", "shard", "printable", "system"]

/** For each folder of `src`, the other folders that it may import; the shared files are open to all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  config: [],
  druid: [],
  plan: [],
  store: [],
  sync: ["druid", "plan", "store", "config"],
  verify: ["sync", "druid", "plan", "store", "config"],
  explore: ["sync", "druid", "plan", "store", "config"],
  lake: ["sync", "store"],
  report: ["sync", "verify", "explore", "lake"],
  cli: ["sync", "verify", "explore", "lake", "config", "report", "page"],
  page: ["sync", "store", "report"],
  main: ["cli", "report"],
}

/** The one folder that may name a library. */
const HOME: Readonly<Record<string, string>> = {
  ofetch: "druid",
  "@duckdb/node-api": "store",
  consola: "report",
  citty: "cli",
  valibot: "config",
}

interface Import {
  readonly file: string
  readonly room: string
  readonly specifier: string
  /** `import type`: it leaves nothing behind at run time */
  readonly isType: boolean
}

/** `druid` for `src/druid/sql.ts`, `domain` for `src/domain.ts`. */
function roomOf(path: string): string {
  const [first = ""] = relative(SRC, path).split(sep)
  return first.replace(/\.ts$/, "")
}

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(SRC, name))
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "")
}

function importsOf(path: string): Import[] {
  const text = withoutComments(readFileSync(path, "utf8"))
  const base = { file: relative(SRC, path), room: roomOf(path) }
  const found: Import[] = []
  for (const match of text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm)) {
    found.push({ ...base, specifier: match[2]!, isType: match[1] !== undefined })
  }
  for (const match of text.matchAll(/\bimport\(\s*"([^"]+)"/g)) {
    found.push({ ...base, specifier: match[1]!, isType: false })
  }
  return found
}

const imports = sources().flatMap(importsOf)
const say = ({ file, specifier }: Import) => `${file} imports ${specifier}`

describe("the folders of src", () => {
  it("are read by this test at all", () => {
    expect(imports.length).toBeGreaterThan(100)
    expect(new Set(imports.map((one) => one.room)).size).toBeGreaterThan(8)
  })

  it("import one way: cli, then sync, then druid, plan and store, then the shared files", () => {
    const wrong = imports.filter(({ file, room, specifier }) => {
      if (!specifier.startsWith(".")) return false
      const to = roomOf(join(SRC, file, "..", specifier))
      if (to === room || SHARED.includes(to)) return false
      return !(MAY_IMPORT[room] ?? []).includes(to)
    })
    expect(wrong.map(say)).toEqual([])
  })

  it("share only files that themselves import nothing but one another", () => {
    const wrong = imports.filter(
      ({ file, room, specifier }) =>
        SHARED.includes(room) && !SHARED.includes(roomOf(join(SRC, file, "..", specifier))),
    )
    expect(wrong.map(say)).toEqual([])
  })

  it("keep each library to its one folder", () => {
    const wrong = imports.filter(({ room, specifier }) => {
      const library = Object.keys(HOME).find((name) => specifier === name || specifier.startsWith(`${name}/`))
      return library !== undefined && HOME[library] !== room
    })
    expect(wrong.map(say)).toEqual([])
  })

  it("use no library that has no home here", () => {
    const wrong = imports.filter(({ specifier }) => {
      if (specifier.startsWith(".") || specifier.startsWith("node:")) return false
      return !Object.keys(HOME).some((name) => specifier === name || specifier.startsWith(`${name}/`))
    })
    expect(wrong.map(say)).toEqual([])
  })

  it("name the file with its extension, so that Bun, Deno and Node find the same one", () => {
    const wrong = imports.filter(
      ({ specifier }) => specifier.startsWith(".") && !/\.(ts|json)$/.test(specifier),
    )
    expect(wrong.map(say)).toEqual([])
  })

  it("keep pure planning away from the machine: no node module, no clock, no chance", () => {
    const pure = sources().filter((path) => ["plan", ...SHARED].includes(roomOf(path)))
    const wrong = pure.filter((path) =>
      /"node:|\bDate\.now\b|\bnew Date\(\)|Math\.random|randomUUID|process\.|\bfetch\(/.test(
        withoutComments(readFileSync(path, "utf8")),
      ),
    )
    expect(wrong.map((path) => relative(SRC, path))).toEqual([])
  })

  it("use no API that only one runtime has", () => {
    const wrong = sources().filter((path) =>
      /(?<!")\b(Bun|Deno)\s*\.|"bun(:[a-z]+)?"/.test(withoutComments(readFileSync(path, "utf8"))),
    )
    expect(wrong.map((path) => relative(SRC, path))).toEqual([])
  })
})
