/** docs/json.md against the program: every key that the documents have, its type, and the examples. */
import { beforeAll, describe, expect, it } from "bun:test"
import { type Documents, type Json, pathsOf, printedDocuments } from "./documents.ts"
import { codesIn, readPage, tableBelow } from "./pages.ts"

const page = readPage("docs/json.md")
let printed: Documents
beforeAll(async () => {
  printed = await printedDocuments()
}, 60_000)

interface Documented {
  readonly kinds: readonly string[]
  readonly isOptional: boolean
}

const headingOf = (name: string) => (name.includes(" ") ? `## ${name}` : `## \`${name}\``)

function documented(name: string): ReadonlyMap<string, Documented> {
  const rows = tableBelow(page, headingOf(name))
  return new Map(
    rows.map(([key = "", type = ""]) => {
      const [kinds = "", optional] = type.split(", ")
      // "true or false" is one kind.
      const words = kinds.replace("true or false", "true/false").split(" or ")
      return [
        codesIn(key)[0]!,
        {
          kinds: words.map((word) => word.replace("true/false", "true or false")),
          isOptional: optional === "optional",
        },
      ]
    }),
  )
}

/** An empty list may be one of anything. */
const allows = ({ kinds }: Documented, kind: string) =>
  kinds.includes(kind) || (kind === "list" && kinds.some((one) => one.startsWith("list")))

const NAMES = [
  "plan",
  "pull",
  "status",
  "verify",
  "schema",
  "datasources",
  "check",
  "a command that fails",
] as const

describe("the page about --json", () => {
  it("has a section for each of the documents", () => {
    expect(Object.keys(printed).sort()).toEqual([...NAMES].sort())
  })

  for (const name of NAMES) {
    it(`has each key of ${name}, and no other`, () => {
      const real = [...pathsOf(printed[name]!).keys()]
      const told = [...documented(name).keys()]
      expect(told.filter((path) => !real.includes(path))).toEqual([])
      expect(real.filter((path) => !told.includes(path))).toEqual([])
    })

    it(`tells the types of ${name}, and which keys may be missing`, () => {
      const told = documented(name)
      const wrong: string[] = []
      for (const [path, { kinds, isOptional }] of pathsOf(printed[name]!)) {
        const row = told.get(path)!
        for (const kind of kinds)
          if (!allows(row, kind)) wrong.push(`${path} is ${kind}, not ${row.kinds.join(" or ")}`)
        // A hint is left out where there is nothing to do, which few errors are without.
        const mayDiffer = path.endsWith("hint") && row.isOptional
        if (row.isOptional !== isOptional && !mayDiffer) wrong.push(`${path}: optional is ${isOptional}`)
      }
      expect(wrong).toEqual([])
    })

    it(`shows ${name} as it is printed`, () => {
      const section = page.text.split(`${headingOf(name)}\n`)[1]!
      const [, example = ""] = /```json\n([\s\S]*?)```/.exec(section)!
      const keys = (document: Json) => [...pathsOf([document]).keys()]
      expect(keys(JSON.parse(example) as Json)).toEqual(keys(printed[name]![0]!))
    })
  }
})
