/** Tells whether rows that we hold were made by the settings of today. Pure. */

import { createHash } from "node:crypto"
import type { DatasourceSettings } from "./settings.ts"

/**
 * 16 hex digits that stand for what changes the rows or columns of a table: columns (in whatever order), filter,
 * multiValue, rowHash. Not `since` (a matter of which intervals), `table`, `deletions`, `realtime` and `lookback`.
 * Stored in checkpoints: a change of the form below makes every user fetch everything again.
 */
export function settingsDigest(
  datasource: Pick<DatasourceSettings, "columns" | "filter" | "multiValue" | "rowHash">,
): string {
  const { columns, filter, multiValue, rowHash } = datasource
  const include = columns.include === undefined ? null : [...columns.include].sort()
  const form = JSON.stringify([1, include, [...columns.exclude].sort(), filter ?? null, multiValue, rowHash])
  return createHash("sha256").update(form).digest("hex").slice(0, 16)
}
