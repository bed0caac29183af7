/**
 * Druid's lookups, as its SQL shows them: the schema `lookup` has those that the broker has loaded, each with the columns
 * `k` and `v`. One that is configured and not loaded yet, or of another tier, is not among them (33.0.0).
 */
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { quoteName } from "../base/names.ts"
import { integerCell, onlyRow, textCell, wholeRow } from "./cells.ts"
import type { DruidClient, SpoolOptions } from "./client.ts"
import { LOOKUP_NAMES_SQL } from "./metadata-sql.ts"
import type { Spooled } from "./spool.ts"

/** Names of the lookups that can be asked, by name. @throws DruidsyncError */
export function readLookupNames(client: DruidClient, signal?: AbortSignal): Promise<string[]> {
  const options = { action: "reading INFORMATION_SCHEMA", signal }
  return client.rows(LOOKUP_NAMES_SQL, options, (rows) =>
    rows.map((row) => textCell(wholeRow(row, 1)[0])).sort(),
  )
}

/** How many entries it has. Asked once. @throws DruidsyncError `lookup` if Druid cannot list them */
export function countLookup(client: DruidClient, lookup: string, signal?: AbortSignal): Promise<number> {
  const options = { action: `counting lookup "${lookup}"`, signal, once: true }
  const count = client.rows(`SELECT COUNT(*) ${fromLookup(lookup)}`, options, (rows) =>
    integerCell(onlyRow(rows, 1)[0]),
  )
  return count.catch((error) => {
    throw unlistable(lookup, error) ?? error
  })
}

/**
 * Its entries, into a new file: rows of `[k, v]`, of which `v` may be NULL. Asked once; the file is the caller's to remove.
 * @throws DruidsyncError, and what `onBytes` throws
 */
export async function spoolLookup(
  client: DruidClient,
  lookup: string,
  path: string,
  request: Pick<SpoolOptions, "signal" | "onBytes">,
): Promise<Spooled> {
  const options = { ...request, action: `fetching lookup "${lookup}"` }
  const spooled = await client.spool(`SELECT "k", "v" ${fromLookup(lookup)}`, path, options)
  const { names, druidTypes } = spooled.header
  if (names.join() !== "k,v" || druidTypes.join() !== "STRING,STRING") {
    throw new DruidsyncError("response-mismatch", `lookup "${lookup}" has not the columns k and v`)
  }
  return spooled
}

const fromLookup = (lookup: string) => `FROM "lookup".${quoteName(lookup)}`

/**
 * Some kinds of lookups answer keys and cannot list them (`LookupSegment` in Druid's source). Druid's own words show how the
 * lookup is made, perhaps with a password: they are left out.
 */
function unlistable(lookup: string, error: unknown): DruidsyncError | undefined {
  if (!(error instanceof DruidsyncError)) return undefined
  if (!/Cannot (retrieve map view from|iterate) lookup/.test(error.message)) return undefined
  return new DruidsyncError(
    "lookup",
    `Druid cannot list the entries of lookup "${lookup}": its kind only answers keys`,
    {
      exitCode: ExitCode.refused,
      hint: 'take it out of "lookups"',
    },
  )
}
