/**
 * The columns that Druid's SQL knows. It learns of them some time after the segments that hold them, and a row fetched
 * meanwhile would lack their values and be counted as complete: so no segment may hold more. What an earlier run missed
 * already is hidden from this user (Druid's catalog, column permissions), and left out with a warning.
 */
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import { chooser } from "../../config/settings.ts"
import type { Inventory } from "../../druid/catalog.ts"
import type { Unlisted } from "../../store/notes/unlisted.ts"
import type { Subject } from "../judge.ts"
import type { Ports } from "../ports.ts"

/** No broker takes so long to learn of a column, ms. */
const LONGEST_LAG_MS = 600_000

/** What a run has learnt of a datasource's columns. Reading its shape adds to it. */
export interface Learnt {
  /** names of columns of which rows with several values arrived */
  readonly severalValues: ReadonlySet<string>
  /** columns that segments hold and Druid's SQL does not show; undefined if that was not looked at */
  unlisted: Unlisted | undefined
}

export interface Listed {
  /** in Druid's order */
  readonly names: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * @param stored names of the columns that the segments hold; undefined if they do not tell
 * @throws DruidsyncError `unavailable` if Druid lists none, or while it may still learn of one
 */
export async function listedColumns(
  ports: Pick<Ports, "catalog" | "clock" | "signal">,
  { settings, inventory, unlisted }: Subject,
  stored: ReadonlySet<string> | undefined,
  learnt: Learnt,
): Promise<Listed> {
  const isWanted = chooser(settings.columns)
  const namesIn = (columns: Inventory["columns"]) => columns.get(settings.name)?.map((column) => column.name)
  const missingIn = (names: readonly string[], from: Iterable<string>) =>
    [...from].filter((name) => isWanted(name) && !names.includes(name))
  let names = namesIn(inventory.columns)
  // The list may be older than the look at the segments; one that is newer knows the columns of all that are counted.
  if (names === undefined || stored === undefined || missingIn(names, stored).length > 0)
    names = namesIn(await ports.catalog.columns(ports.signal))
  if (names === undefined) {
    throw new DruidsyncError(
      "unavailable",
      `Druid lists no column of "${settings.name}": no server serves any of it now`,
      {
        exitCode: ExitCode.incomplete,
        hint: "pull again when its segments are loaded",
      },
    )
  }
  if (stored === undefined) return { names, warnings: [] }
  const missing = missingIn(names, stored)
  const nowMs = ports.clock.nowMs()
  const isHidden = (name: string) => nowMs - (unlisted.get(name) ?? nowMs) >= LONGEST_LAG_MS
  const sightOf = (name: string) => unlisted.get(name) ?? learnt.unlisted?.get(name) ?? nowMs
  // What these segments do not hold may still be missing elsewhere.
  const all = new Set([...missingIn(names, unlisted.keys()), ...missing])
  learnt.unlisted = new Map([...all].map((name) => [name, sightOf(name)]))
  const unknown = missing.filter((name) => !isHidden(name))
  if (unknown.length > 0) {
    const quoted = unknown.map((name) => `"${name}"`).join(", ")
    throw new DruidsyncError(
      "unavailable",
      `segments of "${settings.name}" hold ${quoted}, which Druid's SQL does not know yet`,
      {
        exitCode: ExitCode.incomplete,
        hint: "pull again in a minute; a pull after ten minutes leaves out what Druid's SQL still does not show",
      },
    )
  }
  const left = missing.map((name) => {
    const since = new Date(sightOf(name)).toISOString()
    return `column "${name}" is left out: segments hold it, but Druid's SQL has not shown it since ${since}`
  })
  const back = [...unlisted.keys()]
    .filter((name) => isHidden(name) && isWanted(name) && names.includes(name))
    .map(
      (name) =>
        `column "${name}" is shown by Druid's SQL again; --full fetches the rows that lack its values`,
    )
  return { names, warnings: [...left, ...back] }
}
