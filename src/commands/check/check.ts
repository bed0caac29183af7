/**
 * Can a pull work? Checks one thing after the other, from the configuration to the file, and reports for each that it is ok
 * or what to do. Fetches no row and changes nothing. Leaves out what cannot be checked because an earlier check failed.
 */
import type { SegmentsDesk } from "../../base/segments-look.ts"
import type { DatasourceSettings } from "../../config/settings.ts"
import { labelOf } from "../../config/table-name.ts"
import { createCatalog } from "../../druid/catalog.ts"
import { namesOf } from "../../kit/select.ts"
import { titleOf } from "../../kit/text/list.ts"
import { unlisted } from "../../pull/refusals.ts"
import { brokenChunks } from "../../pull/unanswered.ts"
import { openEngine } from "../../store/engine.ts"
import { withTemporaryDesk } from "../../store/look/temporary.ts"
import { checkDisks, checkFile } from "./check-file.ts"
import { attempt, type CheckOptions, type Found, warning } from "./check-line.ts"
import { checkColumns } from "./columns.ts"
import { checkConnection } from "./connection.ts"
import { checkDirect } from "./direct.ts"
import { checkLookups } from "./lookups.ts"
import { checkPatterns } from "./patterns.ts"
import { checkBroken, checkOverview, checkSegments, expectedBytes, type Overview } from "./segments.ts"
import { checkLogin, checkVersion } from "./server.ts"

/** Runs every check and reports each to `onCheck`. @throws the signal's reason */
export async function runChecks(options: CheckOptions): Promise<void> {
  const { settings, out } = options
  await attempt(options, "config", async () => settings.warnings.map(configWarning))
  const { overview, tables } = await checkDruid(options)
  if (out === undefined) return
  await checkFile(options, out)
  const bytes = overview === undefined ? undefined : expectedBytes(tables, overview)
  await checkDisks(options, out, bytes)
}

/** @returns what `sys.segments` says, undefined if it could not be asked; and the tables that a pull would be about */
async function checkDruid(
  options: CheckOptions,
): Promise<{ overview: Overview | undefined; tables: readonly DatasourceSettings[] }> {
  const none = { overview: undefined, tables: [] }
  if (!(await checkConnection(options)) || !(await checkLogin(options))) return none
  await checkVersion(options)
  const overview = await checkOverview(options)
  const tables = overview === undefined ? [] : await checkPatterns(options, overview)
  if (overview !== undefined) {
    await checkDatasources(options, tables, overview)
    await checkDirect(options, tables, overview)
  }
  await checkLookups(options)
  return { overview, tables }
}

async function checkDatasources(
  options: CheckOptions,
  tables: readonly DatasourceSettings[],
  overview: Overview,
): Promise<void> {
  const engine = await openEngine({ memoryLimit: "500MB", threads: 1 })
  try {
    await withTemporaryDesk(engine, options.settings.pull.spoolDir, (desk) =>
      checkEach(options, tables, overview, desk),
    )
  } finally {
    engine.close()
  }
}

async function checkEach(
  options: CheckOptions,
  tables: readonly DatasourceSettings[],
  overview: Overview,
  desk: SegmentsDesk,
): Promise<void> {
  const { client, signal } = options
  const catalog = createCatalog(client, namesOf(tables), desk)
  // It shows what the sums of the overview cannot. If it cannot be read, the lines of the datasources say why.
  const inventory = await catalog.inventory(signal).catch(() => undefined)
  signal.throwIfAborted()
  const told = new Set<string>()
  for (const datasource of tables) {
    const { name } = datasource
    const look = async () => {
      const chunks = overview.get(name)
      if (chunks === undefined) throw unlisted("Druid does not list it", name, [...overview.keys()])
      // Nothing loaded: Druid does not know its columns either.
      const isServed = chunks.some((one) => one.segments > one.unavailable + one.cold)
      if (isServed) await checkColumns(catalog, datasource, signal)
      if (told.has(name)) return []
      told.add(name)
      const suspects = (await inventory?.segments.coreSetsLacking(name)) ?? []
      const broken = await brokenChunks({ catalog, signal }, name, suspects)
      return [checkSegments(chunks), ...checkBroken(broken)]
    }
    await attempt(options, "datasource", look, titleOf(labelOf(datasource)))
  }
}

/** The configuration's warnings are sentences with what to do after the semicolon. */
function configWarning(sentence: string): Found {
  const at = sentence.indexOf("; ")
  return at < 0
    ? warning(sentence, "see the configuration")
    : warning(sentence.slice(0, at), sentence.slice(at + 2))
}
