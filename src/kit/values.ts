/** How the text of a flag becomes a value. Each throws DruidsyncError `usage` where it cannot. */

import { resolve } from "node:path"
import { usage } from "../base/errors.ts"
import { MAX_SHARDS, parseShard, type Shard } from "../base/shard.ts"
import { parseDuration, parseInstant, parseSize } from "../config/quantities.ts"

/** @param flag as the user writes it, `--since` */
export type Parse<T> = (text: string, flag: string) => T

/** An absolute path: on the command line, paths start at the current directory. */
export const path: Parse<string> = (text) => resolve(text)

/** ms since 1970 */
export const instant: Parse<bigint> = (text, flag) =>
  parseInstant(text) ?? refuse(text, flag, "a time", "write it like 2024-06-01 or 2024-06-01T12:00:00Z")

/** ms */
export const duration: Parse<number> = (text, flag) =>
  /^0+$/.test(text)
    ? 0
    : (parseDuration(text) ?? refuse(text, flag, "a length of time", "write it like 30s, 5m or 1h"))

/** bytes, as a memory limit: DuckDB works with nothing smaller */
export const memory: Parse<number> = (text, flag) => {
  const bytes = parseSize(text)
  return bytes !== undefined && bytes >= 64e6
    ? bytes
    : refuse(text, flag, "a size of at least 64MB", "write it like 500MB or 2GB")
}

/** The share of the days; undefined for `1/1`. */
export const shard: Parse<Shard | undefined> = (text, flag) => {
  const found = parseShard(text)
  if (found !== undefined) return found === "whole" ? undefined : found
  const hint = `write it like 1/4, 2/4, 3/4 and 4/4 for four machines; there are at most ${MAX_SHARDS}`
  return refuse(text, flag, "a share", hint)
}

/** Names with commas between them. */
export const names: Parse<readonly string[]> = (text, flag) => {
  const found = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
  if (found.length === 0) throw usage(`${flag} names no datasource`)
  return [...new Set(found)]
}

function refuse(text: string, flag: string, what: string, hint: string): never {
  throw usage(`${flag} ${JSON.stringify(text)} is not ${what}`, hint)
}
