/** The shard is a property of the file: what the file holds and what is asked for must be the same share. Pure. */

import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { type Shard, shardText } from "../base/shard.ts"
import { shardOfText } from "../config/settings-digest.ts"
import type { FileState } from "../store/notes/state.ts"
import type { PullRequest } from "./ports.ts"

/**
 * Refuses to bring the days of one shard into a file that has those of another. With `full` everything that the file has
 * is fetched anew, so that it may become another shard's, if it is really everything.
 * @param path of the file, for the message
 * @throws DruidsyncError `usage`
 */
export function refuseOtherShard(
  path: string,
  request: Pick<PullRequest, "datasources" | "full" | "sinceMs" | "untilMs">,
  state: FileState,
): void {
  const asked = request.datasources[0]?.shard
  const isWhole = request.full && request.sinceMs === undefined && request.untilMs === undefined
  const names = new Set(request.datasources.map(({ name }) => name))
  for (const held of state.datasources.values()) {
    const has = shardOfText(held.settings)
    if (words(has) === words(asked) || (isWhole && names.has(held.datasource))) continue
    const flag = has === undefined ? "without --shard" : `with --shard ${shardText(has)}`
    throw new DruidsyncError(
      "usage",
      `${path} holds ${words(has)} of "${held.datasource}", this pull is for ${words(asked)}; the file was left as it is`,
      {
        exitCode: ExitCode.usage,
        hint: `pull ${flag}, or use another --out, or fetch all that the file holds anew with --full (without --only, --since, --until)`,
      },
    )
  }
}

function words(shard: Shard | undefined): string {
  return shard === undefined ? "all days" : `shard ${shardText(shard)}`
}
