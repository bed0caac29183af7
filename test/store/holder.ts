/**
 * A second process for the tests of locks: holds a DuckDB file, or a run lock, until its stdin ends or it is killed.
 * Prints one line when it has it: `held`, or the error's code and message.
 *
 *     bun holder.ts file|run PATH
 */
import { openEngine } from "../../src/store/engine.ts"
import { databaseFile } from "../../src/store/file/file.ts"
import { acquireRunLock } from "../../src/store/file/run-lock.ts"

const [kind, path = ""] = process.argv.slice(2)
const engine = await openEngine({ memoryLimit: "100MB", threads: 1 })
const still = { sleep: () => Promise.resolve(), nowMs: () => 0 }
const ended = new Promise<void>((done) => {
  process.stdin.on("end", done)
  process.stdin.resume()
})
const hold = async () => {
  console.log("held")
  await ended
}
try {
  if (kind === "run") {
    const lock = await acquireRunLock(engine, { path, waitMs: 0, clock: still })
    await hold()
    await lock.release()
  } else {
    await databaseFile(engine, { path, lockWaitMs: 0, clock: still }).write(hold)
  }
} catch (error) {
  console.log(`${(error as { code?: string }).code}: ${(error as Error).message}`)
}
engine.close()
