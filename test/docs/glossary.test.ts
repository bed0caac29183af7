/** The glossary has the words that the program says, and each state of a checkpoint and of a run. */
import { describe, expect, it } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { allPages, ROOT, readPage, tableRows } from "./pages.ts"

const terms = tableRows(readPage("docs/glossary.md").text).map(([cell = ""]) => cell.replaceAll("*", ""))
const domain = readFileSync(join(ROOT, "src/base/domain.ts"), "utf8")
const said = ["src/kit", "src/commands"]
  .flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" }).map((name) =>
      join(ROOT, room, name),
    ),
  )
  .filter((path) => path.endsWith(".ts"))
  .map((path) => readFileSync(path, "utf8"))
  .join("\n")

describe("the glossary", () => {
  it("has each state of a checkpoint", () => {
    const [, union = ""] = /export type PartState =([\s\S]*?)\n\n/.exec(domain)!
    const states = [...union.matchAll(/^ {2}\| "(\w+)"/gm)].map(([, state]) => state!)
    expect(states.length).toBeGreaterThan(4)
    expect(states.filter((state) => !terms.includes(state))).toEqual([])
  })

  it("has the words for pieces of time and of work, each once", () => {
    for (const word of ["chunk", "stretch", "slice", "checkpoint", "incomplete", "cold", "shard"])
      expect(terms.filter((term) => term === word)).toEqual([word])
  })

  it("explains words that are said: each state stands in what the program prints", () => {
    for (const word of ["provisional", "unproven", "stale", "kept", "stretch", "chunk", "slice"])
      expect(said).toMatch(new RegExp(`["\`][^"\`\\n]*\\b${word}`))
  })

  it("is linked from the pages that use its words", () => {
    const linking = allPages().filter(({ links }) => links.some((link) => link.endsWith("glossary.md")))
    const paths = linking.map(({ path }) => path)
    expect(paths).toEqual(
      expect.arrayContaining(["README.md", "docs/verify.md", "docs/how-to/troubleshooting.md"]),
    )
  })
})
