import { describe, expect, it } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { configSchemaText, isConfigSchema } from "../../src/config/json-schema.ts"
import { configEntries, datasourceEntries, tlsEntries } from "../../src/config/schema.ts"

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly anyOf?: readonly Node[]
  readonly items?: Node
  readonly description?: string
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
  readonly type?: string
  readonly default?: unknown
}

const schema = JSON.parse(configSchemaText()) as Node
const datasource = schema.properties!.datasources!.anyOf![1]!.items!.anyOf![1]!

describe("the JSON Schema of the configuration", () => {
  it("has every key, with words about it, and no other", () => {
    for (const [node, entries] of [
      [schema, configEntries],
      [datasource, datasourceEntries],
      [schema.properties!.tls!, tlsEntries],
    ] as const) {
      expect(Object.keys(node.properties!).sort()).toEqual(Object.keys(entries).sort())
      for (const [key, property] of Object.entries(node.properties!)) {
        expect(`${key}: ${property.description ?? "nothing"}`).not.toEndWith(": nothing")
      }
      expect(node.additionalProperties).toBe(false)
    }
  })

  it("needs what the program needs, and has its defaults", () => {
    expect(schema.required).toEqual(["host", "datasources"])
    expect(datasource.required).toEqual(["name"])
    expect(schema.properties!.sliceRows!.default).toBe(125_000)
    expect(schema.properties!.deletions!.default).toBe("keep")
  })

  it("takes a port as a number and in digits", () => {
    expect(schema.properties!.port!.anyOf).toEqual([
      { type: "integer", minimum: 1, maximum: 65_535 } as Node,
      { type: "string" },
    ])
  })

  it("has every key of the example", () => {
    const example = JSON.parse(
      readFileSync(join(import.meta.dirname, "../../configuration.example.json"), "utf8"),
    ) as object
    for (const key of Object.keys(example)) expect(Object.keys(schema.properties!)).toContain(key)
  })

  it("is known again", () => {
    expect(isConfigSchema(configSchemaText())).toBe(true)
    expect(isConfigSchema('{"title": "another"}')).toBe(false)
  })
})
