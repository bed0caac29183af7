/**
 * The user's DuckDB file: attached to the engine as `file` for the length of one piece of work and detached after, so
 * that readers get in between. A lock held by someone else is waited for, and named by program and PID when the wait
 * is over. Never opens the file by any other means while it is attached: closing such a handle would drop DuckDB's
 * lock (POSIX locks belong to the process).
 */
import { existsSync } from "node:fs"
import { rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { placeNew } from "../../base/aside.ts"
import { DruidsyncError, ExitCode, messageOf } from "../../base/errors.ts"
import { codeOf, refusalOf } from "../../base/system.ts"
import { type Engine, literal } from "../engine.ts"
import { makeTwin } from "./twin.ts"

export interface FileOptions {
  readonly path: string
  /** how long a lock held by another program is waited for, ms */
  readonly lockWaitMs: number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly nowMs: () => number
  /** told once per wait: who holds the lock, in words */
  readonly onWait?: (holder: string) => void
  /** no pull is meant: hints say nothing of one. Default: false */
  readonly onlyLooks?: boolean | undefined
  /** whether a file of that many bytes is copied for a transaction that brings that many. Default: `isWorthCopying` */
  readonly copies?: ((size: number, bringing: number) => boolean) | undefined
}

export interface DatabaseFile {
  readonly path: string
  exists(): boolean
  /** Runs `work` with the file attached read-only as `file`. @throws DruidsyncError `locked`, `foreign`, `file` */
  read<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /**
   * Runs `work` in one transaction with the file attached as `file`: all of it is committed, or nothing. It may be called
   * a second time, after the first was undone. Where much comes
   * to a small file, and where readers have it open for longer than `lockWaitMs`, it is written in a copy that takes the
   * file's place: readers are not kept out, and those who have it open go on reading the old one.
   * @param bringing bytes of rows that it brings, as they came. Default: none to speak of
   * @throws DruidsyncError `locked`, `foreign`, `file`, `disk-full`
   */
  write<T>(work: () => Promise<T>, signal?: AbortSignal, bringing?: number): Promise<T>
}

/**
 * Copying must not cost more than what it is done for: rows are a fifth as long in the file as they came, so that a file
 * that grows by such transactions is copied a few times over at most.
 */
export function isWorthCopying(size: number, bringing: number): boolean {
  return size <= 2 * bringing
}

/** Where a new file is made; what a run that died left of one is removed by the next (`run-lock.ts`). */
export const FRESH_NAME = "new.duckdb"

/** First pause between two tries for a lock, ms; pauses grow to ten times this. */
const LOCK_POLL_MS = 25

export function databaseFile(engine: Pick<Engine, "run">, options: FileOptions): DatabaseFile {
  const { path, onlyLooks = false, copies = isWorthCopying } = options
  let queue: Promise<unknown> = Promise.resolve()
  /** some have it open for reading for longer than we wait */
  let readersStay = false

  const asOurs = (error: unknown) => fileError(path, error, onlyLooks)

  /** Runs `work` with a database attached. What fails in it is the news; a detach that fails after it is not. */
  async function within<T>(name: string, work: () => Promise<T>): Promise<T> {
    let result: T
    try {
      result = await work()
    } catch (error) {
      await engine.run(`DETACH ${name}`).catch(() => undefined)
      throw error
    }
    await engine.run(`DETACH ${name}`).catch((error) => {
      throw asOurs(error)
    })
    return result
  }

  async function transaction<T>(work: () => Promise<T>): Promise<T> {
    await engine.run("BEGIN")
    try {
      const result = await work()
      await engine.run("COMMIT")
      return result
    } catch (error) {
      await engine.run("ROLLBACK").catch(() => undefined)
      throw asOurs(error)
    }
  }

  async function written<T>(work: () => Promise<T>, signal: AbortSignal | undefined, bringing: number) {
    await create()
    const size = (await stat(path).catch(() => undefined))?.size ?? 0
    if (readersStay || copies(size, bringing)) {
      const done = await replaced(work, options.lockWaitMs, signal)
      if (done !== undefined) return done.result
      // Someone may have removed it meanwhile.
      await create()
    }
    try {
      await attachWhenFree("READ_WRITE", "file", options.lockWaitMs, signal)
    } catch (error) {
      // Readers who stay keep what they have open, and who opens it next gets the new file.
      const done = isLocked(error)
        ? await replaced(work, 0, signal).catch((other) => {
            throw isLocked(other) ? error : other
          })
        : undefined
      if (done === undefined) throw error
      readersStay = true
      return done.result
    }
    return within("file", () => transaction(work))
  }

  /**
   * Runs the work in a copy that takes the file's place.
   * @returns undefined where that cannot be: the file is as it was, and the work is to be done once more
   */
  async function replaced<T>(work: () => Promise<T>, waitMs: number, signal: AbortSignal | undefined) {
    const twin = await makeTwin(path, companionFolder(path))
    if (twin === undefined) return undefined
    try {
      // Whoever writes to the original is waited for, and none begins until it is replaced.
      try {
        await attachWhenFree("READ_ONLY", "original", waitMs, signal)
      } catch (error) {
        if (!existsSync(path)) return undefined
        throw error
      }
      return await within("original", async () => {
        if (!(await twin.isCurrent())) return undefined
        await engine.run(`ATTACH ${literal(twin.path)} AS file (READ_WRITE, TYPE duckdb)`)
        const result = await within("file", () => transaction(work))
        return (await twin.replace()) ? { result } : undefined
      }).catch((error) => {
        throw asOurs(error)
      })
    } finally {
      await twin.discard()
    }
  }

  /**
   * DuckDB writes a new file in several steps. A process that dies between them would leave a file that nobody can
   * open any more, this program's next run included: so a new file is made aside, and put in its place whole.
   */
  async function create(): Promise<void> {
    const folder = companionFolder(path)
    if (existsSync(path) || !existsSync(folder)) return
    try {
      await createAside(join(folder, FRESH_NAME))
    } catch (error) {
      throw asOurs(error)
    }
  }

  async function createAside(fresh: string): Promise<void> {
    await rm(fresh, { force: true })
    await engine.run(`ATTACH ${literal(fresh)} AS fresh (READ_WRITE, TYPE duckdb)`)
    await engine.run("DETACH fresh")
    await placeNew(fresh, path).catch((error) => {
      // Someone made the file meanwhile (or it is a symbolic link to none yet): it is theirs to be opened.
      if (error.code !== "EEXIST") throw error
    })
  }

  async function attachWhenFree(
    mode: "READ_ONLY" | "READ_WRITE",
    name: string,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const deadline = options.nowMs() + waitMs
    let pause = LOCK_POLL_MS
    let told = false
    for (;;) {
      signal?.throwIfAborted()
      try {
        // Without the type, DuckDB goes by the name: a file called `x.json` or `x.csv` would be attached as an empty
        // database in memory, and what is committed there would be gone.
        await engine.run(`ATTACH ${literal(path)} AS ${name} (${mode}, TYPE duckdb)`)
        return
      } catch (error) {
        const holder = lockHolder(error)
        if (holder === undefined) throw fileError(path, error, onlyLooks)
        const left = deadline - options.nowMs()
        if (left <= 0) throw lockedError(path, holder, waitMs)
        if (!told) options.onWait?.(holder)
        told = true
        await options.sleep(Math.min(pause, left), signal)
        pause = Math.min(pause * 2, LOCK_POLL_MS * 10)
      }
    }
  }

  /** The engine can attach the file once at a time: work on it queues. */
  function queued<T>(work: () => Promise<T>): Promise<T> {
    const next = queue.then(work, work)
    queue = next.catch(() => undefined)
    return next
  }

  return {
    path,
    exists: () => existsSync(path),
    read: (work, signal) =>
      queued(async () => {
        await attachWhenFree("READ_ONLY", "file", options.lockWaitMs, signal)
        return within("file", work)
      }),
    write: (work, signal, bringing = 0) => queued(() => written(work, signal, bringing)),
  }
}

/** The folder beside the user's file that a run makes, works in and takes away. */
export function companionFolder(path: string): string {
  return `${path}.druidsync`
}

/** Who holds the lock, from DuckDB's message: `python3.11 (PID 4711)`; undefined where it is not about a lock. */
export function lockHolder(error: unknown): string | undefined {
  const text = messageOf(error)
  const match = /Conflicting lock is held in (.+?) \(PID (\d+)\)/.exec(text)
  if (match !== null) return `${match[1]!.split("/").at(-1)} (PID ${match[2]})`
  if (/Could not set lock on file|being used by another process/i.test(text)) return "another program"
  return undefined
}

function isLocked(error: unknown): boolean {
  return error instanceof DruidsyncError && error.code === "locked"
}

export function lockedError(path: string, holder: string, waitedMs: number): DruidsyncError {
  return new DruidsyncError(
    "locked",
    `${path} is locked by ${holder}; waited ${Math.round(waitedMs / 1000)} s`,
    {
      exitCode: ExitCode.locked,
      hint: "close it there, or wait longer with --lock-wait",
    },
  )
}

/** DuckDB's complaint about the file as ours. What is not about the file passes as it is. */
function fileError(path: string, error: unknown, onlyLooks: boolean): unknown {
  if (error instanceof DruidsyncError) return error
  const text = messageOf(error)
  const wrap = (code: "file" | "foreign" | "disk-full", message: string, hint: string, exitCode?: ExitCode) =>
    new DruidsyncError(code, message, { hint, cause: error, ...(exitCode === undefined ? {} : { exitCode }) })
  if (/not a valid DuckDB database|not a DuckDB|valid SQLite|unknown file type|file type/i.test(text)) {
    if (onlyLooks) {
      const hint = "give --out the file that druidsync pull made"
      return wrap("foreign", `${path} is not a DuckDB file`, hint, ExitCode.usage)
    }
    const hint = "give --out a new path, or the file of an earlier pull"
    return wrap("foreign", `${path} is there already and is not a DuckDB file`, hint, ExitCode.usage)
  }
  if (codeOf(error) === "ENOSPC") {
    return wrap(
      "disk-full",
      `no space left while writing ${path}; nothing of this step was stored`,
      "free space and pull again",
    )
  }
  if (/database with version|serialization|newer version/i.test(text)) {
    return wrap(
      "file",
      `${path} was written by another version of DuckDB: ${firstLine(text)}`,
      "use a newer druidsync, or another --out",
    )
  }
  const refusal = refusalOf(error, onlyLooks ? "file" : "place", "--out")
  if (refusal !== undefined || /Cannot open file/i.test(text)) {
    return wrap(
      "file",
      `${path} cannot be opened: ${refusal?.why ?? firstLine(text)}`,
      refusal?.hint ?? (onlyLooks ? "check --out" : "check that the folder exists and is writable"),
    )
  }
  if (/^IO Error/i.test(text))
    return wrap(
      "file",
      `${path}: ${firstLine(text)}`,
      onlyLooks ? CHECK_DISK : `${CHECK_DISK}, then pull again`,
    )
  return error
}

const CHECK_DISK = "check the disk"

function firstLine(text: string): string {
  return text.split("\n")[0]!
}
