/** The tables of the README and of docs/file.md are the program's: exit codes, the file's tables, dependencies. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { ExitCode } from "../../src/base/errors.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import { ensureTables, OWN_TABLES } from "../../src/store/notes/tables.ts"
import { allPages, codesIn, ROOT, readPage, tableBelow } from "./pages.ts"
import { callsIn } from "./shell.ts"

const readme = readPage("README.md")
const filePage = readPage("docs/file.md")

describe("the table of exit codes", () => {
  it("is the one of --help", async () => {
    const { EXIT_CODES } = await import("../../src/base/errors.ts")
    expect(EXIT_CODES.map(([code]) => code)).toEqual(Object.values(ExitCode))
  })
})

describe("the file's tables", () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
    await engine.run("ATTACH ':memory:' AS file")
    await ensureTables(engine)
    await engine.run("USE file")
    // As a pull makes them of Druid's columns.
    await engine.run(
      `CREATE TABLE wikipedia (__time TIMESTAMP, channel VARCHAR, page VARCHAR, "user" VARCHAR, added BIGINT)`,
    )
    await engine.run("CREATE TABLE lookup_channels (k VARCHAR, v VARCHAR)")
    await engine.run("CREATE TABLE events (__time TIMESTAMP, tags VARCHAR[])")
  })
  afterAll(() => engine.close())

  it("are all named, with columns that they have", async () => {
    const rows = tableBelow(filePage, "## Tables")
    const own = rows.filter(([name = ""]) => name.startsWith("`_"))
    expect(own.map(([name = ""]) => codesIn(name)[0]!).sort()).toEqual([...OWN_TABLES].sort())
    for (const [name = "", columns = ""] of own) {
      const real = await engine.rows(`SELECT column_name FROM (DESCRIBE ${codesIn(name)[0]})`)
      const named = codesIn(columns).filter((word) => word !== "__time")
      expect(named.length).toBeGreaterThanOrEqual(Math.min(5, real.length))
      expect(named.filter((column) => !real.flat().includes(column))).toEqual([])
    }
  })

  it("know the states that the page explains", () => {
    const domain = readFileSync(join(ROOT, "src/base/domain.ts"), "utf8")
    const [, union = ""] = /export type PartState =([\s\S]*?)\n\n/.exec(domain)!
    const states = [...union.matchAll(/^ {2}\| "(\w+)"/gm)].map(([, state]) => state!)
    const [, prose = ""] = /States of a checkpoint: ([\s\S]*?)\n\n/.exec(filePage.text)!
    expect([...codesIn(prose)].sort()).toEqual(states.sort())
  })

  it("answer every question of the pages", async () => {
    const pages = allPages()
    const blocks = pages.flatMap(({ blocks }) => blocks.filter(({ language }) => language === "sql"))
    const calls = pages.flatMap((page) =>
      [...page.blocks.map(({ text }) => text), ...page.spans].flatMap(callsIn),
    )
    const asked = calls.filter(([name]) => name === "query").flatMap((call) => call.slice(1).filter(isSql))
    const statements = [...blocks.flatMap(({ text }) => text.split(/;\s*$/m)), ...asked]
      .map((sql) => sql.replace(/^--.*$/gm, "").trim())
      .filter((sql) => sql !== "")
    expect(statements.length).toBeGreaterThan(5)
    for (const sql of statements) {
      await engine.rows(sql).catch((error) => {
        throw new Error(`${sql}: ${error.message}`)
      })
    }
  })
})

const isSql = (word: string) => /^(select|from|with) /i.test(word)

describe("the dependencies", () => {
  it("are each named with what they are for", () => {
    const [, section = ""] = readme.text.split("## What it is made of")
    const all = Object.keys({ ...packageJson.dependencies, ...packageJson.devDependencies })
    expect(all.filter((name) => !section.includes(`\`${name}\``))).toEqual([])
  })
})

describe("the changelog", () => {
  it("has the version of package.json at its top, and the licence is the one that it names", () => {
    const changelog = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")
    expect(/^## (\S+)/m.exec(changelog)![1]).toBe(packageJson.version)
    expect(packageJson.license).toBe("Apache-2.0")
    expect(readFileSync(join(ROOT, "LICENSE"), "utf8")).toContain(
      "Apache License\n                           Version 2.0",
    )
  })
})
