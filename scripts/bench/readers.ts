/** How often another program can read the file while a pull works on it. */

import { existsSync } from "node:fs"
import { DuckDBInstance } from "@duckdb/node-api"
import type { Locking } from "./results.ts"

const EVERY_MS = 100

/** Tries to open the file read-only every 100 ms until `isOver`; only tries since the file is there count. */
export async function tryReading(path: string, isOver: () => boolean): Promise<Locking> {
  let attempts = 0
  let successes = 0
  let longestMs = 0
  let lockedSince: number | undefined
  while (!isOver()) {
    const start = performance.now()
    if (existsSync(path)) {
      attempts++
      if (await canRead(path)) {
        successes++
        lockedSince = undefined
      } else {
        lockedSince ??= start
        longestMs = Math.max(longestMs, performance.now() - lockedSince + EVERY_MS)
      }
    }
    await Bun.sleep(Math.max(0, EVERY_MS - (performance.now() - start)))
  }
  return { attempts, successes, longestMs }
}

async function canRead(path: string): Promise<boolean> {
  try {
    const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" })
    const connection = await instance.connect()
    await connection.run("SELECT count(*) FROM duckdb_tables()")
    connection.closeSync()
    instance.closeSync()
    return true
  } catch {
    // Locked is what is counted here.
    return false
  }
}
