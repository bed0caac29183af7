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
    for (const flag of Object.values(configFlags)) {
      expect(flag.description).not.toBe("")
      if (flag.type === "string") expect(flag.valueHint).toMatch(/^[A-Z]+$/)
    }
  })

  it("give the value to the key; a path starts in the current directory", async () => {
    const overrides = overridesOf({ "memory-limit": "300MB", "spool-dir": "spool", "max-duration": "50m" })
    const { pull, job } = await loadWith({ spoolDir: "elsewhere", concurrency: 3 }, { overrides })
    expect([pull.memoryLimitBytes, pull.spoolDir, pull.concurrency]).toEqual([300e6, resolve("spool"), 3])
    expect(job.maxDurationMs).toBe(3_000_000)
  })

  it("make the key true where they have no value; left out, they leave the file's word", async () => {
    expect((await loadWith({}, { overrides: overridesOf({ direct: true }) })).druid.direct).toBe(true)
    expect((await loadWith({ direct: true }, { overrides: overridesOf({}) })).druid.direct).toBe(true)
    expect((await loadWith({}, { overrides: overridesOf({}) })).druid.direct).toBe(false)
  })
})
