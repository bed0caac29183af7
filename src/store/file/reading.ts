/** Opens the user's file for those who only look, with an engine that leaves nothing behind. */
import { type Engine, openEngine } from "../engine.ts"
import { type DatabaseFile, databaseFile, type FileOptions } from "./file.ts"

export interface ReadingOptions {
  /** absolute path of the DuckDB file */
  readonly path: string
  /** how long a commit of someone else is waited for, ms */
  readonly lockWaitMs: number
  readonly clock: Pick<FileOptions, "sleep" | "nowMs">
  /** told once who is waited for, in words */
  readonly onWait?: (holder: string) => void
  /** as in `FileOptions`. Default: true */
  readonly onlyLooks?: boolean
  /** as DuckDB writes it. Default: 500MB */
  readonly memoryLimit?: string
  /** default: 2 */
  readonly threads?: number
}

/** Runs `work` with an engine of its own and the file, which need not be there, and closes the engine whatever happens. */
export async function withFile<T>(
  options: ReadingOptions,
  work: (engine: Engine, file: DatabaseFile) => Promise<T>,
): Promise<T> {
  const { path, lockWaitMs, clock, onWait, onlyLooks = true, memoryLimit = "500MB", threads = 2 } = options
  const engine = await openEngine({ memoryLimit, threads })
  try {
    // DuckDB's default would be a folder where the user stands.
    await engine.run("SET temp_directory = ''")
    const file = databaseFile(engine, {
      path,
      lockWaitMs,
      sleep: (ms, signal) => clock.sleep(ms, signal),
      nowMs: () => clock.nowMs(),
      onlyLooks,
      ...(onWait === undefined ? {} : { onWait }),
    })
    return await work(engine, file)
  } finally {
    engine.close()
  }
}
