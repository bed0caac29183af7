/** "From the field": each case names tests that exist, or says that it is not tested. */
import { describe, expect, it } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { ROOT, readPage, tableBelow } from "./pages.ts"

const page = readPage("docs/field.md")
const cases = tableBelow(page, "## The cases")
const rows = [...cases, ...tableBelow(page, "## Found by reading")]

const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** The tests of a cell: `` `test/x.test.ts` "title", "title"; `test/y.test.ts` "title" ``. */
function testsIn(cell: string): { readonly file: string; readonly title: string }[] {
  return [...cell.matchAll(/`(test\/[^`]+)`((?:,? "[^"]+")*)/g)].flatMap(([, file, titles]) => {
    const found = [...titles!.matchAll(/"([^"]+)"/g)].map(([, title]) => ({ file: file!, title: title! }))
    return found.length > 0 ? found : [{ file: file!, title: "" }]
  })
}

/** True where a file has a test with this title; `…` stands for what is filled in when it runs. */
function isTest({ file, title }: { readonly file: string; readonly title: string }): boolean {
  if (title === "" || !existsSync(join(ROOT, file))) return false
  const pattern = title.split("…").map(quoted).join("(?:\\$\\{[^}]*\\}|%s)")
  return new RegExp(`(["\`])${pattern}\\1,`).test(readFileSync(join(ROOT, file), "utf8"))
}

describe("the cases from the field", () => {
  it("are all there", () => {
    expect(cases.map(([number]) => number)).toEqual(
      ["1a 1b 4 5 6a 6b 6c 6d 7 8 10 12 14 18 22 31 33".split(" "), "Node 20"].flat(),
    )
  })

  it("each name tests, or say that there is none", () => {
    const without = rows.filter((row) => testsIn(row.at(-1)!).length === 0)
    expect(without.filter((row) => !row.at(-1)!.startsWith("not tested"))).toEqual([])
  })

  it("name tests that exist", () => {
    const named = rows.flatMap((row) => testsIn(row.at(-1)!))
    expect(named.length).toBeGreaterThan(30)
    expect(named.filter((one) => !isTest(one))).toEqual([])
  })

  it("would see a test that is gone", () => {
    const file = "test/docs/field.test.ts"
    expect(isTest({ file, title: "name tests that exist" })).toBe(true)
    expect(isTest({ file, title: "name tests that" })).toBe(false)
    expect(isTest({ file: "test/docs/nowhere.test.ts", title: "name tests that exist" })).toBe(false)
  })
})
