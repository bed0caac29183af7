/** Tells whether rows that we hold were made by the settings of today. Pure. */

import { createHash } from "node:crypto"
import type { DatasourceSettings } from "./settings.ts"

/** The settings that change the rows or columns of a table. */
type Shaping = Pick<DatasourceSettings, "columns" | "filter" | "multiValue" | "rowHash">

/**
 * 16 hex digits that stand for what changes the rows or columns of a table: columns (in whatever order), filter,
 * multiValue, rowHash. Not `since` (a matter of which intervals), `table`, `deletions`, `realtime` and `lookback`.
 * Stored in checkpoints: a change of the form below makes every user fetch everything again.
 */
export function settingsDigest(datasource: Shaping): string {
  const { columns, filter, multiValue, rowHash } = datasource
  const include = columns.include === undefined ? null : [...columns.include].sort()
  const form = JSON.stringify([1, include, [...columns.exclude].sort(), filter ?? null, multiValue, rowHash])
  return createHash("sha256").update(form).digest("hex").slice(0, 16)
}

/** The same settings as JSON that a person can read: kept per datasource, to say later which of them changed. */
export function settingsText(datasource: Shaping): string {
  const { columns, filter, multiValue, rowHash } = datasource
  return JSON.stringify({
    columns: {
      include: columns.include === undefined ? null : [...columns.include].sort(),
      exclude: [...columns.exclude].sort(),
    },
    filter: filter ?? null,
    multiValue,
    rowHash,
  })
}

/**
 * Keys of the config that differ from what `settingsText` gave before; empty where that cannot be told.
 * @param before text of the file's last commit
 */
export function changedSettings(before: string, datasource: Shaping): string[] {
  let was: unknown
  try {
    was = JSON.parse(before)
  } catch {
    // Not ours, or of a version that kept a digest only: that something changed is known all the same.
    return []
  }
  if (typeof was !== "object" || was === null) return []
  const now = JSON.parse(settingsText(datasource)) as Record<string, unknown>
  return Object.keys(now).filter(
    (key) => JSON.stringify((was as Record<string, unknown>)[key]) !== JSON.stringify(now[key]),
  )
}
