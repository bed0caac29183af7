/** What a pull deletes of the days that passed out of the window of `keep`, and when it deletes nothing. */
import type { Interval } from "../base/domain.ts"
import { DruidsyncError } from "../base/errors.ts"
import { formatDruidTime } from "../base/time.ts"
import type { Judged } from "./judge.ts"
import type { Ports } from "./ports.ts"

/** What becomes of the days before the window. */
export interface PassedOut {
  readonly remove: readonly Interval[]
  /** in words: Druid has no row in the window, so nothing is deleted */
  readonly doubt: string | undefined
}

/**
 * The clock of this machine decides what is deleted, so Druid must have a row in the window that it gives. Asks Druid for a
 * count only where something would be deleted and its segments do not tell.
 * @throws DruidsyncError if Druid has to be asked, and does not answer
 */
export async function passedOut(
  { catalog, signal }: Pick<Ports, "catalog" | "signal">,
  { settings, window }: Pick<Judged, "settings" | "window">,
): Promise<PassedOut> {
  if (window === undefined) return { remove: [], doubt: undefined }
  const { interval, passed, rows } = window
  const mustAsk = rows === "unknown" && passed.length > 0
  const isEmpty = mustAsk ? await hasNoRow(catalog, settings.name, interval, signal) : rows === "none"
  return isEmpty ? { remove: [], doubt: describeEmpty(interval) } : { remove: passed, doubt: undefined }
}

async function hasNoRow(
  catalog: Ports["catalog"],
  datasource: string,
  interval: Interval,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const [count] = await catalog.counts({ datasource }, [interval], signal)
    return count!.all === 0
  } catch (error) {
    signal.throwIfAborted()
    // No server has anything of it: Druid answers no row.
    if (error instanceof DruidsyncError && error.code === "unknown-datasource") return true
    throw error
  }
}

function describeEmpty({ start, end }: Interval): string {
  const day = (ms: bigint) => formatDruidTime(ms).split("T")[0]
  return `Druid has no row from ${day(start)} to ${day(end - 1n)}, today by this machine's clock: nothing is deleted for "keep"`
}
