/** "Troubleshooting by message": each message that the page explains is one that the sources can say. */
import { describe, expect, it } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { codesIn, ROOT, readPage, tableRows } from "./pages.ts"

const page = readPage("docs/how-to/troubleshooting.md")
const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => readFileSync(join(ROOT, "src", path), "utf8"))
  .join("\n")

const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/**
 * True where a text in the sources is this message, with `${…}` for each `…` of the page: not merely part of one, but for
 * an `…` at the end, which stands for all that follows.
 */
function isSaid(message: string): boolean {
  const open = message.endsWith("…") && !/[ :]…$/.test(message)
  const text = open ? message.slice(0, -1) : message
  // A hole holds an expression, with calls and texts of its own, but no further text of the message.
  const pattern = text.split("…").map(quoted).join("\\$\\{(?:[^{}`]|\\{[^{}]*\\}|`[^`]*`)*\\}")
  return new RegExp(`(?:["'\`]|druidsync: )${pattern}(?:["'\`]${open ? "|\\$\\{" : "|\\\\n"})`).test(sources)
}

const messages = tableRows(page.text).flatMap(([cell = ""]) => codesIn(cell))

describe("troubleshooting", () => {
  it("explains many messages", () => {
    expect(messages.length).toBeGreaterThan(50)
  })

  it("explains only messages that the program has, to the letter", () => {
    expect(messages.filter((message) => !isSaid(message))).toEqual([])
  })

  it("would see a message that has changed", () => {
    expect(isSaid("Druid forbids it")).toBe(true)
    expect(isSaid("Druid forbids")).toBe(false)
    expect(isSaid("Druid forbade it")).toBe(false)
    expect(isSaid("host … was not there")).toBe(false)
  })

  it("has a place for every code of an error, and for no other", () => {
    const [, union = ""] = /type ErrorCode =([\s\S]*?)\n\n/.exec(sources)!
    const codes = [...union.matchAll(/"([a-z-]+)"/g)].map(([, code]) => code!)
    const headings = [...page.text.matchAll(/^### `([a-z-]+)`$/gm)].map(([, code]) => code!)
    expect(headings.sort()).toEqual(codes.sort())
  })
})
