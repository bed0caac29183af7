/** Commits in a copy that takes the file's place: nobody is kept from reading, nobody's writing is lost. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import { chmodSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { DruidsyncError } from "../../src/base/errors.ts"
import { companionFolder } from "../../src/store/file/companion.ts"
import { databaseFile, isWorthCopying } from "../../src/store/file/file.ts"
import { canMount } from "../crash/support.ts"
import { type OtherProgram, otherProgram } from "./other-program.ts"
import { Store } from "./support.ts"

const SLOW = 60_000
const MUCH = 1_000_000_000
const mountable = canMount()

let store: Store
const programs: OtherProgram[] = []
beforeEach(async () => {
  store = await Store.open()
  mkdirSync(companionFolder(store.path))
})
afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill()
  await store.close()
})

async function other(mode: "READ_ONLY" | "READ_WRITE", path = store.path): Promise<OtherProgram> {
  const program = await otherProgram(mode, path)
  programs.push(program)
  return program
}

const create = () => store.file().write(() => store.engine.run("CREATE TABLE file.t AS SELECT 1 AS a"))
const insert = (value: number, given: Parameters<Store["file"]>[0] = {}) =>
  store.file(given).write(() => store.engine.run(`INSERT INTO file.t VALUES (${value})`), undefined, MUCH)
const stored = () => store.file().read(() => store.engine.rows("SELECT a FROM file.t ORDER BY a"))
const inode = () => statSync(store.path).ino

describe("a commit that brings much", () => {
  it("takes the file's place, with its permissions, and leaves nothing behind", async () => {
    await create()
    chmodSync(store.path, 0o640)
    const before = inode()
    await insert(2)
    expect(inode()).not.toBe(before)
    expect(statSync(store.path).mode & 0o777).toBe(0o640)
    expect(await stored()).toEqual([[1], [2]])
    expect(readdirSync(companionFolder(store.path))).toEqual([])
  })

  it("makes the file where there is none", async () => {
    await store.file().write(() => store.engine.run("CREATE TABLE file.t AS SELECT 7 AS a"), undefined, MUCH)
    expect(await stored()).toEqual([[7]])
    expect(readdirSync(companionFolder(store.path))).toEqual([])
  })

  it(
    "keeps no reader out: a reader that has the file open goes on reading the old one, and a new reader can open it",
    async () => {
      await create()
      const early = await other("READ_ONLY")
      expect(early.opened).toBe("open")
      const seen: string[] = []
      await store.file().write(
        async () => {
          await store.engine.run("INSERT INTO file.t VALUES (2)")
          const reader = await other("READ_ONLY")
          seen.push(reader.opened, await reader.ask("SELECT count(*)::INTEGER AS n FROM t"))
          await reader.close()
        },
        undefined,
        MUCH,
      )
      expect(seen).toEqual(["open", '[{"n":1}]'])
      expect(await early.ask("SELECT count(*)::INTEGER AS n FROM t")).toBe('[{"n":1}]')
      const late = await other("READ_ONLY")
      expect(await late.ask("SELECT count(*)::INTEGER AS n FROM t")).toBe('[{"n":2}]')
    },
    SLOW,
  )

  it(
    "keeps writers out until it is done, and is kept out by them",
    async () => {
      await create()
      const writer = await other("READ_WRITE")
      expect(writer.opened).toBe("open")
      const error = await insert(2).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(DruidsyncError)
      expect(error).toMatchObject({ code: "locked", exitCode: 11 })
      await writer.close()
      expect(readdirSync(companionFolder(store.path))).toEqual([])
      let refused = ""
      await store.file().write(
        async () => {
          await store.engine.run("INSERT INTO file.t VALUES (2)")
          refused = (await other("READ_WRITE")).opened
        },
        undefined,
        MUCH,
      )
      expect(refused).toContain("Conflicting lock")
      expect(await stored()).toEqual([[1], [2]])
    },
    SLOW,
  )

  it(
    "loses nothing of what someone wrote while the copy was made",
    async () => {
      await create()
      let wrote = false
      const watched = {
        run: async (sql: string) => {
          if (!wrote && sql.includes("AS original")) {
            wrote = true
            const writer = await other("READ_WRITE")
            await writer.ask("INSERT INTO t VALUES (5)")
            await writer.close()
          }
          return store.engine.run(sql)
        },
      }
      const file = databaseFile(watched, {
        path: store.path,
        lockWaitMs: 0,
        clock: { nowMs: () => 0, sleep: async () => {} },
      })
      const before = inode()
      await file.write(() => store.engine.run("INSERT INTO file.t VALUES (2)"), undefined, MUCH)
      expect(wrote).toBe(true)
      expect(inode()).toBe(before)
      expect(await stored()).toEqual([[1], [2], [5]])
    },
    SLOW,
  )

  it("that fails leaves the file as it was, and nothing beside it", async () => {
    await create()
    const before = inode()
    const failed = store.file().write(
      async () => {
        await store.engine.run("INSERT INTO file.t VALUES (2)")
        throw new Error("no")
      },
      undefined,
      MUCH,
    )
    expect(await failed.catch((e: Error) => e.message)).toBe("no")
    expect(inode()).toBe(before)
    expect(await stored()).toEqual([[1]])
    expect(readdirSync(companionFolder(store.path))).toEqual([])
  })

  it.each([
    ["before it is copied", "copies"],
    ["before the original is locked", "ATTACH"],
    ["before the copy is compared with it", "locked"],
  ])("makes the file anew where someone removes it %s", async (_, moment) => {
    await create()
    const remove = () => rmSync(store.path, { force: true })
    const run = async (sql: string) => {
      const isOriginal = / AS original /.test(sql)
      if (isOriginal && moment === "ATTACH") remove()
      await store.engine.run(sql)
      if (isOriginal && moment === "locked") remove()
    }
    const copies = () => {
      if (moment === "copies") remove()
      return true
    }
    const file = databaseFile(
      { run },
      { path: store.path, lockWaitMs: 0, clock: { nowMs: () => 0, sleep: () => Promise.resolve() }, copies },
    )
    await file.write(() => store.engine.run("CREATE TABLE file.t AS SELECT 7 AS a"))
    expect(await stored()).toEqual([[7]])
    expect(readdirSync(companionFolder(store.path))).toEqual([])
  })

  it("is written in place where other names lead to the file", async () => {
    await create()
    const before = inode()
    linkSync(store.path, join(store.folder, "hard.duckdb"))
    await insert(2)
    expect(inode()).toBe(before)
    const link = join(store.folder, "soft.duckdb")
    symlinkSync(store.path, link)
    mkdirSync(companionFolder(link))
    await databaseFile(store.engine, {
      path: link,
      lockWaitMs: 0,
      clock: { nowMs: () => 0, sleep: async () => {} },
    }).write(() => store.engine.run("INSERT INTO file.t VALUES (3)"), undefined, MUCH)
    expect(inode()).toBe(before)
    expect(await stored()).toEqual([[1], [2], [3]])
  })

  it(
    "is written in place where a log of the file is not taken in yet: it is, first",
    async () => {
      await create()
      const writer = await other("READ_WRITE")
      await writer.ask("INSERT INTO t VALUES (4)")
      await writer.kill()
      expect(readdirSync(store.folder)).toContain("out.duckdb.wal")
      await insert(2)
      expect(await stored()).toEqual([[1], [2], [4]])
      expect(readdirSync(store.folder)).not.toContain("out.duckdb.wal")
    },
    SLOW,
  )

  it.skipIf(!mountable)(
    "is written in place where the file is mounted by itself, as into a container",
    async () => {
      await create()
      const before = inode()
      const { status } = spawnSync("mount", ["--bind", store.path, store.path])
      expect(status).toBe(0)
      let calls = 0
      try {
        await store.file().write(
          async () => {
            calls++
            await store.engine.run("INSERT INTO file.t VALUES (2)")
          },
          undefined,
          MUCH,
        )
        expect(readdirSync(companionFolder(store.path))).toEqual([])
      } finally {
        spawnSync("umount", ["-l", store.path])
      }
      // Once in the copy, which could not take its place, and once in the file.
      expect(calls).toBe(2)
      expect(inode()).toBe(before)
      expect(await stored()).toEqual([[1], [2]])
    },
  )

  it("is written in place where the copy would be the greater work", async () => {
    expect(isWorthCopying(200, 100)).toBe(true)
    expect(isWorthCopying(201, 100)).toBe(false)
    await create()
    const before = inode()
    await insert(2, { copies: () => false })
    await store.file().write(() => store.engine.run("INSERT INTO file.t VALUES (3)"))
    expect(inode()).toBe(before)
    expect(await stored()).toEqual([[1], [2], [3]])
  })
})
