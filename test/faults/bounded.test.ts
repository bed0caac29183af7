/** What a pull takes of this machine is bounded by settings, not by rows (invariant I9). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { loadConfig } from "../../src/config/load.ts"
import type { SyncEvent } from "../../src/pull/events.ts"
import { Desk, fill, filled, fingerprint } from "../crash/support.ts"
import { bunSource } from "../support/conformance/runner.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { startFaultProxy } from "../support/fault-proxy/index.ts"
import { runPull } from "./run.ts"

let fake: FakeDruid
let desk: Desk
let out: string

beforeAll(async () => {
  fake = await startFakeDruid()
})
afterAll(() => fake.stop())
beforeEach(() => {
  fake.reset()
  desk = new Desk()
  out = desk.path("copy.duckdb")
})
afterEach(() => desk.close())

/** A pull in this process, watched at each event. */
async function pull(
  more: Readonly<Record<string, unknown>>,
  watch: (event: SyncEvent) => void,
  port = fake.port,
) {
  desk.config(port, ["w"], more)
  const settings = await loadConfig(desk.configPath, { env: {}, overrides: {} })
  return runPull(settings, out, ["w"], { emit: watch })
}

/** Bytes of responses on the spool now. */
function spooled(): number {
  const folder = `${out}.druidsync`
  let bytes = 0
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    // A response may be removed while we look.
    if (name.endsWith(".jsonl")) bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}

describe("bounded", () => {
  it("memory: a million rows stay below the limit for DuckDB and a fixed amount", async () => {
    const peaks: number[] = []
    for (const days of [5, 20]) {
      fake.reset()
      fill(fake, "w", days, 50_000)
      desk.config(fake.port, ["w"], { memoryLimit: "200MB" })
      const running = bunSource().start(desk.args(out, "--full"))
      const watched = { over: false }
      const watching = peakOf(running.pid, watched)
      const { exitCode, stderr } = await running.result
      watched.over = true
      expect([exitCode, stderr]).toEqual([0, expect.any(String)])
      expect(await fingerprint(out, "w")).toBe(filled(days, 50_000))
      peaks.push(await watching)
    }
    const [small = 0, big = 0] = peaks.map((kb) => Math.round(kb / 1024))
    console.error(`peak RSS: ${small} MB for 250,000 rows, ${big} MB for 1,000,000`)
    // DuckDB's own limit, and what the runtime and two responses take.
    expect(big).toBeLessThan(450)
  }, 400_000)

  it("spool: the bytes on disk stay within the limit, though one slice alone would be more", async () => {
    fill(fake, "w", 4, 60_000)
    let most = 0
    const { exitCode, message } = await pull(
      { sliceRows: 60_000, spoolLimit: "1MB", concurrency: 4 },
      (event) => {
        if (event.type === "received" || event.type === "fetched") most = Math.max(most, spooled())
      },
    )
    expect([exitCode, message]).toEqual([0, ""])
    expect(await fingerprint(out, "w")).toBe(filled(4, 60_000))
    expect(most).toBeGreaterThan(100_000)
    expect(most).toBeLessThanOrEqual(1_000_000)
  }, 120_000)

  it("a slow disk slows the download, it does not fill memory", async () => {
    fill(fake, "w", 1, 700_000)
    const handle = await open(desk.path("probe"), "w")
    const prototype = Object.getPrototypeOf(handle) as { write: (...args: unknown[]) => Promise<unknown> }
    await handle.close()
    const quick = prototype.write
    let written = 0
    let mostAhead = 0
    let writes = 0
    prototype.write = async function (this: unknown, ...args: unknown[]) {
      await delay(100)
      const result = (await quick.apply(this, args)) as { bytesWritten: number }
      written += result.bytesWritten
      writes++
      const sent = fake.log.of("scan").reduce((sum, entry) => sum + entry.bytesSent, 0)
      mostAhead = Math.max(mostAhead, sent - written)
      return result
    }
    try {
      const { exitCode, message } = await pull({ sliceRows: 10_000_000, concurrency: 1 }, () => undefined)
      expect([exitCode, message]).toEqual([0, ""])
    } finally {
      prototype.write = quick
    }
    expect(written).toBeGreaterThan(20_000_000)
    expect(writes).toBeGreaterThan(15)
    // The kernel's own buffers on both ends, and two megabytes of ours.
    expect(mostAhead).toBeLessThan(16_000_000)
    expect(await fingerprint(out, "w")).toBe(filled(1, 700_000))
  }, 120_000)

  it("requests under way: no more than the concurrency, and one look", async () => {
    fill(fake, "w", 8, 2_000)
    const proxy = await startFaultProxy(fake.url)
    try {
      for (const concurrency of [1, 3]) {
        proxy.arm()
        const { exitCode } = await pull({ sliceRows: 500, concurrency }, () => undefined, proxy.port)
        expect(exitCode).toBe(0)
        expect(proxy.count("scan")).toBeGreaterThan(concurrency)
        expect(proxy.mostInFlight).toBeLessThanOrEqual(concurrency + 1)
        fill(fake, "w", 8, 2_000, concurrency)
        fake.world.deleteDatasource("w")
        fill(fake, "w", 8, 2_000, concurrency)
      }
    } finally {
      await proxy.stop()
    }
  }, 120_000)

  it("open files: as many after a run as before it, and few in between", async () => {
    fill(fake, "w", 10, 2_000)
    const openFiles = () => readdirSync("/proc/self/fd").length
    await pull({ sliceRows: 500, concurrency: 4 }, () => undefined)
    const before = openFiles()
    let most = 0
    fake.world.deleteDatasource("w")
    fill(fake, "w", 10, 2_000, 3)
    const { exitCode } = await pull({ sliceRows: 500, concurrency: 4 }, () => {
      most = Math.max(most, openFiles())
    })
    expect(exitCode).toBe(0)
    // Both ends of each connection are in this process.
    expect(most - before).toBeLessThan(40)
    expect(openFiles() - before).toBeLessThan(10)
  }, 120_000)
})

/** Highest resident memory of a process so far, in kB, as the kernel keeps it. */
async function peakOf(pid: number, watched: { over: boolean }): Promise<number> {
  let peak = 0
  while (!watched.over) {
    try {
      peak = Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? peak)
    } catch {
      // It has ended.
    }
    await delay(20)
  }
  return peak
}
