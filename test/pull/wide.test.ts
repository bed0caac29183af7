/** A table of many columns gets the memory that DuckDB needs for it, unless the configuration names a limit. */
import { describe, expect, it } from "bun:test"
import { pull } from "../../src/pull/run.ts"
import { openEngine } from "../../src/store/engine.ts"
import { makeRoom } from "../../src/store/rows/wide.ts"
import { onFake } from "../support/on-fake.ts"
import { pullSettings } from "../support/pull-settings.ts"
import { Bench, datasource, dayRows } from "./support.ts"

const LIMITS = "SELECT current_setting('memory_limit'), current_setting('threads')::INTEGER"

describe("an engine", () => {
  it("is given more for a table of many columns, and keeps it", async () => {
    const engine = await openEngine({ memoryLimit: "400MB", threads: 2 })
    await makeRoom(engine, 266)
    expect(await engine.rows(LIMITS)).toEqual([["381.4 MiB", 2]])
    await makeRoom(engine, 1_000)
    expect(await engine.rows(LIMITS)).toEqual([["1.3 GiB", 1]])
    await makeRoom(engine, 500)
    expect(await engine.rows(LIMITS)).toEqual([["1.3 GiB", 1]])
    engine.close()
  })
})

describe("a pull of a table of 500 columns", () => {
  let bench: Bench
  onFake(Bench, (fake, own) => {
    bench = own
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`c${n}`, BigInt(n)]))
    fake.world.append(
      "w",
      dayRows("2020-01-01", 3).map((row) => ({ ...row, ...wide })),
    )
    fake.world.settle()
  })

  const limitsAfter = (memoryLimitBytes: number | undefined) =>
    bench.with(["w"], async (ports) => {
      const report = await pull(ports, {
        ...{ runId: "run", datasources: [datasource("w")], full: false, settleWaitMs: 0 },
        ...{ sinceMs: undefined, untilMs: undefined, pull: pullSettings(1, { memoryLimitBytes }) },
      })
      expect(report.exitCode).toBe(0)
      return ports.engine.rows(LIMITS)
    })

  it("gives DuckDB 1.5 MB a column", async () => {
    const [row] = await limitsAfter(undefined)
    expect(row![0]).toMatch(/^7[12]\d\.\d MiB$/)
  })

  it("leaves a limit that the user named as it is", async () => {
    // The engine of these tests has it already.
    expect(await limitsAfter(500_000_000)).toEqual([["476.8 MiB", 1]])
  })
})
