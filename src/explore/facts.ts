/** Reads what a report shows: the DuckDB file alone, read-only, and nothing of Druid. */
import { openEngine } from "../store/engine.ts"
import { type FileFacts, readFacts } from "../store/facts.ts"
import { databaseFile } from "../store/file.ts"
import { runHolder } from "../store/run-holder.ts"
import type { StatusOptions } from "../sync/status.ts"

/** @throws DruidsyncError `file` where there is no file, `foreign` where it is not druidsync's, `locked` */
export async function fileFacts(options: StatusOptions): Promise<FileFacts> {
  const { out, clock, signal } = options
  const engine = await openEngine({ memoryLimit: "500MB", threads: 2 })
  try {
    // DuckDB's default would be a folder where the user stands.
    await engine.run("SET temp_directory = ''")
    const file = databaseFile(engine, {
      path: out,
      lockWaitMs: options.lockWaitMs,
      sleep: clock.sleep,
      nowMs: clock.nowMs,
      onWait: options.onWait,
    })
    return await readFacts(engine, file, () => runHolder(engine, out), signal)
  } finally {
    engine.close()
  }
}
