/** Reads what a report shows: the DuckDB file alone, read-only, and nothing of Druid. */

import type { StatusOptions } from "../../kit/status/status.ts"
import { withFile } from "../../store/file/reading.ts"
import { runHolder } from "../../store/file/run-holder.ts"
import { type FileFacts, readFacts } from "../../store/notes/facts.ts"

/** @throws DruidsyncError `file` where there is no file, `foreign` where it is not druidsync's, `locked` */
export async function fileFacts(options: StatusOptions): Promise<FileFacts> {
  const { out, signal } = options
  return withFile({ ...options, path: out }, (engine, file) =>
    readFacts(engine, file, () => runHolder(engine, out), signal),
  )
}
