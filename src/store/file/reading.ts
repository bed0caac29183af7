/** Opens the user's file for those who only look, with an engine that leaves nothing behind. */
import { type Engine, openEngine } from "../engine.ts"
import { type DatabaseFile, databaseFile, type FileOptions } from "./file.ts"

export interface ReadingOptions extends Pick<FileOptions, "path" | "lockWaitMs" | "clock" | "onWait"> {
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
  const { onlyLooks = true, memoryLimit = "500MB", threads = 2 } = options
  const engine = await openEngine({ memoryLimit, threads })
  try {
    // DuckDB's default would be a folder in the current directory.
    await engine.run("SET temp_directory = ''")
    return await work(engine, databaseFile(engine, { ...options, onlyLooks }))
  } finally {
    engine.close()
  }
}
