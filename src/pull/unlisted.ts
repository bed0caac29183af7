/** The error for a datasource of which Druid lists nothing, with a guess at what was meant. */

import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { nearest } from "../base/nearest.ts"
import type { DatasourceSettings } from "../config/settings.ts"
import type { DatasourceState } from "../store/notes/state.ts"
import type { Ports } from "./ports.ts"

/** Deleted, forbidden, mistyped, nothing loaded: Druid answers all of these alike, so nothing is concluded. */
const UNLISTED =
  "check its name and the user's permission; Druid answers the same when it was deleted or never loaded"

/**
 * Asks Druid what else it has, once a run: a guess is worth a request only where something is wrong already.
 * @param held what the file has of it
 * @throws the signal's reason
 */
export async function nothingActive(
  { catalog, signal }: Pick<Ports, "catalog" | "signal">,
  { name }: Pick<DatasourceSettings, "name">,
  held: Pick<DatasourceState, "rows"> | undefined,
): Promise<DruidsyncError> {
  const kept =
    held === undefined || held.rows === 0 ? "" : `; the ${held.rows} rows pulled before were left as they are`
  // Whatever keeps Druid from telling its names: without them there is no guess, and the error is the same.
  const names = await catalog.names(signal).catch(() => [])
  signal.throwIfAborted()
  return unlisted(`Druid lists no segment of datasource "${name}"${kept}`, name, names)
}

/** @param names what Druid lists */
export function unlisted(message: string, name: string, names: readonly string[]): DruidsyncError {
  const guess = nearest(
    name,
    names.filter((one) => one !== name),
  )
  const hint = guess === undefined ? UNLISTED : `did you mean ${JSON.stringify(guess)}? If not: ${UNLISTED}`
  return new DruidsyncError("unknown-datasource", message, { exitCode: ExitCode.refused, hint })
}
