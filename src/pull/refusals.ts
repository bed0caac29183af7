/** What a pull refuses before it touches anything, and what it says where Druid has nothing of a datasource. */

import { DruidsyncError, ExitCode, usage } from "../base/errors.ts"
import { fold } from "../base/names.ts"
import { nearest } from "../base/nearest.ts"
import { type Shard, shardText } from "../base/shard.ts"
import { formatDruidTime } from "../base/time.ts"
import type { DatasourceSettings } from "../config/settings.ts"
import { shardOfText } from "../config/settings-digest.ts"
import { copiedFrom } from "../plan/window.ts"
import type { FileState, HeldState } from "../store/notes/state.ts"
import { heldOf } from "./judge.ts"
import type { Ports, PullRequest } from "./ports.ts"

/**
 * Refuses to bring the days of one shard into a file that has those of another. With `full` everything that the file has
 * is fetched again, so that it may become another shard's, if it is really everything.
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
  const wanted = new Set(request.datasources.map((settings) => heldOf(state, settings)))
  for (const held of state.held.values()) {
    const has = shardOfText(held.settings)
    if (words(has) === words(asked) || (isWhole && wanted.has(held))) continue
    const flag = has === undefined ? "without --shard" : `with --shard ${shardText(has)}`
    throw usage(
      `${path} holds ${words(has)} of "${held.datasource}", this pull is for ${words(asked)}; the file was left as it is`,
      `pull ${flag}, or use another --out, or fetch all that the file holds anew with --full (without --only, --since, --until)`,
    )
  }
}

/**
 * Refuses a run of which no datasource has any time left to look at: its bounds contradict one another.
 * @param nowMs where the window of `keep` ends
 * @throws DruidsyncError `usage`
 */
export function refuseEmptyRange(
  { datasources, sinceMs, untilMs }: Pick<PullRequest, "datasources" | "sinceMs" | "untilMs">,
  nowMs: number,
): void {
  if (untilMs === undefined) return
  const starts = datasources.map((one) => copiedFrom(one, sinceMs, nowMs))
  const [start] = starts
  if (start === undefined || starts.some((one) => one === undefined || one < untilMs)) return
  const name = JSON.stringify(datasources[0]!.name)
  throw new DruidsyncError(
    "usage",
    `what is copied of ${name} begins at ${formatDruidTime(start)} and ends before it, at ${formatDruidTime(untilMs)} (--until)`,
    {
      exitCode: ExitCode.usage,
      hint: 'give a later --until; "since", "keep" and --since say where it begins',
    },
  )
}

function words(shard: Shard | undefined): string {
  return shard === undefined ? "all days" : `shard ${shardText(shard)}`
}

/**
 * Refuses a datasource whose table's name is taken in the file, before anything is fetched.
 * @param path of the file, for the message
 * @throws DruidsyncError `foreign`
 */
export function refuseForeignTable(path: string, settings: DatasourceSettings, state: FileState): void {
  // DuckDB folds ASCII letters only: "É" and "é" are two tables to it.
  const name = fold(settings.table)
  const taken = state.tables.some((table) => fold(table) === name)
  const owner = [...state.held.values()].find((d) => fold(d.table) === name)
  if (!taken || (owner !== undefined && owner.datasource === settings.name)) return
  const lookup = state.lookups.find((one) => fold(one.table) === name)
  const whose =
    owner === undefined
      ? lookup === undefined
        ? "that druidsync did not make"
        : `that holds lookup "${lookup.lookup}"`
      : `that holds datasource "${owner.datasource}" already`
  throw new DruidsyncError(
    "foreign",
    `${path} has a table "${settings.table}" ${whose}; it was left as it is`,
    {
      hint: `give datasource "${settings.name}" another "table" in the config, or use another --out`,
    },
  )
}

/** Deleted, forbidden, mistyped, nothing loaded: Druid answers all of these alike, so nothing is concluded. */
const UNLISTED =
  "check its name and the user's permission; Druid answers the same when it was deleted or never loaded"

/**
 * The error for a datasource of which Druid lists nothing. Asks Druid what else it has, once a run: a guess is worth a
 * request only where something is wrong already.
 * @param held what the file has of it
 * @throws the signal's reason
 */
export async function nothingActive(
  { catalog, signal }: Pick<Ports, "catalog" | "signal">,
  { name }: Pick<DatasourceSettings, "name">,
  held: Pick<HeldState, "rows"> | undefined,
): Promise<DruidsyncError> {
  const kept =
    held === undefined || held.rows === 0 ? "" : `; the ${held.rows} rows pulled before were left as they are`
  // If Druid cannot list its names, we cannot suggest one; the error stays the same.
  const names = await catalog.names(signal).catch(() => [])
  signal.throwIfAborted()
  return unlisted(`Druid lists no segment of datasource "${name}"${kept}`, name, names)
}

/** The error for a name that Druid does not list, with a guess at what was meant. @param names what Druid lists */
export function unlisted(message: string, name: string, names: readonly string[]): DruidsyncError {
  const guess = nearest(
    name,
    names.filter((one) => one !== name),
  )
  const hint = guess === undefined ? UNLISTED : `did you mean ${JSON.stringify(guess)}? If not: ${UNLISTED}`
  return new DruidsyncError("unknown-datasource", message, { exitCode: ExitCode.refused, hint })
}

/**
 * A broker knows only what is served: once the last server of a datasource has gone it denies the name, though its
 * segments are listed. Where they were, that is no mistyped name.
 * @returns the reason in words, if it is this
 */
export function goneAway(error: DruidsyncError | undefined): string | undefined {
  return error?.code === "unknown-datasource"
    ? "its segments are published, but no server answers for them any more"
    : undefined
}
