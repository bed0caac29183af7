/**
 * Keeps a second druidsync off the same file for a whole run. The lock is the operating system's own, held through a
 * small DuckDB database in the companion folder `<out>.druidsync`, so it cannot survive a crash and it names its
 * holder. The folder also takes the spool; what a crashed run left there is removed under the lock.
 */
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { lstat, mkdir, readdir, readlink, rm, rmdir } from "node:fs/promises"
import { join } from "node:path"
import { DruidsyncError } from "../../base/errors.ts"
import { codeOf, refusalOf, whyOf } from "../../base/system.ts"
import { lockHolder, says } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import { companionFolder, FRESH_NAME, LOCK_NAME, TWIN_NAME } from "./companion.ts"
import { noLocksError } from "./file-errors.ts"
import { Patience, type PatienceOptions } from "./patience.ts"

export interface RunLock {
  /** private folder of this run's files; empty at the start */
  readonly spoolDir: string
  /** removes the run's files and releases the lock */
  release(): Promise<void>
}

export interface RunLockOptions extends PatienceOptions {
  /** the user's file */
  readonly path: string
  /** another place for the spool, from `--spool-dir` */
  readonly spoolDir?: string | undefined
}

/** @throws DruidsyncError `locked` (exit 11) while another run works on the file, `file` if the folder cannot be made */
export async function acquireRunLock(engine: Engine, options: RunLockOptions): Promise<RunLock> {
  const folder = companionFolder(options.path)
  const lockPath = join(folder, LOCK_NAME)
  const patience = new Patience(options)
  let hasRemovedStump = false
  for (;;) {
    options.signal?.throwIfAborted()
    await makeFolder(folder, options.path)
    try {
      await engine.run(`ATTACH ${literal(lockPath)} AS run_lock (READ_WRITE)`)
      if (await stillThere(lockPath)) break
      // Its last holder removed the file between our open and our lock: our lock protects nothing.
      await engine.run("DETACH run_lock")
    } catch (error) {
      if (says(error, "noLocks")) throw noLocksError(options.path, error)
      const holder = lockHolder(error)
      // The last holder took the whole folder away between our two steps: make it again.
      if (holder === undefined && !existsSync(folder)) continue
      // Once: where the disk is full, the next try leaves another stump.
      if (holder === undefined && !hasRemovedStump && (await removeStump(lockPath))) {
        hasRemovedStump = true
        continue
      }
      if (holder === undefined) throw folderError(folder, error)
      if (await patience.wait(holder)) continue
      throw new DruidsyncError("locked", `another druidsync works on ${options.path}: ${holder}`, {
        hint: "let it finish, or wait for it with --lock-wait",
      })
    }
  }
  const spoolDir = join(options.spoolDir ?? folder, spoolName(options))
  try {
    await removeLeftovers(folder, options)
    await mkdir(spoolDir, { recursive: true, mode: 0o700 })
  } catch (error) {
    await engine.run("DETACH run_lock").catch(() => undefined)
    throw folderError(
      options.spoolDir ?? folder,
      error,
      options.spoolDir === undefined ? "--out" : "--spool-dir",
    )
  }
  return {
    spoolDir,
    async release() {
      await rm(spoolDir, { recursive: true, force: true })
      // Removed while still held: a process that opened it meanwhile notices by `stillThere`. Elsewhere that cannot be
      // found out, so there the small lock file stays. The folder goes only if it is empty: between the two steps the
      // next run may have made its own lock in it.
      if (process.platform === "linux") {
        await rm(lockPath, { force: true })
        await rmdir(folder).catch(() => undefined)
      }
      await engine.run("DETACH run_lock").catch(() => undefined)
    },
  }
}

/** Three blocks that DuckDB writes one after another into every new file. */
const WHOLE_LOCK_BYTES = 3 * 4096

/**
 * A run that died while DuckDB was writing its lock leaves a stump that cannot be opened. Nobody works under it: a run
 * that is writing a lock holds it, and DuckDB would have told us so.
 * @returns whether there was one
 */
async function removeStump(lockPath: string): Promise<boolean> {
  const found = await lstat(lockPath).catch(() => undefined)
  if (found === undefined || !found.isFile() || found.size >= WHOLE_LOCK_BYTES) return false
  await rm(lockPath, { force: true })
  return true
}

const SPOOL_PREFIX = "druidsync-spool-"
/** Beginnings of the names of what a run makes in the folder beside the lock; DuckDB's logs end in `.wal`. */
const LEFTOVERS = [SPOOL_PREFIX, FRESH_NAME, TWIN_NAME]

/** One name per user file, so that runs on other files in the same spool folder are left alone. */
function spoolName(options: RunLockOptions): string {
  return SPOOL_PREFIX + createHash("sha256").update(options.path).digest("hex").slice(0, 32)
}

/** What crashed runs on this file left behind: no other run works there while we hold the lock. */
async function removeLeftovers(folder: string, options: RunLockOptions): Promise<void> {
  await rm(join(options.spoolDir ?? folder, spoolName(options)), { recursive: true, force: true })
  for (const name of await readdir(folder)) {
    if (!LEFTOVERS.some((start) => name.startsWith(start))) continue
    await rm(join(folder, name), { recursive: true, force: true })
  }
}

async function makeFolder(folder: string, path: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw folderError(path, error)
    if (!(await lstat(folder)).isDirectory())
      throw folderError(folder, new Error("it is there and is not a folder"))
  }
}

/** Is the file that we locked still the one at its path? Only Linux can tell for sure without reopening it. */
async function stillThere(lockPath: string): Promise<boolean> {
  if (process.platform !== "linux") return true
  for (const fd of await readdir("/proc/self/fd")) {
    const target = await readlink(`/proc/self/fd/${fd}`).catch(() => "")
    if (target.endsWith(" (deleted)") && target.slice(0, -" (deleted)".length).endsWith("/lock")) return false
  }
  return lstat(lockPath).then(
    () => true,
    () => false,
  )
}

function folderError(folder: string, error: unknown, flag = "--out"): DruidsyncError {
  if (error instanceof DruidsyncError) return error
  if (codeOf(error) === "ENOSPC") {
    return new DruidsyncError("disk-full", `no space left to start a run at ${folder}`, { cause: error })
  }
  return new DruidsyncError("file", `${folder} cannot be written: ${whyOf(error, "place")}`, {
    hint: refusalOf(error, "place", flag)?.hint ?? `check that the folder of ${flag} exists and is writable`,
    cause: error,
  })
}
