/** What the pages say about commands, flags, keys, files and links, held against the program. */
import { describe, expect, it } from "bun:test"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { messageOf } from "../../src/base/errors.ts"
import { loadConfig } from "../../src/config/load.ts"
import { CONFIG_PATH, inMemory } from "../config/support.ts"
import { allFlags, checkCall } from "./calls.ts"
import { allPages, type Page, ROOT, readPage } from "./pages.ts"
import { callsIn, commandsIn } from "./shell.ts"

const pages = allPages()

/** What is wrong, a line each, with the page's name before it. */
async function faults(
  check: (page: Page) => Promise<readonly string[]> | readonly string[],
): Promise<string[]> {
  const found: string[] = []
  for (const page of pages) found.push(...(await check(page)).map((line) => `${page.path}: ${line}`))
  return found
}

async function refused(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error) => messageOf(error),
  )
}

const SHELL = ["", "sh", "ini"]

/** Why a configuration does not load, if so; each file and variable that it names is there. */
function refusedConfig(text: string): Promise<string | undefined> {
  const pem = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"
  const readFile = async (path: string) =>
    new TextEncoder().encode(
      path === CONFIG_PATH
        ? text
        : /\.(pem|key)$/.test(path)
          ? pem
          : /ping/.test(path)
            ? "https://hc-ping.com/x"
            : "x",
    )
  const runCommand = async () => ({ exit: 0, stdout: "x\n", stderr: "" })
  const env = { DRUID_PASSWORD: "x" }
  return refused(loadConfig(CONFIG_PATH, { ...inMemory(text), env, readFile, runCommand }))
}

describe("the pages", () => {
  it("are found, with commands, configurations and SQL in them", () => {
    const blocks = pages.flatMap((page) => page.blocks)
    expect(pages.map((page) => page.path)).toContain("docs/how-to/first-pull.md")
    expect(pages.length).toBeGreaterThan(8)
    expect(blocks.flatMap(({ text }) => callsIn(text)).length).toBeGreaterThan(15)
    expect(blocks.filter(({ language }) => language === "json").length).toBeGreaterThan(3)
  })

  it("call druidsync as its commands are defined: no unknown flag, nothing required left out", async () => {
    const wrong = await faults(async (page) => {
      const whole = page.blocks
        .filter(({ language }) => SHELL.includes(language))
        .flatMap(({ text }) => callsIn(text))
      const quoted = page.spans
        .filter((span) => /^((\S*\/)?druidsync|npm start --) /.test(span))
        .flatMap(callsIn)
      const calls = [
        ...whole.map((call) => [call, true] as const),
        ...quoted.map((call) => [call, false] as const),
      ]
      const found: string[] = []
      for (const [call, isWhole] of calls) {
        const why = await refused(checkCall(call, isWhole))
        if (why !== undefined) found.push(`druidsync ${call.join(" ")}: ${why}`)
      }
      return found
    })
    expect(wrong).toEqual([])
  })

  it("name only flags that some command has", async () => {
    const flags = await allFlags()
    const wrong = await faults((page) =>
      page.spans
        .map((span) => /^(--[a-zA-Z][a-z-]*|-[a-zA-Z]\b)/.exec(span)?.[0])
        .filter((flag): flag is string => flag !== undefined && !flags.has(flag)),
    )
    expect(wrong).toEqual([])
  })

  it("link to files and headings that are there", async () => {
    const wrong = await faults((page) =>
      page.links.filter((link) => {
        if (/^[a-z]+:/.test(link)) return false
        const [file = "", anchor] = link.split("#")
        const target = file === "" ? page.path : normalize(join(dirname(page.path), file))
        if (!existsSync(join(ROOT, target))) return true
        return anchor !== undefined && target.endsWith(".md") && !readPage(target).anchors.includes(anchor)
      }),
    )
    expect(wrong).toEqual([])
  })

  it("name files of the repository that are there", async () => {
    const wrong = await faults((page) =>
      page.spans.filter((span) => {
        if (!/^(src|test|scripts|docs|\.ci)\/[\w./-]*$/.test(span)) return false
        // Made by the user or the build, or a name to be chosen.
        return !/NAME/.test(span) && !existsSync(join(ROOT, span))
      }),
    )
    expect(wrong).toEqual([])
  })

  it("run only npm scripts that are there", async () => {
    const scripts = Object.keys(packageJson.scripts)
    const wrong = await faults((page) => {
      const text = [...page.blocks.map((block) => block.text), ...page.spans].join("\n")
      const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!)
      return named.filter((name) => !scripts.includes(name)).map((name) => `npm run ${name}`)
    })
    expect(wrong).toEqual([])
  })

  it("have configurations that load", async () => {
    const wrong = await faults(async (page) => {
      const found: string[] = []
      for (const { language, text } of page.blocks) {
        if (language !== "json" || !/"host"\s*:/.test(text)) continue
        const why = await refusedConfig(text)
        if (why !== undefined) found.push(why)
      }
      return found
    })
    expect(wrong).toEqual([])
  })

  it("quote keys of the configuration with values that it takes", async () => {
    let quoted = 0
    const wrong = await faults(async (page) => {
      const found: string[] = []
      for (const span of page.spans) {
        if (!/^"[A-Za-z]+": /.test(span)) continue
        quoted++
        const keys = JSON.parse(`{${span.replaceAll("[…]", '["x"]').replaceAll(": …", ': "x"')}}`) as object
        // A key may be one of the whole, or of a datasource. What is hashed needs a salt.
        const usual = { host: "druid.example.org", hashSalt: "x" }
        const why = await refusedConfig(JSON.stringify({ ...usual, datasources: "x", ...keys }))
        const ofOne = await refusedConfig(JSON.stringify({ ...usual, datasources: [{ name: "x", ...keys }] }))
        if (why !== undefined && ofOne !== undefined) found.push(`${span}: ${why}`)
      }
      return found
    })
    expect(wrong).toEqual([])
    expect(quoted).toBeGreaterThan(5)
  })

  it("name no package registry and no folder of this machine", async () => {
    const hosts = ["registry.npmjs", "repo1.maven", "repo.maven", "files.pythonhosted", "pypi.org", ROOT]
    expect(await faults((page) => hosts.filter((host) => page.text.includes(host)))).toEqual([])
  })
})

describe("the sources", () => {
  it("cite only pages of this repository", () => {
    const wrong: string[] = []
    for (const folder of ["src", "scripts", "test"]) {
      for (const path of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
        if (!path.endsWith(".ts")) continue
        const text = readFileSync(join(ROOT, folder, path), "utf8")
        for (const [, page] of text.matchAll(/(?<![\w.-])([A-Z]{3,}\.md)\b/g))
          if (!existsSync(join(ROOT, page!))) wrong.push(`${folder}/${path}: ${page}`)
      }
    }
    expect(wrong).toEqual([])
  })
})

describe("configuration.example.json", () => {
  it("loads as it stands, from its file", async () => {
    const path = join(ROOT, "configuration.example.json")
    const settings = await loadConfig(path, { env: {} })
    expect(settings.datasources.map((one) => one.name)).toContain("wikipedia")
    expect(settings.warnings).toEqual([])
  })
})

describe("the reader of shell lines", () => {
  it("takes commands apart as a shell does", () => {
    const text = `A=1 druidsync pull --out "a b.duckdb" \\\n  --only 'x,y' | jq . && echo "druidsync x" # druidsync z\n17 * * * * /bin/druidsync status`
    expect(commandsIn(text)).toEqual([
      ["A=1", "druidsync", "pull", "--out", "a b.duckdb", "--only", "x,y"],
      ["jq", "."],
      ["echo", "druidsync x"],
      ["17", "*", "*", "*", "*", "/bin/druidsync", "status"],
    ])
    expect(callsIn(text)).toEqual([["pull", "--out", "a b.duckdb", "--only", "x,y"], ["status"]])
  })

  it("sees a wrong flag, a wrong command and a missing file", async () => {
    expect(
      await refused(checkCall(["pull", "--config", "c", "--out", "o", "--concurency", "2"], true)),
    ).toContain("--concurency")
    expect(await refused(checkCall(["pul"], true))).toContain("pul")
    expect(await refused(checkCall(["pull", "--config", "c"], true))).toContain("out")
    expect(await refused(checkCall(["pull", "--full"], false))).toBeUndefined()
  })
})

describe("the architecture page", () => {
  const page = readPage("docs/architecture.md")

  it("has every folder and every file at the top of src in its tree, and nothing else", () => {
    const tree = page.blocks.find(({ text }) => text.startsWith("src/\n"))!.text
    const [, src = ""] = /^src\/\n([\s\S]*?)^test\//m.exec(tree)!
    const named = [...src.matchAll(/^ {2}([\w.]+\/?) /gm)].map(([, name]) => name!)
    const there = readdirSync(join(ROOT, "src")).map((name) =>
      statSync(join(ROOT, "src", name)).isDirectory() ? `${name}/` : name,
    )
    expect(named.sort()).toEqual(there.sort())
    const [, test = ""] = /^test\/[^\n]*\n([\s\S]*?)^scripts\//m.exec(tree)!
    for (const [, name] of test.matchAll(/^ {2}(\w+)\//gm))
      expect(existsSync(join(ROOT, "test", name!))).toBe(true)
  })

  it("names for each of the nine invariants a guard that is there, by its name", () => {
    const rows = page.text.split("\n").filter((line) => /^\| I\d /.test(line))
    expect(rows.map((row) => row.slice(2, 4))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `I${n}`))
    const missing: string[] = []
    for (const row of rows) {
      const guards = row.split("|")[4]!
      const parts = [...guards.matchAll(/`([^`]+)`(?:: ((?:"[^"]+"(?:, )?)+))?/g)]
      expect(parts.length).toBeGreaterThan(0)
      for (const [, file, names = ""] of parts) {
        const source = readFileSync(join(ROOT, file!), "utf8")
        for (const [, name] of names.matchAll(/"([^"]+)"/g)) {
          if (!source.includes(`"${name}"`)) missing.push(`${file}: ${name}`)
        }
      }
    }
    expect(missing).toEqual([])
  })
})
