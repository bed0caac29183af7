/** The documents that the program prints are those that their schemas describe: every key, and no other. */
import { beforeAll, describe, expect, it } from "bun:test"
import * as v from "valibot"
import { DOCUMENTS, type DocumentPage } from "../../scripts/docs/documents.ts"
import { exampleOf } from "../../scripts/docs/json-page.ts"
import { keysOf } from "../../scripts/docs/keys.ts"
import { logLine } from "../../src/kit/log/document.ts"
import { Desk } from "../commands/support.ts"
import { executable } from "../support/conformance/runner.ts"
import { startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { type Documents, type Json, printedBy, printedDocuments } from "./documents.ts"

let printed: Documents
beforeAll(async () => {
  printed = await printedDocuments()
}, 60_000)

/** Every path of the documents. Keys of a record are the user's columns. */
function pathsIn(documents: readonly Json[], { schema }: DocumentPage): ReadonlySet<string> {
  const known = new Map(keysOf(schema, true).map((key) => [key.path, key]))
  const isRecord = (path: string) =>
    known.get(path)?.type === "object" && ![...known.keys()].some((other) => other.startsWith(`${path}.`))
  const paths = new Set<string>()
  const walk = (value: Json, path: string): void => {
    if (path !== "" && !path.endsWith("[]")) paths.add(path)
    if (typeof value !== "object" || value === null || isRecord(path)) return
    if (Array.isArray(value)) for (const one of value as readonly Json[]) walk(one, `${path}[]`)
    else
      for (const [key, inner] of Object.entries(value))
        walk(inner as Json, path === "" ? key : `${path}.${key}`)
  }
  for (const document of documents) walk(document, "")
  return paths
}

describe("the documents of --json", () => {
  it("are all printed by the test", () => {
    expect(Object.keys(printed).sort()).toEqual(DOCUMENTS.map(({ name }) => name).sort())
  })

  for (const page of DOCUMENTS) {
    const { name, schema } = page

    it(`are as the schema of ${name} says, with no key more`, () => {
      for (const document of printed[name]!) expect<unknown>(v.parse(schema, document)).toEqual(document)
    })

    it(`have each key of ${name} that is described`, () => {
      const seen = pathsIn(printed[name]!, page)
      const told = keysOf(schema, true).map(({ path }) => path)
      expect(told.filter((path) => !seen.has(path))).toEqual([])
    })

    it(`are shown as they are printed: ${name}`, () => {
      const example = JSON.parse(exampleOf(page)) as Json
      expect<unknown>(v.parse(schema, example)).toEqual(example)
      expect([...pathsIn([example], page)]).toEqual([...pathsIn([printed[name]![0]!], page)])
    })
  }
})

describe("the lines of --log-format json", () => {
  it("are as their schema says, of a pull and of a verification", async () => {
    const fake = await startFakeDruid()
    const desk = await Desk.open()
    try {
      fake.world.append("w", [{ __time: "2016-06-27T01:00", page: "Main" }])
      fake.world.settle()
      await desk.configure(fake, ["w", "none"])
      const log = "--log-format json --verbose"
      const lines = [
        `pull -c $c -o $out --publish ${desk.path("shown.duckdb")} ${log}`,
        `verify -c $c -o $out ${log}`,
        `pull -c ${desk.path("none.json")} -o $out ${log}`,
      ]
      const events = new Set<string>()
      for (const line of lines) {
        const { stderr } = await desk.run(line)
        for (const text of stderr.split("\n").filter((one) => one.startsWith("{"))) {
          const record = JSON.parse(text)
          expect<unknown>(v.parse(logLine, record)).toEqual(record)
          events.add(record.event)
        }
      }
      expect(events.size).toBeGreaterThan(7)
    } finally {
      await desk.close()
      await fake.stop()
    }
  }, 60_000)
})

describe("the built program", () => {
  it("prints documents as their schemas say", async () => {
    const built = await printedBy(executable())
    expect(Object.keys(built).sort()).toEqual(DOCUMENTS.map(({ name }) => name).sort())
    for (const { name, schema } of DOCUMENTS) {
      for (const document of built[name]!) expect<unknown>(v.parse(schema, document)).toEqual(document)
    }
  }, 60_000)
})
