/** The rules of docs/architecture.md, "Where things are", read from the sources themselves: who may import whom, and which library lives where. */
import { describe, expect, it } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { basename, join, relative, sep } from "node:path"

const SRC = join(import.meta.dirname, "../../src")

/** For each folder of `src`, the folders that it may import. `base` is open to all and imports nothing but itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  config: [],
  plan: [],
  druid: [],
  store: [],
  pull: ["config", "druid", "plan", "store"],
  compare: ["config", "druid", "plan", "store", "pull"],
  lake: ["config", "store", "compare"],
  kit: ["pull", "store", "druid", "config", "plan"],
  commands: ["kit", "lake", "compare", "pull", "store", "druid", "config", "plan"],
  main: ["commands", "kit"],
}

/** The one folder that may name a library, or the files that may, by their name. */
const HOME: Readonly<Record<string, string>> = {
  ofetch: "druid",
  "https-proxy-agent": "druid",
  "http-proxy-agent": "druid",
  "@duckdb/node-api": "store",
  consola: "kit",
  citty: "kit",
  "string-width": "kit",
  "p-queue": "pull",
  valibot: "config document.ts",
  "jsonc-parser": "config",
}

/** The files of `base` that touch the machine. All others there, and all of `plan`, are pure. */
const TOUCH_THE_MACHINE: readonly string[] = [join("base", "aside.ts")]

interface Import {
  readonly file: string
  readonly room: string
  readonly specifier: string
  /** `import type`: it leaves nothing behind at run time */
  readonly isType: boolean
}

/** `druid` for `src/druid/sql.ts`, `domain` for `src/base/domain.ts`. */
function roomOf(path: string): string {
  const [first = ""] = relative(SRC, path).split(sep)
  return first.replace(/\.ts$/, "")
}

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(SRC, name))
}

/** As paths within `src`. */
function pureFiles(): string[] {
  return sources()
    .filter((path) => ["plan", "base"].includes(roomOf(path)))
    .map((path) => relative(SRC, path))
    .filter((file) => !TOUCH_THE_MACHINE.includes(file))
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

/** The file of `src` that an import names, or undefined for a library. */
function targetOf({ file, specifier }: Import): string | undefined {
  return specifier.startsWith(".") ? relative(SRC, join(SRC, file, "..", specifier)) : undefined
}

/** `verify` for `commands/verify/text.ts`; undefined outside the commands and for their list. */
function commandOf(file: string): string | undefined {
  const [room, command, rest] = file.split(sep)
  return room === "commands" && rest !== undefined ? command : undefined
}

/** Files that import each other, whatever the detour: each cycle once, as its members. */
function cycles(all: readonly Import[]): string[][] {
  const next = new Map<string, string[]>()
  for (const one of all) {
    const target = targetOf(one)
    if (target !== undefined) next.set(one.file, [...(next.get(one.file) ?? []), target])
  }
  const found: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) found.push(path.slice(at))
    if (at >= 0 || done.has(file)) return
    for (const target of next.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of next.keys()) visit(file, [])
  return found
}

const imports = sources().flatMap(importsOf)
const say = ({ file, specifier }: Import) => `${file} imports ${specifier}`

describe("the folders of src", () => {
  it("are read by this test at all", () => {
    expect(imports.length).toBeGreaterThan(100)
    expect(new Set(imports.map((one) => one.room)).size).toBeGreaterThan(8)
  })

  it("import one way: commands, kit, then lake, compare, pull, then druid, store, config and plan, then base", () => {
    const wrong = imports.filter((one) => {
      const target = targetOf(one)
      if (target === undefined) return false
      const to = roomOf(join(SRC, target))
      return to !== one.room && to !== "base" && !(MAY_IMPORT[one.room] ?? []).includes(to)
    })
    expect(wrong.map(say)).toEqual([])
  })

  it("keep commands apart: none imports another", () => {
    const wrong = imports.filter((one) => {
      const from = commandOf(one.file)
      const to = commandOf(targetOf(one) ?? "")
      return from !== undefined && targetOf(one)?.startsWith("commands") === true && to !== from
    })
    expect(wrong.map(say)).toEqual([])
  })

  it("have no cycle of files", () => {
    expect(cycles(imports)).toEqual([])
  })

  it("would find a cycle", () => {
    const one = (file: string, specifier: string) => ({ file, specifier, room: "x", isType: false })
    expect(cycles([one("a.ts", "./b.ts"), one("b.ts", "./c.ts"), one("c.ts", "./b.ts")])).toEqual([
      ["b.ts", "c.ts"],
    ])
  })

  it("keep each library to its one folder", () => {
    const wrong = imports.filter(({ file, room, specifier }) => {
      const library = Object.keys(HOME).find((name) => specifier === name || specifier.startsWith(`${name}/`))
      const homes = (HOME[library ?? ""] ?? "").split(" ")
      return library !== undefined && !homes.includes(room) && !homes.includes(basename(file))
    })
    expect(wrong.map(say)).toEqual([])
  })

  it("load no schema of a document: what a command prints needs only its type", () => {
    const wrong = imports.filter(({ file, specifier, isType }) => {
      const isDocument = (path: string) => basename(path) === "document.ts"
      return isDocument(specifier) && !isDocument(file) && !isType
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
    const wrong = pureFiles().filter((path) =>
      /"node:|\bDate\.now\b|\bnew Date\(\)|Math\.random|randomUUID|process\.|\bfetch\(/.test(
        withoutComments(readFileSync(join(SRC, path), "utf8")),
      ),
    )
    expect(wrong).toEqual([])
  })

  it("keep it away from rooms that touch the machine, too", () => {
    const pure = new Set([...pureFiles(), "valibot"])
    const wrong = imports.filter((one) => pure.has(one.file) && !pure.has(targetOf(one) ?? one.specifier))
    expect(wrong.map(say)).toEqual([])
  })

  it("use no API that only one runtime has", () => {
    const wrong = sources().filter((path) =>
      /(?<!")\b(Bun|Deno)\s*\.|"bun(:[a-z]+)?"/.test(withoutComments(readFileSync(path, "utf8"))),
    )
    expect(wrong.map((path) => relative(SRC, path))).toEqual([])
  })
})
