/** The copy for readers at the end of a run, and what the report says of it. */
import { DruidsyncError, messageOf } from "../base/errors.ts"
import { publish } from "../store/file/publish.ts"
import type { Ports, PullRequest } from "./ports.ts"
import type { PublishOutcome } from "./progress.ts"

/**
 * Publishes whatever the run's outcome: the file is consistent after each commit. Never throws.
 * @returns undefined where no copy was asked for
 */
export async function publishAfter(
  ports: Pick<Ports, "engine" | "file">,
  request: Pick<PullRequest, "publish">,
  interrupted: boolean,
): Promise<PublishOutcome | undefined> {
  const path = request.publish
  if (path === undefined) return undefined
  // The user interrupted the run, so do not start a copy.
  if (interrupted) return { report: { path, outcome: "skipped" }, error: undefined }
  try {
    return { report: { path, outcome: await publish(ports.engine, ports.file, path) }, error: undefined }
  } catch (thrown) {
    const error = thrown instanceof DruidsyncError ? thrown : new DruidsyncError("bug", messageOf(thrown))
    return { report: { path, outcome: "failed", error: error.toJSON() }, error }
  }
}
