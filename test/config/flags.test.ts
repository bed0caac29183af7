import { describe, expect, it } from "bun:test"
import { resolve } from "node:path"
import { configFlags, overridesOf } from "../../src/config/flags.ts"
import { loadWith } from "./support.ts"

describe("flags that stand for keys", () => {
  it("are named like the key, and say what it means", () => {
    const names: string[] = Object.keys(configFlags)
    for (const name of [
      "concurrency",
      "spool-dir",
      "memory-limit",
      "publish",
      "metrics",
      "ping",
      "max-duration",
    ])
      expect(names).toContain(name)
    expect(names).not.toContain("port")
    for (const { description, valueHint } of Object.values(configFlags)) {
      expect(description).not.toBe("")
      expect(valueHint).toMatch(/^[A-Z]+$/)
    }
  })

  it("give the value to the key; a path starts in the current directory", async () => {
    const overrides = overridesOf({ "memory-limit": "300MB", "spool-dir": "spool", "max-duration": "50m" })
    const { pull, job } = await loadWith({ spoolDir: "elsewhere", concurrency: 3 }, { overrides })
    expect([pull.memoryLimitBytes, pull.spoolDir, pull.concurrency]).toEqual([300e6, resolve("spool"), 3])
    expect(job.maxDurationMs).toBe(3_000_000)
  })
})
