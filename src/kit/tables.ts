/** Which tables a command is about: those that the configuration names, and those of what its patterns match. */
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { tablesOf } from "../config/datasources.ts"
import type { DatasourceSettings, Settings } from "../config/settings.ts"
import type { DruidClient } from "../druid/client.ts"
import { readDatasourceNames } from "../druid/overview.ts"

/**
 * Druid is asked for its names only where there are patterns.
 * @param held gives the names of the datasources that a file has: what matched once and is not listed any more is kept
 * @throws DruidsyncError `unknown-datasource` where nothing matches, `config` where two would be one table
 */
export async function lookUpTables(
  settings: Settings,
  client: DruidClient,
  signal: AbortSignal,
  held: () => Promise<readonly string[]> = () => Promise.resolve([]),
): Promise<readonly DatasourceSettings[]> {
  if (settings.patterns.length === 0) return settings.datasources
  const listed = await readDatasourceNames(client, signal)
  if (listed.length === 0) throw nothingListed(settings.druid.url)
  const tables = tablesOf(settings, [...listed, ...(await held())].sort())
  if (tables.length === 0) throw nothingMatches(settings, listed.length)
  return tables
}

/** @param url of Druid */
export function nothingListed(url: string): DruidsyncError {
  return new DruidsyncError("unknown-datasource", `${url} shows no datasource to this user`, {
    exitCode: ExitCode.refused,
    hint: "nothing is ingested yet, or the user needs READ permission on the datasources",
  })
}

function nothingMatches({ druid, patterns }: Settings, listed: number): DruidsyncError {
  const texts = patterns.flatMap(({ text, settings }) =>
    settings === undefined ? [] : [JSON.stringify(text)],
  )
  return new DruidsyncError(
    "unknown-datasource",
    `none of the ${listed} datasources that ${druid.url} shows to this user is copied: nothing else matches ${texts.join(", ")}`,
    {
      exitCode: ExitCode.refused,
      hint: "druidsync datasources lists them; or the user needs READ permission on others",
    },
  )
}
