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
import { serial } from "../../base/serial.ts"
import { lockHolder } from "../duckdb-errors.ts"
import { type Engine, literal } from "../engine.ts"
import { companionFolder, FRESH_NAME, logOf } from "./companion.ts"
import { fileError, isLocked, lockedError } from "./file-errors.ts"
import { makeLogFolders, removeLogFolders } from "./log-folder.ts"
import { Patience, type PatienceOptions } from "./patience.ts"
import { makeTwin } from "./twin.ts"

export interface FileOptions extends Pick<PatienceOptions, "clock" | "onWait"> {
  readonly path: string
  /** how long a lock held by another program is waited for, ms; a function where less and less time is left */
  readonly lockWaitMs: number | (() => number)
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

export function databaseFile(engine: Pick<Engine, "run">, options: FileOptions): DatabaseFile {
  return new AttachableFile(engine, options)
}

class AttachableFile implements DatabaseFile {
  readonly path: string
  readonly #engine: Pick<Engine, "run">
  readonly #options: FileOptions
  /** The engine can attach the file once at a time: work on it queues. */
  readonly #inTurn = serial()
  /** some have it open for reading for longer than we wait */
  #readersStay = false

  constructor(engine: Pick<Engine, "run">, options: FileOptions) {
    this.path = options.path
    this.#engine = engine
    this.#options = options
  }

  exists(): boolean {
    return existsSync(this.path)
  }

  read<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#inTurn(async () => {
      await this.#attach("READ_ONLY", "file", this.#lockWaitMs(), signal)
      return this.#within("file", work)
    })
  }

  write<T>(work: () => Promise<T>, signal?: AbortSignal, bringing = 0): Promise<T> {
    return this.#inTurn(async () => {
      await this.#create()
      await makeLogFolders(this.path).catch((error) => {
        throw this.#ours(error)
      })
      try {
        return await this.#writeSomewhere(work, signal, bringing)
      } finally {
        await removeLogFolders(this.path)
      }
    })
  }

  async #writeSomewhere<T>(
    work: () => Promise<T>,
    signal: AbortSignal | undefined,
    bringing: number,
  ): Promise<T> {
    const size = (await stat(this.path).catch(() => undefined))?.size ?? 0
    const { copies = isWorthCopying } = this.#options
    if (this.#readersStay || copies(size, bringing)) {
      const done = await this.#writeTwin(work, this.#lockWaitMs(), signal)
      if (done !== undefined) return done.result
      // Someone may have removed it meanwhile.
      await this.#create()
    }
    return this.#writeInPlace(work, signal)
  }

  async #writeInPlace<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const isLogLeft = existsSync(logOf(this.path))
    try {
      await this.#attach("READ_WRITE", "file", this.#lockWaitMs(), signal)
    } catch (error) {
      if (!isLocked(error)) throw error
      // Readers that have it open keep the old file; those that open it next get the new one.
      const done = await this.#writeTwin(work, 0, signal).catch((other) => {
        throw isLocked(other) ? error : other
      })
      if (done === undefined) throw error
      this.#readersStay = true
      return done.result
    }
    return this.#within("file", async () => {
      if (isLogLeft) await this.#takeIn()
      return this.#transaction(work)
    })
  }

  /**
   * Writes what a log holds that a killed program left into the file. DuckDB (1.5.6) does so by itself when the file is
   * detached, but then it loses the rows of that log from the user's indexes; a CHECKPOINT keeps them.
   */
  async #takeIn(): Promise<void> {
    await this.#engine.run("CHECKPOINT file").catch((error) => {
      throw this.#ours(error)
    })
  }

  /**
   * Runs the work in a copy that takes the file's place.
   * @returns undefined if that cannot be: the file is as it was, and the work is to be done once more
   */
  async #writeTwin<T>(
    work: () => Promise<T>,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<{ result: T } | undefined> {
    const twin = await makeTwin(this.path, companionFolder(this.path), signal)
    if (twin === undefined) return undefined
    try {
      // Waits for programs that write to the original, and keeps others from starting until it is replaced.
      try {
        await this.#attach("READ_ONLY", "original", waitMs, signal)
      } catch (error) {
        if (!this.exists()) return undefined
        throw error
      }
      return await this.#within("original", async () => {
        if (!(await twin.isCurrent())) return undefined
        await this.#engine.run(`ATTACH ${literal(twin.path)} AS file (READ_WRITE, TYPE duckdb)`)
        const result = await this.#within("file", () => this.#transaction(work))
        return (await twin.replace()) ? { result } : undefined
      }).catch((error) => {
        throw this.#ours(error)
      })
    } finally {
      await twin.discard()
    }
  }

  /**
   * DuckDB writes a new file in several steps. A process that dies between them would leave a file that nobody can
   * open any more, this program's next run included: so a new file is made aside, and put in its place whole.
   */
  async #create(): Promise<void> {
    const folder = companionFolder(this.path)
    if (this.exists() || !existsSync(folder)) return
    const fresh = join(folder, FRESH_NAME)
    try {
      await rm(fresh, { force: true })
      await this.#engine.run(`ATTACH ${literal(fresh)} AS fresh (READ_WRITE, TYPE duckdb)`)
      await this.#engine.run("DETACH fresh")
      await placeNew(fresh, this.path).catch((error) => {
        // Someone made the file meanwhile (or it is a symbolic link to none yet): it is theirs to be opened.
        if (error.code !== "EEXIST") throw error
      })
    } catch (error) {
      throw this.#ours(error)
    }
  }

  #lockWaitMs(): number {
    const { lockWaitMs } = this.#options
    return typeof lockWaitMs === "number" ? lockWaitMs : lockWaitMs()
  }

  async #attach(
    mode: "READ_ONLY" | "READ_WRITE",
    name: string,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { clock, onWait } = this.#options
    const patience = new Patience({ waitMs, clock, onWait, signal })
    for (;;) {
      signal?.throwIfAborted()
      try {
        // Without the type, DuckDB goes by the name: a file called `x.json` or `x.csv` would be attached as an empty
        // database in memory, and what is committed there would be gone.
        await this.#engine.run(`ATTACH ${literal(this.path)} AS ${name} (${mode}, TYPE duckdb)`)
        return
      } catch (error) {
        const holder = lockHolder(error)
        if (holder === undefined) throw this.#ours(error)
        if (!(await patience.wait(holder))) throw lockedError(this.path, holder, waitMs)
      }
    }
  }

  /** Runs `work` with a database attached. Reports what failed in it; ignores a detach that fails after that. */
  async #within<T>(name: string, work: () => Promise<T>): Promise<T> {
    let result: T
    try {
      result = await work()
    } catch (error) {
      await this.#engine.run(`DETACH ${name}`).catch(() => undefined)
      throw error
    }
    await this.#engine.run(`DETACH ${name}`).catch((error) => {
      throw this.#ours(error)
    })
    return result
  }

  async #transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.#engine.run("BEGIN")
    try {
      const result = await work()
      await this.#engine.run("COMMIT")
      return result
    } catch (error) {
      await this.#engine.run("ROLLBACK").catch(() => undefined)
      throw this.#ours(error)
    }
  }

  #ours(error: unknown): unknown {
    return fileError(this.path, error, this.#options.onlyLooks ?? false)
  }
}
