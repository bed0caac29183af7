/**
 * Druid's lookups, as its SQL shows them: the schema `lookup` has those that the broker has loaded, each with the columns
 * `k` and `v`. One of another tier is not among them; one that is still being filled is, and cannot be read (33.0.0).
 */
import { DruidsyncError, type ErrorCode, ExitCode } from "../base/errors.ts"
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

/** How many entries it has. Asked once. @throws DruidsyncError `lookup` if Druid cannot list them, `unavailable` if not yet */
export function countLookup(client: DruidClient, lookup: string, signal?: AbortSignal): Promise<number> {
  const options = { action: `counting lookup "${lookup}"`, signal, once: true }
  return client
    .rows(`SELECT COUNT(*) ${fromLookup(lookup)}`, options, (rows) => integerCell(onlyRow(rows, 1)[0]))
    .catch((error) => unlistable(lookup, error))
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
  const spooled = await client
    .spool(`SELECT "k", "v" ${fromLookup(lookup)}`, path, options)
    .catch((error) => unlistable(lookup, error))
  const { names, druidTypes } = spooled.header
  if (names.join() !== "k,v" || druidTypes.join() !== "STRING,STRING") {
    throw new DruidsyncError("response-mismatch", `lookup "${lookup}" has not the columns k and v`)
  }
  return spooled
}

const fromLookup = (lookup: string) => `FROM "lookup".${quoteName(lookup)}`

/** Why Druid cannot list a lookup, by its words (33.0.0). They describe how the lookup is made, perhaps with a password: they are left out. */
const REASONS: readonly (readonly [RegExp, ErrorCode, string, string])[] = [
  // `LookupSegment` in Druid's source.
  [
    /Cannot (retrieve map view from|iterate) lookup/,
    "lookup",
    "its kind only answers keys",
    'take it out of "lookups"',
  ],
  [
    /Factory \[.*\] not started/s,
    "unavailable",
    "it is still being filled",
    "pull again in some minutes; if it stays so, the log of the broker says why",
  ],
  [
    /requireTimeCondition/,
    "lookup",
    "it demands a condition on time (druid.sql.planner.requireTimeCondition), and a lookup has no time",
    'take it out of "lookups", or ask through a broker without that setting',
  ],
]

function unlistable(lookup: string, error: unknown): never {
  for (const [words, code, reason, hint] of REASONS) {
    if (!(error instanceof DruidsyncError) || !words.test(error.message)) continue
    const exitCode = code === "lookup" ? ExitCode.refused : ExitCode.incomplete
    const message = `Druid cannot list the entries of lookup "${lookup}": ${reason}`
    throw new DruidsyncError(code, message, { exitCode, hint })
  }
  throw error
}
