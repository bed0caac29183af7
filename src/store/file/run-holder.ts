/** Tells whether a run works on a file now, without keeping one out. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { lockHolder } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import { companionFolder, LOCK_NAME } from "./companion.ts"

/**
 * @param path the user's file
 * @returns program and PID of the run that holds the run lock; undefined if nobody does
 */
export async function runHolder(engine: Engine, path: string): Promise<string | undefined> {
  const lock = join(companionFolder(path), LOCK_NAME)
  if (!existsSync(lock)) return undefined
  try {
    await engine.run(`ATTACH ${literal(lock)} AS run_lock_look (READ_ONLY)`)
    await engine.run("DETACH run_lock_look")
    return undefined
  } catch (error) {
    // Any other failure (the folder went away meanwhile, no permission) says nothing about a holder.
    return lockHolder(error)
  }
}
