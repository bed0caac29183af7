/** How often another program can read the file while a pull works on it, and whether what it sees is whole. */

import { existsSync } from "node:fs"
import { DuckDBInstance } from "@duckdb/node-api"
import type { Locking } from "./results.ts"

const EVERY_MS = 100

/**
 * Tries to open the file read-only every 100 ms until `isOver`; only tries since the file is there count. Each look
 * that succeeds holds the rows of the table against those of its checkpoints, which takes milliseconds: a reader that
 * keeps the file open for long would measure itself.
 */
export async function tryReading(path: string, table: string, isOver: () => boolean): Promise<Locking> {
  let attempts = 0
  let successes = 0
  let torn = 0
  let longestMs = 0
  let lockedSince: number | undefined
  while (!isOver()) {
    const start = performance.now()
    if (existsSync(path)) {
      attempts++
      const seen = await look(path, table)
      if (seen !== "locked") {
        successes++
        if (seen === "torn") torn++
        lockedSince = undefined
      } else {
        lockedSince ??= start
        longestMs = Math.max(longestMs, performance.now() - lockedSince + EVERY_MS)
      }
    }
    await Bun.sleep(Math.max(0, EVERY_MS - (performance.now() - start)))
  }
  return { attempts, successes, longestMs, torn }
}

/** One open, one look. `torn`: a slice is there in part, or its rows without their checkpoint or the reverse. */
async function look(path: string, table: string): Promise<"whole" | "torn" | "locked"> {
  let instance: DuckDBInstance
  try {
    instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" })
  } catch {
    // Locked is what is counted here.
    return "locked"
  }
  const connection = await instance.connect()
  try {
    const named = await connection.runAndReadAll(
      `SELECT 1 FROM duckdb_tables() WHERE table_name = '${table}'`,
    )
    if (named.currentRowCount === 0) return "whole"
    const found = await connection.runAndReadAll(
      `SELECT (SELECT count(*) FROM "${table}") = (SELECT coalesce(sum(rows), 0) FROM _sync_chunks)
         AND (SELECT count(*) FROM "${table}") = (SELECT coalesce(sum(rows), 0) FROM _sync_state)`,
    )
    return found.getRows()[0]![0] === true ? "whole" : "torn"
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
