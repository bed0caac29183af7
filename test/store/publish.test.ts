/** The published copy: whole, like its original, in place by a rename; and everything that keeps it from being so. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import type { DruidsyncError } from "../../src/base/errors.ts"
import { openEngine } from "../../src/store/engine.ts"
import { checkPublishPath, publish } from "../../src/store/file/publish.ts"
import { recordRun } from "../../src/store/notes/history.ts"
import { ensureTables } from "../../src/store/notes/tables.ts"
import { holding } from "../commands/support.ts"
import { Store } from "./support.ts"

let store: Store
let to: string
beforeEach(async () => {
  store = await Store.open()
  to = join(store.folder, "shown.duckdb")
})
afterEach(() => store.close())

/** Commits a day with so many rows, as a run would. */
async function commitDay(day: number, rows = 3): Promise<void> {
  const { engine } = store
  await store.file().write(async () => {
    await ensureTables(engine)
    await engine.run("CREATE TABLE IF NOT EXISTS file.w (__time TIMESTAMP, n INTEGER)")
    await engine.run(
      `INSERT INTO file.w SELECT epoch_ms(${day} * 86400000::BIGINT), i FROM range(${rows}) t(i)`,
    )
    await engine.run(
      `INSERT INTO file._sync_chunks VALUES ('w', ${day}, ${day + 1}, '', ${rows}, 'complete', 's', 'd', 'run', epoch_ms(${day}), 'w', NULL)`,
    )
    await engine.run("DELETE FROM file._sync_state")
    await engine.run(
      `INSERT INTO file._sync_state VALUES ('w', 'w', NULL, ${rows}, 'complete', NULL, NULL, NULL, '[]', 'd', 1)`,
    )
  })
}

const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex")
const copy = () => publish(store.engine, store.file(), to)

async function refused(work: Promise<unknown>): Promise<DruidsyncError> {
  return work.then(
    () => {
      throw new Error("it was not refused")
    },
    (error) => error as DruidsyncError,
  )
}

describe("a published copy", () => {
  it("is the same file byte for byte, as private as the original, with nothing beside it", async () => {
    await commitDay(1)
    chmodSync(store.path, 0o640)
    expect(await copy()).toBe("published")
    expect(digest(to)).toBe(digest(store.path))
    expect(statSync(to).mode & 0o777).toBe(0o640)
    expect(readdirSync(store.folder).sort()).toEqual(["out.duckdb", "shown.duckdb"])
  })

  it("that has to end before it is whole leaves the older one, and nothing beside it", async () => {
    await commitDay(1)
    await copy()
    const before = digest(to)
    await commitDay(2)
    const over = AbortSignal.abort(new Error("the time is over"))
    const error = await publish(store.engine, store.file(), to, over).catch((thrown) => thrown)
    expect(error.message).toBe("the time is over")
    expect(digest(to)).toBe(before)
    expect(readdirSync(store.folder).sort()).toEqual(["out.duckdb", "shown.duckdb"])
    expect(await copy()).toBe("published")
  })

  it("is made again after a commit, and not after a run that brought nothing", async () => {
    await commitDay(1)
    await copy()
    const { ino } = statSync(to)
    const record = {
      datasource: "w",
      table: "w",
      outcome: "complete",
      startedMs: 0,
      finishedMs: 5,
      message: undefined,
    } as const
    const none = { rowsFetched: 0, rowsDeleted: 0, bytes: 0, slices: 0 }
    await recordRun(store.engine, store.file(), "again", [{ ...record, ...none }])
    expect(await copy()).toBe("up-to-date")
    expect(statSync(to).ino).toBe(ino)
    await commitDay(2)
    expect(await copy()).toBe("published")
    expect(digest(to)).toBe(digest(store.path))
  })

  it("is made again when the outcome of the datasource has changed", async () => {
    await commitDay(1)
    await copy()
    await store.file().write(() => store.engine.run("UPDATE file._sync_state SET status = 'incomplete'"))
    expect(await copy()).toBe("published")
  })

  it("leaves the old one whole to whoever has it open", async () => {
    await commitDay(1)
    await copy()
    const reader = await openEngine({ memoryLimit: "100MB", threads: 1 })
    try {
      await reader.run(`ATTACH '${to}' AS shown (READ_ONLY)`)
      await commitDay(2, 50_000)
      expect(await copy()).toBe("published")
      expect(await reader.rows("SELECT count(*) FROM shown.w")).toEqual([[3n]])
    } finally {
      reader.close()
    }
  })

  it("holds what a killed program had left in the log beside the file", async () => {
    await commitDay(1)
    const writer = Bun.spawnSync([
      process.execPath,
      "-e",
      `const { openEngine } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/store/engine.ts"))})
       const engine = await openEngine({ memoryLimit: "100MB", threads: 1 })
       await engine.run("ATTACH '${store.path}' AS file")
       await engine.run("INSERT INTO file.w VALUES (NULL, 77)")
       process.kill(process.pid, "SIGKILL")`,
    ])
    expect(writer.signalCode).toBe("SIGKILL")
    expect(existsSync(`${store.path}.wal`)).toBe(true)
    expect(await copy()).toBe("published")
    expect(existsSync(`${store.path}.wal`)).toBe(false)
    await store.engine.run(`ATTACH '${to}' AS shown (READ_ONLY)`)
    expect(await store.engine.rows("SELECT count(*) FROM shown.w WHERE n = 77")).toEqual([[1n]])
    await store.engine.run("DETACH shown")
  }, 30_000)

  it("clears away what a killed copy left, also when there is nothing to copy", async () => {
    await commitDay(1)
    await copy()
    const name = (await asideName()) as string
    writeFileSync(join(store.folder, name), "half a copy")
    expect(await copy()).toBe("up-to-date")
    expect(readdirSync(store.folder).sort()).toEqual(["out.duckdb", "shown.duckdb"])
  })

  it("follows a symbolic link, which stays", async () => {
    await commitDay(1)
    mkdirSync(join(store.folder, "real"))
    const real = join(store.folder, "real/a.duckdb")
    await publish(store.engine, store.file(), real)
    symlinkSync(real, to)
    await commitDay(2)
    expect(await copy()).toBe("published")
    expect(digest(real)).toBe(digest(store.path))
  })

  it("is nothing while there is no file", async () => {
    expect(await copy()).toBe("nothing")
    expect(existsSync(to)).toBe(false)
  })
})

/** The name of the file that is made aside, seen while it is there. */
async function asideName(): Promise<string | undefined> {
  await commitDay(9)
  let seen: string | undefined
  const engine = {
    ...store.engine,
    run: (sql: string) => {
      seen ??= readdirSync(store.folder).find((name) => name.includes(".druidsync-"))
      return store.engine.run(sql)
    },
  }
  await publish(engine, store.file(), to)
  expect(seen).toMatch(/^\.shown\.duckdb\.druidsync-[0-9a-f]{12}$/)
  return seen
}

describe("a path that is no place for a copy", () => {
  it("is the file itself, by its name, a link of either kind, or its log", async () => {
    await commitDay(1)
    const hard = join(store.folder, "hard.duckdb")
    const soft = join(store.folder, "soft.duckdb")
    linkSync(store.path, hard)
    symlinkSync(store.path, soft)
    const before = digest(store.path)
    for (const path of [store.path, hard, soft, `${store.path}.wal`, `${store.path}.druidsync`]) {
      const error = await refused(checkPublishPath(store.path, path))
      expect(error.message).toBe(
        `the copy cannot be published at ${path}: that is the file that is pulled into`,
      )
      expect(error.exitCode).toBe(2)
    }
    expect(digest(store.path)).toBe(before)
  })

  it("is a folder, or in a folder that is not there", async () => {
    const folder = await refused(checkPublishPath(store.path, store.folder))
    expect([folder.message, folder.exitCode]).toEqual([expect.stringContaining("that is a folder"), 2])
    const nowhere = await refused(checkPublishPath(store.path, join(store.folder, "no/such.duckdb")))
    expect([nowhere.message, nowhere.exitCode]).toEqual([expect.stringContaining("no such folder"), 2])
  })

  it("holds something that is not DuckDB's, or a database that druidsync did not make: it stays as it is", async () => {
    await commitDay(1)
    writeFileSync(to, "my notes of a year")
    const notes = await refused(copy())
    expect([notes.code, notes.exitCode]).toEqual(["foreign", 2])
    expect(notes.message).toContain("is not a DuckDB file")
    expect(readFileSync(to, "utf8")).toBe("my notes of a year")

    to = join(store.folder, "theirs.duckdb")
    await store.engine.run(`ATTACH '${to}' AS theirs`)
    await store.engine.run("CREATE TABLE theirs.t AS SELECT 42 AS n")
    await store.engine.run("DETACH theirs")
    const before = digest(to)
    const theirs = await refused(copy())
    expect([theirs.code, theirs.exitCode]).toEqual(["foreign", 2])
    expect(theirs.message).toContain("druidsync did not make")
    expect(digest(to)).toBe(before)
  })
})

describe("a copy that cannot be made", () => {
  it("is not put over one that another program writes to: it is named", async () => {
    await commitDay(1)
    await copy()
    await commitDay(2)
    const other = await holding(to)
    try {
      const error = await refused(copy())
      expect([error.code, error.exitCode]).toEqual(["locked", 11])
      expect(error.message).toContain(other.name)
    } finally {
      await other.letGo()
    }
    expect(await copy()).toBe("published")
  }, 30_000)

  it("is not put beside a log that someone wrote to the old one", async () => {
    await commitDay(1)
    await copy()
    await commitDay(2)
    writeFileSync(`${to}.wal`, "theirs")
    const before = digest(to)
    const error = await refused(copy())
    expect([error.code, error.exitCode]).toEqual(["publish", 1])
    expect(error.message).toContain(`${to}.wal is there`)
    expect(error.message).toContain(`${store.path} itself is whole`)
    expect(digest(to)).toBe(before)
  })

  it("and differs from the original is thrown away", async () => {
    await commitDay(1)
    await copy()
    const before = digest(to)
    await commitDay(2)
    // Between the copy and its check, someone damages it.
    const engine = {
      ...store.engine,
      run: async (sql: string) => {
        const aside = /ATTACH '([^']*druidsync-[^']*)' AS published/.exec(sql)?.[1]
        if (aside !== undefined) writeFileSync(aside, readFileSync(to))
        return store.engine.run(sql)
      },
    }
    const error = await refused(publish(engine, store.file(), to))
    expect(error.code).toBe("publish")
    expect(error.message).toContain("does not hold what the original holds")
    expect(digest(to)).toBe(before)
    expect(readdirSync(store.folder).sort()).toEqual(["out.duckdb", "shown.duckdb"])
  })
})

describe("a copy whose process is killed", () => {
  /** Publishes in a process of its own, which kills itself at the nth call to the engine. @returns whether it died */
  function publishing(dieAt: number): boolean {
    const source = (name: string) => JSON.stringify(join(import.meta.dirname, "../../src/store", name))
    const script = `
      const { openEngine } = await import(${source("engine.ts")})
      const { databaseFile } = await import(${source("file/file.ts")})
      const { publish } = await import(${source("file/publish.ts")})
      const engine = await openEngine({ memoryLimit: "100MB", threads: 1 })
      let calls = 0
      const dying = (call) => async (...args) => {
        if (++calls === ${dieAt}) process.kill(process.pid, "SIGKILL")
        return call(...args)
      }
      const mortal = { ...engine, run: dying(engine.run), rows: dying(engine.rows) }
      const clock = { sleep: () => Promise.resolve(), nowMs: () => 0 }
      const file = databaseFile(mortal, { path: ${JSON.stringify(store.path)}, lockWaitMs: 0, clock })
      await publish(mortal, file, ${JSON.stringify(to)})
      engine.close()`
    const { signalCode, exitCode, stderr } = Bun.spawnSync([process.execPath, "-e", script])
    if (signalCode !== "SIGKILL" && exitCode !== 0) throw new Error(stderr.toString())
    return signalCode === "SIGKILL"
  }

  it("at any moment leaves the old copy or the new one, and the next run tidies up", async () => {
    await commitDay(1)
    await copy()
    const leftovers = new Set<number>()
    let deaths = 0
    for (let n = 1; ; n++) {
      const before = digest(to)
      await commitDay(1 + n)
      const died = publishing(n)
      expect([before, digest(store.path)]).toContain(digest(to))
      leftovers.add(readdirSync(store.folder).length)
      if (!died) break
      deaths++
      await copy()
      expect(digest(to)).toBe(digest(store.path))
      expect(readdirSync(store.folder).sort()).toEqual(["out.duckdb", "shown.duckdb"])
    }
    expect(deaths).toBeGreaterThan(8)
    // Some died with a copy aside: the test has seen what is to be tidied up.
    expect([...leftovers].sort()).toEqual([2, 3])
  }, 120_000)
})
