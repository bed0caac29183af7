/** The copy for readers at the end of a run, and what the report says of it. */
import { DruidsyncError, ExitCode, messageOf } from "../base/errors.ts"
import { publish } from "../store/file/publish.ts"
import type { Ports, PullRequest } from "./ports.ts"
import type { PublishOutcome } from "./progress.ts"

/**
 * Publishes whatever the run's outcome: the file is consistent after each commit. Never throws. A copy that is not made when
 * the run has to end is left to the next pull.
 * @returns undefined if no copy was asked for
 */
export async function publishAfter(
  ports: Pick<Ports, "engine" | "file">,
  request: Pick<PullRequest, "publish" | "limit">,
  interrupted: boolean,
): Promise<PublishOutcome | undefined> {
  const { publish: path, limit } = request
  if (path === undefined) return undefined
  // The user interrupted the run, so do not start a copy.
  if (interrupted) return { report: { path, outcome: "skipped" }, error: undefined }
  try {
    const outcome = await publish(ports.engine, ports.file, path, limit?.cut)
    return { report: { path, outcome }, error: undefined }
  } catch (thrown) {
    const error = limit?.cut.aborted === true ? outOfTime(path) : asError(thrown)
    return { report: { path, outcome: "failed", error: error.toJSON() }, error }
  }
}

function outOfTime(path: string): DruidsyncError {
  const message = `no copy could be published at ${path}: the time given (--max-duration) was over`
  const hint = "the next pull makes it, even if there is no new data; a big file needs more time"
  return new DruidsyncError("publish", message, { exitCode: ExitCode.incomplete, hint })
}

function asError(thrown: unknown): DruidsyncError {
  return thrown instanceof DruidsyncError ? thrown : new DruidsyncError("bug", messageOf(thrown))
}
