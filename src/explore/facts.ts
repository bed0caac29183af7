/** Reads what a report shows: the DuckDB file alone, read-only, and nothing of Druid. */
import { type FileFacts, readFacts } from "../store/facts.ts"
import { withFile } from "../store/reading.ts"
import { runHolder } from "../store/run-holder.ts"
import type { StatusOptions } from "../sync/status.ts"

/** @throws DruidsyncError `file` where there is no file, `foreign` where it is not druidsync's, `locked` */
export async function fileFacts(options: StatusOptions): Promise<FileFacts> {
  const { out, signal } = options
  return withFile({ ...options, path: out }, (engine, file) =>
    readFacts(engine, file, () => runHolder(engine, out), signal),
  )
}
