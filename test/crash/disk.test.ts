/** Disks that are full, cannot be written, or are tidied up under us. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { inProcess } from "../support/conformance/runner.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { canMount, Desk, fill, filled, fingerprint } from "./support.ts"

const runner = inProcess()
const mountable = canMount()
const DAYS = 4
const PER_DAY = 30_000

let fake: FakeDruid
let desk: Desk

beforeAll(async () => {
  fake = await startFakeDruid()
})
afterAll(() => fake.stop())
beforeEach(() => {
  fake.reset()
  fill(fake, "w", DAYS, PER_DAY)
  desk = new Desk()
  desk.config(fake.port, ["w"], { sliceRows: PER_DAY })
})
afterEach(() => desk.close())

const run = (out: string, ...more: string[]) => runner.run(desk.args(out, ...more))

async function completes(out: string): Promise<void> {
  const { exitCode, stderr } = await run(out)
  expect([exitCode, stderr]).toEqual([0, expect.any(String)])
  expect(await fingerprint(out, "w")).toBe(filled(DAYS, PER_DAY))
}

describe.skipIf(!mountable)("a disk that is full", () => {
  it("under the spool: exit 1, says where and what to do, stores nothing, leaves nothing", async () => {
    const spool = desk.mount("spool", "300k")!
    const out = desk.path("copy.duckdb")
    const { exitCode, stderr } = await run(out, "--spool-dir", spool)
    expect(exitCode).toBe(1)
    expect(stderr).toContain("no space left for the spool file")
    expect(stderr).toContain("--spool-dir")
    expect(stderr).not.toContain("this is a bug")
    expect(readdirSync(spool)).toEqual([])
    desk.remount(spool, "size=100m")
    expect((await run(out, "--spool-dir", spool)).exitCode).toBe(0)
    expect(await fingerprint(out, "w")).toBe(filled(DAYS, PER_DAY))
    expect(readdirSync(spool)).toEqual([])
  }, 120_000)

  it("under the database, first copy: exit 1, says so; with space again the next pull is complete", async () => {
    const disk = desk.mount("data", "400k")!
    const spool = desk.path("spool")
    const out = join(disk, "copy.duckdb")
    const { exitCode, stderr } = await run(out, "--spool-dir", spool)
    expect(exitCode).toBe(1)
    expect(stderr).toContain("no space left")
    expect(stderr).not.toContain("this is a bug")
    desk.remount(disk, "size=100m")
    await completes(out)
    expect(readdirSync(disk)).toEqual(["copy.duckdb"])
  }, 120_000)

  it("under the database, later: what was there stays readable and whole", async () => {
    const disk = desk.mount("data", "100m")!
    const out = join(disk, "copy.duckdb")
    await completes(out)
    fill(fake, "more", DAYS, PER_DAY, 7)
    desk.config(fake.port, ["w", "more"], { sliceRows: PER_DAY })
    const { blocks } = usage(disk)
    desk.remount(disk, `size=${blocks + 100}k`)
    const { exitCode, stderr } = await run(out, "--spool-dir", desk.path("spool"))
    expect(exitCode).toBe(1)
    expect(stderr).toContain("no space left")
    expect(await fingerprint(out, "w")).toBe(filled(DAYS, PER_DAY))
    desk.remount(disk, "size=100m")
    await completes(out)
    expect(await fingerprint(out, "more")).toBe(filled(DAYS, PER_DAY, 7))
  }, 120_000)
})

describe.skipIf(!mountable)("a disk that is read-only", () => {
  it("exit 1, names the folder, and the file stays as it was", async () => {
    const disk = desk.mount("data", "100m")!
    const out = join(disk, "copy.duckdb")
    await completes(out)
    desk.remount(disk, "ro")
    const { exitCode, stderr } = await run(out)
    expect(exitCode).toBe(1)
    expect(stderr).toContain(disk)
    expect(stderr).toMatch(/read-only|cannot be written/i)
    expect(stderr).not.toContain("this is a bug")
    expect(await fingerprint(out, "w")).toBe(filled(DAYS, PER_DAY))
    desk.remount(disk, "rw")
    await completes(out)
  }, 120_000)
})

describe("files that someone removes", () => {
  /** Removes when the nth request of a kind comes in. */
  const when = (kind: string, nth: number, remove: () => void) => {
    fake.hooks.beforeRequest = (found, n) => {
      if (found === kind && n === nth) remove()
    }
  }

  it("the spool folder: exit 1 says so, or it is fetched again; the next pull is complete", async () => {
    const out = desk.path("copy.duckdb")
    when("scan", 3, () => {
      for (const name of readdirSync(`${out}.druidsync`))
        if (name.includes("spool")) rmSync(join(`${out}.druidsync`, name), { recursive: true })
    })
    const { exitCode, stderr } = await run(out)
    expect([0, 1]).toContain(exitCode!)
    expect(stderr).not.toContain("this is a bug")
    if (exitCode === 1) expect(stderr).toContain("spool file")
    fake.hooks = {}
    await completes(out)
    expect(readdirSync(desk.folder).sort()).toEqual(["config.json", "copy.duckdb"])
  }, 120_000)

  it("a response before it is loaded: it is fetched again, and all is complete", async () => {
    const out = desk.path("copy.duckdb")
    let removed = 0
    when("segments", 2, () => {
      const folder = `${out}.druidsync`
      for (const name of readdirSync(folder, { recursive: true }) as string[])
        if (name.endsWith(".jsonl") && removed++ === 0) rmSync(join(folder, name))
    })
    const { exitCode, stderr } = await run(out)
    expect(removed).toBeGreaterThan(0)
    expect([exitCode, stderr]).toEqual([0, expect.any(String)])
    expect(await fingerprint(out, "w")).toBe(filled(DAYS, PER_DAY))
  }, 120_000)

  it("the whole companion folder, lock and all: no bug, and the next pull is complete", async () => {
    const out = desk.path("copy.duckdb")
    when("scan", 2, () => rmSync(`${out}.druidsync`, { recursive: true, force: true }))
    const { exitCode, stderr } = await run(out)
    expect([0, 1]).toContain(exitCode!)
    expect(stderr).not.toContain("this is a bug")
    fake.hooks = {}
    await completes(out)
    expect(readdirSync(desk.folder).sort()).toEqual(["config.json", "copy.duckdb"])
  }, 120_000)

  it("the database itself, between two commits: it is made again, and what it says it holds is true", async () => {
    const out = desk.path("copy.duckdb")
    desk.config(fake.port, ["w"], { sliceRows: 5_000, concurrency: 1 })
    when("scan", 12, () => rmSync(out, { force: true }))
    const { exitCode, stderr } = await run(out)
    expect([exitCode, stderr]).toEqual([0, expect.any(String)])
    expect(await fingerprint(out, "w")).toBe(filled(DAYS, PER_DAY))
    fake.hooks = {}
    await completes(out)
    expect(existsSync(`${out}.wal`)).toBe(false)
  }, 120_000)
})

/** Used kilobytes of a file system. */
function usage(folder: string): { blocks: number } {
  const { stdout } = Bun.spawnSync(["df", "-k", "--output=used", folder])
  return { blocks: Number(stdout.toString().trim().split("\n").at(-1)) }
}
