import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DruidsyncError, ExitCode } from "../../src/base/errors.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import { companionFolder } from "../../src/store/file/companion.ts"
import { databaseFile } from "../../src/store/file/file.ts"
import { acquireRunLock, type RunLockOptions } from "../../src/store/file/run-lock.ts"
import { Store } from "./support.ts"

const SLOW = 60_000
const HOLDER = join(import.meta.dirname, "holder.ts")

let store: Store
const children: ChildProcess[] = []
beforeEach(async () => {
  store = await Store.open()
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
  await store.close()
})

/** Starts another process that holds the file, or the run on it. */
async function holder(
  kind: "file" | "run",
  path = store.path,
): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [HOLDER, kind, path], { stdio: ["pipe", "pipe", "inherit"] })
  children.push(child)
  const said = await new Promise<string>((done) => {
    child.stdout!.once("data", (bytes) => done(String(bytes).trim()))
  })
  return { child, said }
}

const gone = (child: ChildProcess) => new Promise<void>((done) => child.once("close", () => done()))

function lock(given: Partial<RunLockOptions> = {}, engine = store.engine) {
  return acquireRunLock(engine, {
    path: store.path,
    waitMs: 0,
    clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
    ...given,
  })
}

async function failure(work: Promise<unknown>): Promise<DruidsyncError> {
  const error = await work.then(
    () => new Error("it passed"),
    (thrown: unknown) => thrown,
  )
  if (error instanceof DruidsyncError) return error
  throw error
}

describe("a file that another program holds", () => {
  it(
    "is refused with exit code 11, and the holder is named by program and PID",
    async () => {
      const { child } = await holder("file")
      const error = await failure(store.file().write(() => Promise.resolve()))
      expect(error).toMatchObject({ code: "locked", exitCode: ExitCode.locked })
      expect(error.message).toMatch(new RegExp(`is locked by \\S+ \\(PID ${child.pid}\\); waited 0 s`))
    },
    SLOW,
  )

  it(
    "is waited for as long as was asked, saying so once, and no longer",
    async () => {
      await holder("file")
      let now = 0
      const said: string[] = []
      const pauses: number[] = []
      const file = store.file({
        lockWaitMs: 1_000,
        clock: {
          nowMs: () => now,
          sleep: async (ms) => {
            pauses.push(ms)
            now += ms
          },
        },
        onWait: (who) => said.push(who),
      })
      expect((await failure(file.write(() => Promise.resolve()))).code).toBe("locked")
      expect(pauses.reduce((a, b) => a + b)).toBe(1_000)
      expect(Math.max(...pauses)).toBeLessThanOrEqual(250)
      expect(said.length).toBe(1)
    },
    SLOW,
  )

  it(
    "is written as soon as it is let go",
    async () => {
      const { child } = await holder("file")
      const file = store.file({
        lockWaitMs: 60_000,
        clock: {
          nowMs: () => 0,
          sleep: async () => {
            if (child.exitCode !== null) return
            child.stdin!.end()
            await gone(child)
          },
        },
      })
      expect(await file.write(() => Promise.resolve("done"))).toBe("done")
    },
    SLOW,
  )

  it(
    "is not waited for any longer when we are interrupted",
    async () => {
      await holder("file")
      const stop = new AbortController()
      const file = store.file({
        lockWaitMs: 60_000,
        clock: {
          nowMs: () => 0,
          sleep: async (_, signal) => {
            stop.abort(new DruidsyncError("interrupted", "interrupted"))
            signal?.throwIfAborted()
          },
        },
      })
      expect((await failure(file.write(() => Promise.resolve(), stop.signal))).code).toBe("interrupted")
    },
    SLOW,
  )
})

describe("a file system without locks", () => {
  // As DuckDB says it where fcntl() fails with ENOLCK and EOPNOTSUPP (tried with 1.5.6).
  it.each(["No locks available", "File locks are not supported for this file system, cannot open the file"])(
    "is named at once, and nobody is waited for: %s",
    async (why) => {
      const refusing: Engine = {
        ...store.engine,
        run: (sql) => {
          const text = `IO Error: Could not set lock on file "x": ${why}. See also https://duckdb.org`
          return sql.startsWith("ATTACH") ? Promise.reject(new Error(text)) : store.engine.run(sql)
        },
      }
      const clock = { nowMs: () => 0, sleep: () => Promise.reject(new Error("waited")) }
      writeFileSync(store.path, "")
      const file = databaseFile(refusing, { path: store.path, lockWaitMs: 60_000, clock })
      const works = [file.read(() => Promise.resolve()), lock({ waitMs: 60_000, clock }, refusing)]
      for (const work of works) {
        const error = await failure(work)
        expect(error).toMatchObject({ code: "file", exitCode: ExitCode.failed })
        expect(error.message).toContain(`${store.path} is on a file system without locks`)
        expect(error.hint).toContain("put --out on a local disk")
      }
    },
  )
})

describe("a second run on the same file", () => {
  it(
    "is refused with exit code 11 and the PID of the first",
    async () => {
      const { child, said } = await holder("run")
      expect(said).toBe("held")
      const error = await failure(lock())
      expect(error).toMatchObject({ code: "locked", exitCode: ExitCode.locked })
      expect(error.message).toContain(`(PID ${child.pid})`)
    },
    SLOW,
  )

  it(
    "may start as soon as the first has ended, and both leave nothing behind",
    async () => {
      const { child } = await holder("run")
      const second = await lock({
        waitMs: 60_000,
        clock: {
          nowMs: () => 0,
          sleep: async () => {
            if (child.exitCode !== null) return
            child.stdin!.end()
            await gone(child)
          },
        },
      })
      expect(existsSync(second.spoolDir)).toBe(true)
      await second.release()
      expect(readdirSync(store.folder)).toEqual([])
    },
    SLOW,
  )

  it(
    "may start at once after the first was killed, and removes what that left",
    async () => {
      const { child } = await holder("run")
      const [spool] = readdirSync(companionFolder(store.path)).filter((name) => name !== "lock")
      writeFileSync(join(companionFolder(store.path), spool!, "slice-1-0.jsonl"), "[1]\n")
      child.kill("SIGKILL")
      await gone(child)
      expect(existsSync(join(companionFolder(store.path), "lock"))).toBe(true)
      const second = await lock()
      expect(readdirSync(second.spoolDir)).toEqual([])
      await second.release()
      expect(readdirSync(store.folder)).toEqual([])
    },
    SLOW,
  )

  it(
    "on another file goes its own way, also in the same spool folder",
    async () => {
      const spoolDir = join(store.folder, "spool")
      const tail = "a-long-name-that-both-of-them-end-with/analytics.duckdb"
      const [a, b] = ["a", "b"].map((name) => join(store.folder, name, tail))
      for (const path of [a!, b!]) mkdirSync(join(path, ".."), { recursive: true })
      const first = await lock({ path: a!, spoolDir })
      writeFileSync(join(first.spoolDir, "slice-1-0.jsonl"), "[1]\n")
      const engine = await openEngine({ memoryLimit: "100MB", threads: 1 })
      try {
        const second = await lock({ path: b!, spoolDir }, engine)
        expect(readdirSync(first.spoolDir)).toEqual(["slice-1-0.jsonl"])
        await second.release()
        expect(readdirSync(first.spoolDir)).toEqual(["slice-1-0.jsonl"])
      } finally {
        engine.close()
      }
      await first.release()
    },
    SLOW,
  )
})

describe("letting go", () => {
  it("leaves alone what the next run has made meanwhile, and what is not ours", async () => {
    const held = await lock()
    writeFileSync(join(companionFolder(store.path), "of-someone-else"), "")
    await held.release()
    expect(readdirSync(companionFolder(store.path))).toEqual(["of-someone-else"])
  })

  it("is said in words where the folder cannot be made", async () => {
    writeFileSync(join(store.folder, "file"), "")
    const error = await failure(lock({ path: join(store.folder, "file", "out.duckdb") }))
    expect(error.code).toBe("file")
    expect((await failure(lock({ path: join(store.folder, "missing", "out.duckdb") }))).code).toBe("file")
  })
})
