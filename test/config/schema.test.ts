import { describe, expect, it } from "bun:test"
import * as v from "valibot"
import {
  columnsEntries,
  configEntries,
  configSchema,
  datasourceEntries,
  tlsEntries,
} from "../../src/config/schema.ts"

describe("the schema", () => {
  it("describes every key", () => {
    const all = { ...configEntries, ...tlsEntries, ...datasourceEntries, ...columnsEntries }
    for (const [key, schema] of Object.entries(all)) {
      const inner = (schema.type === "optional" ? schema.wrapped : schema) as v.GenericSchema
      expect([key, v.getDescription(inner)]).toEqual([key, expect.any(String)])
    }
  })

  it("accepts as a whole what the loader accepts key by key", () => {
    const config = {
      host: "localhost",
      datasources: ["a", { name: "b", columns: { include: ["x"] }, since: "2024-01-01" }],
      tls: { ca: "x" },
      token: { command: ["pass"] },
    }
    expect(v.safeParse(configSchema, config).success).toBe(true)
    expect(v.safeParse(configSchema, { ...config, hosst: 1 }).success).toBe(false)
  })
})
