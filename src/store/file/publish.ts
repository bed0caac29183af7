/**
 * A copy of the user's file beside it, for readers that keep it open: made aside, proven to hold what the original
 * holds, and put in its place by a rename, so that programs that have the old one open go on reading it whole.
 * Call it under the run lock and with the file detached. Whatever fails, neither the original nor an older copy is
 * touched; what a killed copy left aside is removed by the next call.
 */
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { lstat, realpath, rm, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import type { DuckDBValue } from "@duckdb/node-api"
import { beginsWith, makeAside } from "../../base/aside.ts"
import { DruidsyncError, ExitCode, usage } from "../../base/errors.ts"
import { codeOf, refusalOf, whyOf } from "../../base/system.ts"
import { lockHolder } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import { LOOKUPS, tableNames } from "../notes/tables.ts"
import { companionFolder, logOf } from "./companion.ts"
import { copyWhole } from "./copy.ts"
import type { DatabaseFile } from "./file.ts"
import { lockedError } from "./file-errors.ts"

/** What became of a copy. `nothing`: there is no file yet that could be copied. */
export type Published = "published" | "up-to-date" | "nothing"

/** Where DuckDB's files say what they are: at this byte, these letters. */
const MAGIC_AT = 8
const MAGIC = "DUCK"

/**
 * Looks whether a copy of `out` may be put at `to`, before anything else is done.
 * @throws DruidsyncError `usage` (exit 2): it is the file itself, a folder, or nowhere; `foreign` (exit 2): it is a file
 * that is not DuckDB's
 */
export async function checkPublishPath(out: string, to: string): Promise<void> {
  const refuse = (why: string, hint: string) => usage(`the copy cannot be published at ${to}: ${why}`, hint)
  const another = "give --publish another path"
  const own = [out, logOf(out), companionFolder(out)]
  if (own.includes(to) || logOf(to) === out || (await isSameFile(out, to)))
    throw refuse("that is the file that is pulled into", another)
  const found = await stat(to).catch(() => undefined)
  if (found?.isDirectory()) throw refuse("that is a folder", "name a file in it")
  if (found !== undefined && !found.isFile()) throw refuse("that is not a file", another)
  const folder = await stat(dirname(await target(to))).catch(() => undefined)
  if (!folder?.isDirectory()) throw refuse("there is no such folder", "make it first, or give another path")
  const isCopy = found === undefined ? undefined : beginsWith(to, MAGIC, MAGIC_AT)
  const isReadable = await isCopy?.catch((error) => {
    const refusal = refusalOf(error, "file", "--publish")
    throw refuse(whyOf(error, "file"), refusal?.hint ?? another)
  })
  if (isReadable === false) throw foreign(to, "is not a DuckDB file")
}

/**
 * Looks into what is at `to`, where that is a database: what druidsync did not make is not replaced. What else may be wrong
 * with it is told when it is to be replaced.
 * @throws DruidsyncError `foreign` (exit 2)
 */
export async function refuseForeignCopy(engine: Engine, to: string): Promise<void> {
  const place = await target(to)
  if (!existsSync(place)) return
  await copyState(engine, place).catch((error) => {
    if (error instanceof DruidsyncError && error.code === "foreign") throw error
  })
}

/**
 * Brings the copy at `to` up to date with the file.
 * @throws the signal's reason; an older copy is there as it was then
 * @throws DruidsyncError `publish` (exit 1) if it cannot be written or is not what it should be; `locked` if a
 * program has the file or the copy open for writing; as `checkPublishPath`
 */
export async function publish(
  engine: Engine,
  file: DatabaseFile,
  to: string,
  signal?: AbortSignal,
): Promise<Published> {
  await checkPublishPath(file.path, to)
  const place = await target(to)
  const aside = asidePath(file.path, place)
  try {
    await removeAside(aside)
    if (!file.exists()) return "nothing"
    // A log beside the file holds what a killed run had committed. Opened for writing and closed, it is in the file.
    if (existsSync(logOf(file.path))) await file.write(() => Promise.resolve(), signal)
    return await file.read(async () => {
      const state = await stateOf(engine, "file")
      const old = existsSync(place) ? await copyState(engine, place) : undefined
      if (old === state) return "up-to-date"
      if (existsSync(logOf(file.path))) throw new Error(`${logOf(file.path)} is still there`)
      // Reading while it is attached: other programs are kept from writing until the copy is whole. Closing that
      // handle drops the lock, after which nothing is done but to detach.
      const mode = (await stat(file.path)).mode & 0o777
      await makeAside(place, { aside, mode, durable: true }, async () => {
        await copyWhole(file.path, aside, signal)
        if ((await copyState(engine, aside)) !== state)
          throw new Error("it does not hold what the original holds")
      })
      return "published"
    }, signal)
  } catch (error) {
    await removeAside(aside).catch(() => undefined)
    signal?.throwIfAborted()
    throw publishError(file.path, to, error)
  }
}

/** The file behind a symbolic link: the link stays. */
async function target(path: string): Promise<string> {
  return realpath(path).catch(async () => {
    // A link to a file that is not there yet, or no file at all.
    const folder = await realpath(dirname(path)).catch(() => dirname(path))
    return join(folder, basename(path))
  })
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  if ((await target(a)) === (await target(b))) return true
  const [one, other] = await Promise.all(
    [a, b].map((path) => stat(path, { bigint: true }).catch(() => undefined)),
  )
  return (
    one !== undefined &&
    other !== undefined &&
    one.ino !== 0n &&
    one.ino === other.ino &&
    one.dev === other.dev
  )
}

/** Beside the copy, so that it can be renamed; one name per original, so that two of them do not meet. */
function asidePath(out: string, to: string): string {
  const digest = createHash("sha256").update(out).digest("hex").slice(0, 12)
  return join(dirname(to), `.${basename(to)}.druidsync-${digest}`)
}

async function removeAside(aside: string): Promise<void> {
  await rm(aside, { force: true })
  await rm(logOf(aside), { force: true })
}

/** State of the copy at `path`. @throws where it is none of ours, or is open for writing elsewhere */
async function copyState(engine: Engine, path: string): Promise<string> {
  // DuckDB would take a log that someone wrote to the old copy for one of the new.
  if (await lstat(logOf(path)).catch(() => undefined)) {
    throw new Error(`${logOf(path)} is there: another program writes into it; open it read-only there`)
  }
  try {
    await engine.run(`ATTACH ${literal(path)} AS published (READ_ONLY, TYPE duckdb)`)
  } catch (error) {
    const holder = lockHolder(error)
    throw holder === undefined ? error : lockedError(path, holder, 0)
  }
  try {
    const tables = await tableNames(engine, "published")
    if (!tables.includes("_sync_state")) throw foreign(path, "is a DuckDB file that druidsync did not make")
    return await stateOf(engine, "published")
  } finally {
    await engine.run("DETACH published")
  }
}

/**
 * What a database holds, as one text: checkpoints, state and tables. The times of runs that brought nothing are left out,
 * so that such a run does not make an old copy of a new one.
 */
async function stateOf(engine: Engine, database: "file" | "published"): Promise<string> {
  const hash = createHash("sha256")
  const take = (rows: DuckDBValue[][]) => {
    for (const row of rows) hash.update(JSON.stringify(row.map(String)))
  }
  const names = (await tableNames(engine, database)).sort()
  take(names.map((name) => [name]))
  take(
    await engine.rows(
      `SELECT datasource, "table", cursor::VARCHAR, rows, status, columns::VARCHAR, settings, format
       FROM ${database}._sync_state ORDER BY datasource`,
    ),
  )
  take(
    await engine.rows(
      `SELECT datasource, start_ms, end_ms, rows, state, segments, settings, run_id, committed_at::VARCHAR
       FROM ${database}._sync_chunks ORDER BY ALL`,
    ),
  )
  if (names.includes(LOOKUPS.name))
    take(
      await engine.rows(
        `SELECT lookup, "table", fingerprint, status FROM ${database}.${LOOKUPS.name} ORDER BY lookup`,
      ),
    )
  return hash.digest("hex")
}

function foreign(path: string, what: string): DruidsyncError {
  return new DruidsyncError("foreign", `${path} ${what}; no copy is published over it`, {
    hint: "give --publish a new path, or move that file away",
  })
}

function publishError(out: string, to: string, error: unknown): DruidsyncError {
  // It says already what is wrong with that place.
  if (error instanceof DruidsyncError && error.exitCode !== ExitCode.failed) return error
  const why = codeOf(error) === "ENOSPC" ? "no space left" : whyOf(error, "place")
  return new DruidsyncError(
    "publish",
    `no copy could be published at ${to}: ${why}; ${out} itself is whole`,
    {
      hint: "fix that and pull again; the copy will be made even if there is no new data",
      cause: error,
    },
  )
}
