/** Tells whether our rows were made with today's settings. Pure. */

import { createHash } from "node:crypto"
import type { Every } from "../base/buckets.ts"
import { parseShard, type Shard, shardText } from "../base/shard.ts"
import type { ColumnChoice, DatasourceSettings } from "./settings.ts"

/** What the digest leaves out, and the text says all the same. */
type Told = Pick<DatasourceSettings, "keepMs">

/** The settings that change the rows or columns of a table. */
type Shaping = Pick<
  DatasourceSettings,
  "columns" | "aggregate" | "filter" | "multiValue" | "rowHash" | "rows" | "shard"
>

/**
 * 16 hex digits that stand for what changes the rows or columns of a table: columns (in whatever order), filter,
 * multiValue, rowHash, rows, shard. Not `since` and `keep` (a matter of which intervals), `table`, `deletions`, `realtime` and `lookback`.
 * Stored in checkpoints: a change of the form below makes every user fetch everything again.
 */
export function settingsDigest(datasource: Shaping): string {
  const { columns, aggregate, filter, multiValue, rowHash, rows, shard } = datasource
  const include = columns.include === undefined ? null : [...columns.include].sort()
  const form: unknown[] = [1, include, [...columns.exclude].sort(), filter ?? null, multiValue, rowHash]
  // Without a shard the form is that of files older than shards.
  if (shard !== undefined) form.push(shardText(shard))
  const more = moreOf(columns)
  if (Object.keys(more).length > 0) form.push(more)
  if (aggregate !== undefined) form.push({ aggregate })
  // Files of before 0.2 hold all rows, and have nothing here.
  if (rows === "visible") form.push({ rows })
  return createHash("sha256").update(JSON.stringify(form)).digest("hex").slice(0, 16)
}

/** What a file of 0.1.0 could not have: only what is set is there, so that the form of other settings stays what it was. */
function moreOf({ add, hash, salt }: ColumnChoice) {
  const byName = ([a]: [string, string], [b]: [string, string]) => (a < b ? -1 : 1)
  return {
    ...(add === undefined ? {} : { add: Object.entries(add).sort(byName) }),
    ...(hash === undefined ? {} : { hash: [...hash].sort(), salt: saltPrint(salt) }),
  }
}

/** Enough to see that it is another one: it tells less than any of the hashes. */
function saltPrint(salt: ColumnChoice["salt"]): string {
  return createHash("sha256")
    .update(salt?.reveal() ?? "")
    .digest("hex")
    .slice(0, 8)
}

/**
 * The same settings as readable JSON, kept per datasource, so that a later run can say which of them changed; and `keepMs`,
 * so that the file tells its window.
 */
export function settingsText(datasource: Shaping & Told): string {
  const { columns, aggregate, filter, multiValue, rowHash, rows, shard, keepMs } = datasource
  return JSON.stringify({
    columns: {
      include: columns.include === undefined ? null : [...columns.include].sort(),
      exclude: [...columns.exclude].sort(),
      ...moreOf(columns),
    },
    filter: filter ?? null,
    multiValue,
    rowHash,
    ...(aggregate === undefined ? {} : { aggregate }),
    ...(rows === "visible" ? { rows } : {}),
    ...(shard === undefined ? {} : { shard: shardText(shard) }),
    ...(keepMs === "all" ? {} : { keepMs }),
  })
}

/**
 * Keys of the config that differ from what `settingsText` gave before; empty where we cannot tell.
 * @param before text of the file's last commit
 */
export function changedSettings(before: string, datasource: Shaping): string[] {
  const was = parsed(before)
  if (was === undefined) return []
  const now = JSON.parse(settingsText({ ...datasource, keepMs: "all" })) as Record<string, unknown>
  const keys = new Set([...Object.keys(now), ...["aggregate", "rows", "shard"].filter((key) => key in was)])
  return [...keys].filter((key) => JSON.stringify(was[key]) !== JSON.stringify(now[key]))
}

/** The shard that `settingsText` gave before; undefined if the rows are no shard's. */
export function shardOfText(before: string): Shard | undefined {
  const text = parsed(before)?.shard
  const shard = typeof text === "string" ? parseShard(text) : undefined
  return shard === "whole" ? undefined : shard
}

/** The `keep` that `settingsText` gave before, and the buckets of its aggregate; files of before 0.2 keep all. */
export function windowOfText(before: string): {
  readonly keepMs: DatasourceSettings["keepMs"]
  readonly every: Every | undefined
} {
  const { keepMs, aggregate } = parsed(before) ?? {}
  const { every } = (aggregate ?? {}) as { every?: Every }
  return { keepMs: typeof keepMs === "number" ? keepMs : "all", every }
}

/** undefined if the text is not ours, or comes from a version that kept only a digest. We still know that something changed. */
function parsed(before: string): Record<string, unknown> | undefined {
  try {
    const was: unknown = JSON.parse(before)
    return typeof was === "object" && was !== null ? (was as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
