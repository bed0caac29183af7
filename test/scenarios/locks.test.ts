/** Two at once, and files that another program holds: exit 11 naming program and PID, or a wait that ends well. */
import { describe, expect, it } from "bun:test"
import { spawn } from "node:child_process"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { COLUMNS, daysOf } from "../support/conformance/rows-of.ts"
import { bunSource, root } from "../support/conformance/runner.ts"
import { waitFor } from "../support/fake-druid/fake-druid.ts"
import { useFake } from "./support.ts"

const here = useFake()

async function load(): Promise<void> {
  await here.stage.world.create("a", daysOf(["2024-01-01", "2024-01-02"], 10), { columns: COLUMNS })
  here.stage.config(["a"])
}

/** A program of its own that holds the file until it is told to let go. */
async function holder(path: string, mode: "READ_ONLY" | "READ_WRITE") {
  const script = `
    import { DuckDBInstance } from ${JSON.stringify(join(root, "node_modules/@duckdb/node-api"))}
    const instance = await DuckDBInstance.create(process.argv[1], { access_mode: ${JSON.stringify(mode)} })
    const connection = await instance.connect()
    await connection.run("SELECT 1")
    console.log("held")
    for await (const line of console) {
      if (line === "") break
      const rows = await connection.runAndReadAll(\`SELECT count(*)::INTEGER FROM "\${line}"\`)
      console.log("counted " + rows.getRows()[0][0])
    }
    connection.closeSync()
    instance.closeSync()
    console.log("free")`
  const child = spawn(process.execPath, ["-e", script, path], { stdio: ["pipe", "pipe", "inherit"] })
  const said = (word: string) =>
    new Promise<void>((done, failed) => {
      child.stdout.on("data", (text: Buffer) => text.toString().includes(word) && done())
      child.once("close", () => failed(new Error(`the holder ended before it said ${word}`)))
    })
  await said("held")
  return {
    pid: child.pid!,
    async count(table: string): Promise<number> {
      const said = new Promise<string>((done) =>
        child.stdout.once("data", (text: Buffer) => done(text.toString())),
      )
      child.stdin.write(`${table}\n`)
      return Number(/counted (\d+)/.exec(await said)![1])
    },
    async letGo() {
      const free = said("free")
      child.stdin.end("\n")
      await free
    },
  }
}

describe("two pulls on one file", () => {
  it("the second names the run that holds the lock, exits with 11, and asks Druid for no more than its columns", async () => {
    await load()
    const arrived = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    here.fake.hooks.beforeRequest = (kind) => {
      if (kind !== "scan") return undefined
      arrived.resolve()
      return waitFor(goOn.promise)
    }
    const first = bunSource().start(here.stage.args("--json"))
    await arrived.promise
    const requests = here.fake.log.entries.length
    const second = await bunSource().run(here.stage.args("--lock-wait", "0s"))
    expect(second.exitCode).toBe(11)
    expect(second.stderr).toContain("another druidsync works on")
    expect(second.stderr).toContain(`(PID ${first.pid})`)
    expect(here.fake.log.entries.slice(requests).map((entry) => entry.kind)).toEqual(["columns"])
    goOn.resolve()
    expect((await first.result).exitCode).toBe(0)
    await here.stage.expectEqual("a")
    expect(readdirSync(here.stage.folder).sort()).toEqual(["config.json", "copy.duckdb"])
  })

  it("the second waits with --lock-wait, and both are complete", async () => {
    await load()
    const arrived = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    here.fake.hooks.beforeRequest = (kind) => {
      if (kind !== "scan") return undefined
      arrived.resolve()
      return waitFor(goOn.promise)
    }
    const first = bunSource().start(here.stage.args("--json"))
    await arrived.promise
    const second = bunSource().start(here.stage.args("--lock-wait", "30s"))
    while (!second.stderr().includes("waiting for")) await new Promise((done) => setTimeout(done, 20))
    expect(second.stderr()).toContain(`(PID ${first.pid})`)
    goOn.resolve()
    expect((await first.result).exitCode).toBe(0)
    expect((await second.result).exitCode).toBe(0)
    await here.stage.expectEqual("a")
    // The one fetched all of it, the other nothing.
    expect(here.fake.log.rowsFetched).toBe(20)
    // What the second was told before it waited was too old to be believed: it asked once more.
    expect(here.fake.log.count("columns")).toBe(3)
  })

  it("on two files do not disturb each other", async () => {
    await load()
    const other = here.anotherStage()
    other.config(["a"])
    const results = await Promise.all([here.stage.pull(), other.pull()])
    expect(results.map((one) => one.exitCode)).toEqual([0, 0])
    await here.stage.expectEqual("a")
    await other.expectEqual("a")
  })
})

describe("a file that another program holds", () => {
  it("for writing: exit 11, its name and PID, nothing changed", async () => {
    await load()
    await here.stage.pullExactly()
    await here.stage.world.append("a", daysOf(["2024-01-03"], 5))
    const other = await holder(here.stage.out, "READ_WRITE")
    try {
      const { exitCode, stderr } = await here.stage.runner.run(here.stage.args("--lock-wait", "2s"))
      expect(stderr).toContain(`(PID ${other.pid})`)
      expect(stderr).toMatch(/is locked by bun/)
      expect(stderr).toContain("--lock-wait")
      expect(exitCode).toBe(11)
    } finally {
      await other.letGo()
    }
    await here.stage.pullExactly()
  })

  it("for reading: is waited for, by name and PID, and then replaced; the reader goes on with the old file", async () => {
    await load()
    await here.stage.pullExactly()
    await here.stage.world.append("a", daysOf(["2024-01-03"], 5))
    const other = await holder(here.stage.out, "READ_ONLY")
    try {
      const { exitCode, stderr } = await here.stage.runner.run(here.stage.args("--lock-wait", "1s"))
      expect(stderr).toContain(`waiting for bun`)
      expect(stderr).toContain(`(PID ${other.pid})`)
      expect(exitCode).toBe(0)
      await here.stage.expectEqual("a")
      expect(await other.count("a")).toBe(20)
    } finally {
      await other.letGo()
    }
    expect((await here.stage.pullExactly()).rows).toBe(0)
    expect(readdirSync(here.stage.folder).sort()).toEqual(["config.json", "copy.duckdb"])
  })

  it("is waited for, and the pull completes when it is released", async () => {
    await load()
    await here.stage.pullExactly()
    await here.stage.world.append("a", daysOf(["2024-01-03"], 5))
    const other = await holder(here.stage.out, "READ_WRITE")
    const running = bunSource().start(here.stage.args("--lock-wait", "60s"))
    while (!running.stderr().includes("waiting for")) await new Promise((done) => setTimeout(done, 20))
    expect(running.stderr()).toContain(`(PID ${other.pid})`)
    await other.letGo()
    expect((await running.result).exitCode).toBe(0)
    await here.stage.expectEqual("a")
  })

  it("can be read by others between the commits of a pull", async () => {
    await load()
    await here.stage.pull("--until", "2024-01-02")
    const arrived = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    here.fake.hooks.beforeRequest = (kind) => {
      if (kind !== "scan") return undefined
      arrived.resolve()
      return waitFor(goOn.promise)
    }
    const running = bunSource().start(here.stage.args())
    await arrived.promise
    const reader = await holder(here.stage.out, "READ_ONLY")
    await reader.letGo()
    goOn.resolve()
    expect((await running.result).exitCode).toBe(0)
  })
})
