import { describe, expect, it } from "bun:test"
import * as v from "valibot"
import { markOf } from "../../src/config/leaves.ts"
import {
  columnsEntries,
  configEntries,
  configSchema,
  datasourceEntries,
  tlsEntries,
} from "../../src/config/schema.ts"
import { loadWith } from "./support.ts"

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

  it("tells the truth about defaults that depend on other keys", async () => {
    const druid = async (keys: object) => {
      const { protocol, port } = (await loadWith(keys)).druid
      return `${protocol} ${port}`
    }
    expect(markOf(configEntries.port, "usual")).toBe("8888 with http, 9088 with https")
    expect(markOf(configEntries.protocol, "usual")).toBe("http for a loopback host, else https")
    expect(await druid({})).toBe("https 9088")
    expect(await druid({ protocol: "http" })).toBe("http 8888")
    expect(await druid({ host: "localhost" })).toBe("http 8888")
    expect((await loadWith({})).pull).toMatchObject({ concurrency: 8, startConcurrency: 4 })
  })
})
