/** Files that DuckDB was still writing when the process died: none is left at the user's path, none blocks a run. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Engine, literal, openEngine } from "../../src/store/engine.ts"
import { companionFolder } from "../../src/store/file/companion.ts"
import { databaseFile } from "../../src/store/file/file.ts"
import { acquireRunLock } from "../../src/store/file/run-lock.ts"

let folder: string
let path: string
let engine: Engine
const still = { sleep: async () => {}, nowMs: () => 0 }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "druidsync-stumps-"))
  path = join(folder, "a.duckdb")
  engine = await openEngine({ memoryLimit: "100MB", threads: 1 })
})
afterEach(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A DuckDB file as it is before its third block is written. */
async function stump(at: string, bytes: number): Promise<void> {
  const whole = join(folder, "whole.duckdb")
  await engine.run(`ATTACH ${literal(whole)} AS whole`)
  await engine.run("DETACH whole")
  writeFileSync(at, readFileSync(whole).subarray(0, bytes))
  rmSync(whole)
}

describe("a new DuckDB file", () => {
  it("is never written at its own path: whoever dies meanwhile leaves nothing there", async () => {
    mkdirSync(companionFolder(path))
    const seen: boolean[] = []
    const watched = {
      run: (sql: string) => {
        if (sql.startsWith(`ATTACH ${literal(path)}`)) seen.push(existsSync(path))
        return engine.run(sql)
      },
    }
    const file = databaseFile(watched, { path, lockWaitMs: 0, clock: still })
    await file.write(() => engine.run("CREATE TABLE file.t AS SELECT 1 AS a"))
    expect(seen).toEqual([true])
    expect(readdirSync(companionFolder(path))).toEqual([])
    expect(await file.read(() => engine.rows("FROM file.t"))).toEqual([[1]])
  })

  it("does not take the place of one that someone else made meanwhile", async () => {
    mkdirSync(companionFolder(path))
    const hasty = {
      run: async (sql: string) => {
        await engine.run(sql)
        if (sql !== "DETACH fresh") return
        await engine.run(`ATTACH ${literal(path)} AS theirs`)
        await engine.run("CREATE TABLE theirs.theirs AS SELECT 1 AS a")
        await engine.run("DETACH theirs")
      },
    }
    const file = databaseFile(hasty, { path, lockWaitMs: 0, clock: still })
    await file.write(() => engine.run("CREATE TABLE file.t AS SELECT 2 AS a"))
    expect(await file.read(() => engine.rows("FROM file.theirs"))).toEqual([[1]])
  })
})

describe("a lock that a dead run left half-written", () => {
  for (const bytes of [0, 4096, 8192]) {
    it(`of ${bytes} bytes is replaced`, async () => {
      mkdirSync(companionFolder(path))
      await stump(join(companionFolder(path), "lock"), bytes)
      const lock = await acquireRunLock(engine, { path, waitMs: 0, clock: still })
      expect(existsSync(lock.spoolDir)).toBe(true)
      await lock.release()
      expect(readdirSync(folder)).toEqual([])
    })
  }
})
