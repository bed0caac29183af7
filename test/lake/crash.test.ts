/** An export that dies at any step: what is there can be read, old or new, and the next export makes it whole. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Disk, realDisk } from "../../src/lake/disk.ts"
import { exportLake } from "../../src/lake/export.ts"
import type { ExportOptions } from "../../src/lake/open.ts"
import { verifyLake } from "../../src/lake/verify.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import { databaseFile } from "../../src/store/file/file.ts"
import { commit } from "../../src/store/rows/commit.ts"
import { holding } from "../commands/support.ts"
import { canMount, Desk as MountDesk } from "../crash/support.ts"

const DAY = 86_400_000n
const START = BigInt(Date.UTC(2020, 0, 1))
const COLUMNS = [
  {
    name: "__time",
    target: "__time",
    druidType: "LONG",
    sqlType: "TIMESTAMP",
    multiValue: false,
    duckdbType: "TIMESTAMP",
  },
  { name: "n", target: "n", druidType: "LONG", sqlType: "BIGINT", multiValue: false, duckdbType: "BIGINT" },
] as const

let folder: string
let engine: Engine
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "druidsync-lake-"))
  engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
})
afterEach(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

const out = () => join(folder, "a.duckdb")
let commits = 0

/** Commits days, each with rows of one number; no rows takes the day away. */
async function hold(days: Readonly<Record<number, { rows: number; value: number }>>): Promise<void> {
  const run = `run-${++commits}`
  const file = databaseFile(engine, {
    path: out(),
    lockWaitMs: 0,
    clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
  })
  const entries = Object.entries(days).map(([day, one]) => ({
    interval: { start: START + BigInt(day) * DAY, end: START + BigInt(Number(day) + 1) * DAY },
    ...one,
  }))
  const filled = entries.filter(({ rows }) => rows > 0)
  const selects = filled.map(
    ({ interval, rows, value }) =>
      `SELECT epoch_ms(${interval.start}::BIGINT) AS __time, ${value}::BIGINT AS n FROM range(${rows})`,
  )
  const table = `stage_${commits}`
  await engine.run(
    `CREATE TABLE ${table} AS ${selects.join(" UNION ALL ") || "SELECT now()::TIMESTAMP AS __time, 0::BIGINT AS n WHERE false"}`,
  )
  const rows = filled.reduce((sum, one) => sum + one.rows, 0)
  const staged = { table, rows, counts: [] } as never as Parameters<
    typeof commit
  >[2][number]["slices"][number]["staged"]
  await commit(
    engine,
    file,
    [
      {
        target: { datasource: "d", table: "t", settings: "{}", schema: COLUMNS },
        slices: [
          {
            staged: { ...staged, table, rows },
            columns: COLUMNS,
            parts: filled.map((one) => ({
              interval: one.interval,
              segments: "s",
              rows: one.rows,
              state: "complete",
              settings: "",
            })),
            replacing: [],
            bytes: 0,
          },
        ],
        refreshed: [],
        keep: [],
        remove: entries.filter((one) => one.rows === 0).map(({ interval }) => interval),
      },
    ],
    { id: run, nowMs: commits },
  )
  await engine.run(`DROP TABLE ${table}`)
  await file.write(() => engine.run("UPDATE file._sync_state SET status = 'complete'"))
}

let ids = 0
function options(to: string, disk: Disk = realDisk): ExportOptions {
  return {
    out: out(),
    to,
    only: undefined,
    share: undefined,
    partitionBy: "day",
    fileFormat: undefined,
    rewrite: false,
    version: "1",
    lockWaitMs: 0,
    clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
    newId: () => `id${++ids}`,
    onWait: () => undefined,
    signal: new AbortController().signal,
    disk,
  }
}

class Died extends Error {}

/** A disk that does so many changes; then the machine is dead, and nothing more happens on it. */
function dying(changes: number): Disk & { readonly isDead: boolean; readonly done: number } {
  let done = 0
  let isDead = false
  const changing = ["makeFolder", "write", "sync", "rename", "remove", "removeFolder"]
  return new Proxy(realDisk, {
    get(disk, name: string) {
      if (name === "isDead") return isDead
      if (name === "done") return done
      const step = disk[name as keyof Disk] as (...given: unknown[]) => Promise<unknown>
      return async (...given: unknown[]) => {
        if (isDead || (changing.includes(name) && done >= changes)) {
          isDead = true
          throw new Died(name)
        }
        if (changing.includes(name)) done++
        return step(...given)
      }
    },
  }) as Disk & { readonly isDead: boolean; readonly done: number }
}

/** What a reader of the lake sees, a partition each: `day=02: 3 × 7`. */
async function seen(to: string): Promise<string[]> {
  const all = await readdir(join(to, "t"), { recursive: true }).catch(() => [])
  if (!all.some((name) => name.endsWith(".parquet"))) return []
  const rows = await engine.rows(
    `SELECT day, count(*)::VARCHAR, string_agg(DISTINCT n::VARCHAR, ',') FROM read_parquet('${to}/t/**/*.parquet', hive_partitioning = true) GROUP BY day ORDER BY day`,
  )
  return rows.map(([day, count, values]) => `day=${day}: ${count} × ${values}`)
}

const BEFORE = ["day=01: 2 × 1", "day=02: 2 × 1", "day=03: 2 × 1"]
const AFTER = ["day=01: 2 × 1", "day=02: 5 × 2", "day=04: 3 × 3"]

describe("an export that dies", () => {
  it("leaves each partition as before or as after, at whatever step, and the next export repairs it", async () => {
    await hold({ 0: { rows: 2, value: 1 }, 1: { rows: 2, value: 1 }, 2: { rows: 2, value: 1 } })
    const whole = join(folder, "whole")
    await exportLake(options(whole))
    expect(await seen(whole)).toEqual(BEFORE)
    await hold({ 1: { rows: 5, value: 2 }, 2: { rows: 0, value: 0 }, 3: { rows: 3, value: 3 } })
    let steps = 0
    for (; ; steps++) {
      const to = join(folder, `died-${steps}`)
      await cp(whole, to, { recursive: true })
      const disk = dying(steps)
      const error = await exportLake(options(to, disk)).then(
        () => undefined,
        (thrown) => thrown,
      )
      if (error !== undefined && !disk.isDead) throw error
      const found = await seen(to)
      for (const one of found) expect([...BEFORE, ...AFTER]).toContain(one)
      // Day 1 never goes, nor does any day that stays.
      expect(found.map((one) => one.slice(0, 6))).toEqual(expect.arrayContaining(["day=01", "day=02"]))
      await exportLake(options(to))
      expect(await seen(to)).toEqual(AFTER)
      const left = (await readdir(join(to, "t"), { recursive: true })).filter((name) => name.includes(".tmp"))
      expect(left).toEqual([])
      expect((await verifyLake({ ...options(to), deep: true })).outcome).toBe("equal")
      if (error === undefined) break
    }
    // Two partitions written, one removed, manifest: fewer steps would mean that the test missed some.
    expect(steps).toBeGreaterThan(12)
  }, 120_000)

  it("knows the files of a first export that died for its own", async () => {
    await hold({ 0: { rows: 2, value: 1 }, 1: { rows: 2, value: 1 }, 2: { rows: 2, value: 1 } })
    for (let steps = 0; ; steps++) {
      const to = join(folder, `first-${steps}`)
      const disk = dying(steps)
      const isOver = await exportLake(options(to, disk)).then(
        () => true,
        () => false,
      )
      if (!isOver) expect(disk.isDead).toBe(true)
      await exportLake(options(to))
      expect(await seen(to)).toEqual(BEFORE)
      if (isOver) break
    }
  }, 120_000)

  it("is stopped between two partitions by a signal, and goes on from there", async () => {
    await hold({ 0: { rows: 2, value: 1 }, 1: { rows: 2, value: 1 }, 2: { rows: 2, value: 1 } })
    const to = join(folder, "lake")
    const stop = new AbortController()
    const disk: Disk = {
      ...realDisk,
      rename: async (from, name) => {
        await realDisk.rename(from, name)
        if (name.endsWith(".parquet")) stop.abort(new Error("stopped"))
      },
    }
    await expect(exportLake({ ...options(to, disk), signal: stop.signal })).rejects.toThrow("stopped")
    const report = await exportLake(options(to))
    expect(report.datasources[0]).toMatchObject({
      unchanged: 1,
      written: ["year=2020/month=01/day=02", "year=2020/month=01/day=03"],
    })
  }, 30_000)

  it("says that the disk is full, and leaves the old files", async () => {
    await hold({ 0: { rows: 2, value: 1 }, 1: { rows: 2, value: 1 }, 2: { rows: 2, value: 1 } })
    const to = join(folder, "lake")
    await exportLake(options(to))
    await hold({ 1: { rows: 5, value: 2 } })
    const disk: Disk = {
      ...realDisk,
      sync: () =>
        Promise.reject(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" })),
    }
    await expect(exportLake(options(to, disk))).rejects.toMatchObject({ code: "disk-full", exitCode: 1 })
    expect(await seen(to)).toEqual(BEFORE)
    expect(
      (await readdir(join(to, "t"), { recursive: true })).filter((name) => name.includes(".tmp")),
    ).toEqual([])
  }, 30_000)
})

describe("an export beside a pull", () => {
  /** Time flies: the file is let go of after each partition, and the manifest saved. */
  const flying = () => {
    let ms = 0
    return { nowMs: () => (ms += 20_000), sleep: () => Promise.resolve() }
  }

  /** Does something once, between two partitions. */
  function between(work: () => Promise<void>): Disk {
    let saves = 0
    return {
      ...realDisk,
      write: async (path, text) => {
        await realDisk.write(path, text)
        if (++saves === 2) await work()
      },
    }
  }

  it("writes what a pull committed meanwhile, with its checkpoint", async () => {
    const two = { rows: 2, value: 1 }
    await hold({ 0: two, 1: two, 2: two, 3: two })
    const to = join(folder, "lake")
    const disk = between(() =>
      hold({ 0: { rows: 9, value: 9 }, 1: { rows: 0, value: 0 }, 2: { rows: 5, value: 2 } }),
    )
    await exportLake({ ...options(to, disk), clock: flying() })
    expect(await seen(to)).toEqual(["day=01: 2 × 1", "day=03: 5 × 2", "day=04: 2 × 1"])
    // The day that was written before the commit, and no other.
    expect((await exportLake(options(to))).datasources[0]).toMatchObject({
      written: ["year=2020/month=01/day=01"],
      unchanged: 2,
    })
    expect((await verifyLake({ ...options(to), deep: true })).outcome).toBe("equal")
  }, 60_000)

  it("begins again where the columns changed meanwhile, so that all files have the new ones", async () => {
    await hold({ 0: { rows: 2, value: 1 }, 1: { rows: 2, value: 1 }, 2: { rows: 2, value: 1 } })
    const to = join(folder, "lake")
    const disk = between(async () => {
      const file = databaseFile(engine, {
        path: out(),
        lockWaitMs: 0,
        clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
      })
      await file.write(async () => {
        await engine.run("ALTER TABLE file.t ADD COLUMN extra VARCHAR")
        const columns = [...COLUMNS, { ...COLUMNS[1], name: "extra", target: "extra", duckdbType: "VARCHAR" }]
        await engine.run("UPDATE file._sync_state SET columns = $1", [JSON.stringify(columns)])
      })
    })
    const report = await exportLake({ ...options(to, disk), clock: flying() })
    expect(report.datasources[0]!.written).toHaveLength(3)
    const [row] = await engine.rows(`SELECT count(extra), count(*) FROM read_parquet('${to}/t/**/*.parquet')`)
    expect(row).toEqual([0n, 6n])
    expect((await verifyLake({ ...options(to), deep: false })).outcome).toBe("equal")
    expect((await exportLake(options(to))).datasources[0]).toMatchObject({ written: [] })
  }, 60_000)

  it("waits for another export of the same share, then ends with 11; another share need not wait", async () => {
    await hold({ 0: { rows: 2, value: 1 } })
    const to = join(folder, "lake")
    await mkdir(join(to, "_export-data.druidsync"), { recursive: true })
    const holder = await holding(join(to, "_export-data.druidsync", "lock"))
    try {
      await expect(exportLake(options(to))).rejects.toMatchObject({ code: "locked", exitCode: 11 })
      await exportLake({ ...options(to), share: "other" })
    } finally {
      await holder.letGo()
    }
    await exportLake(options(to))
  }, 60_000)
})

const mountable = canMount()

describe("a lake on a disk that is full", () => {
  it.skipIf(!mountable)(
    "keeps its files, and takes the new ones when there is room",
    async () => {
      const desk = new MountDesk()
      try {
        const disk = desk.mount("small", "400k")!
        const to = join(disk, "lake")
        await hold({ 0: { rows: 2, value: 1 }, 1: { rows: 2, value: 1 } })
        await exportLake(options(to))
        const file = databaseFile(engine, {
          path: out(),
          lockWaitMs: 0,
          clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
        })
        await file.write(async () => {
          // More than fits, and of a kind that zstd cannot make small.
          await engine.run(
            `INSERT INTO file.t SELECT epoch_ms(${START + DAY}::BIGINT), (hash(i) >> 1)::BIGINT FROM range(200000) r(i)`,
          )
          await engine.run(
            `UPDATE file._sync_chunks SET rows = rows + 200000, run_id = 'more' WHERE start_ms = ${START + DAY}`,
          )
        })
        await expect(exportLake(options(to))).rejects.toMatchObject({ code: "disk-full", exitCode: 1 })
        expect(await seen(to)).toEqual(["day=01: 2 × 1", "day=02: 2 × 1"])
        expect((await readdir(to, { recursive: true })).filter((name) => name.includes(".tmp"))).toEqual([])
        desk.remount(disk, "size=20m")
        await exportLake(options(to))
        expect((await verifyLake({ ...options(to), deep: false })).outcome).toBe("equal")
      } finally {
        desk.close()
      }
    },
    60_000,
  )
})
