/** Where things lie in a lake: folders, file names, partition keys. Pure; nothing it makes leads out of its folder. */
import { createHash } from "node:crypto"
import type { Interval } from "../base/domain.ts"
import { usage } from "../base/errors.ts"
import { fold } from "../base/names.ts"
import type { HeldColumn } from "../store/notes/holdings.ts"

export const LAKE_FORMATS = ["parquet", "csv", "json"] as const
export type LakeFormat = (typeof LAKE_FORMATS)[number]

export const LAKE_PARTITIONINGS = ["month", "day"] as const
export type LakePartitioning = (typeof LAKE_PARTITIONINGS)[number]

/** The rows of one calendar day or month (UTC). */
export interface LakePartition {
  /** the first day; undefined for rows at Druid's first instant, which no calendar has */
  readonly date: { readonly year: number; readonly month: number; readonly day: number } | undefined
  readonly interval: Interval
  readonly rows: number
}

/** Share of an export that names none. */
export const DEFAULT_SHARE = "data"

/** The folder of the manifests within a table's folder: engines pass over names that start so. */
export const MANIFESTS = "_druidsync"

/** @throws DruidsyncError `usage` */
export function checkedShare(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(name)) return name
  throw usage(
    `--part ${JSON.stringify(name)} cannot be part of a file name`,
    "take letters, digits, - and _, 64 at most, a letter or digit first",
  )
}

/**
 * The share's name: the one that is given, or what the file says it holds (`shard-2-of-4`), or `data`.
 * @param shards of the datasources, such as `2/4`; undefined for one that is there as a whole
 * @throws DruidsyncError `usage` if the datasources are shares of different kinds, and none is given
 */
export function shareName(given: string | undefined, shards: readonly (string | undefined)[]): string {
  if (given !== undefined) return checkedShare(given)
  const kinds = [...new Set(shards)]
  if (kinds.length > 1) {
    throw usage(
      "the file's datasources are different shares",
      "name the share with --part, or take those of one kind with --only",
    )
  }
  const [shard] = kinds
  return shard === undefined ? DEFAULT_SHARE : checkedShare(`shard-${shard.replace("/", "-of-")}`)
}

/** `part-data.parquet`: the one name that an export of this share writes, in each partition's folder. */
export function fileName(share: string, format: LakeFormat): string {
  return `part-${share}.${format}`
}

/** `month=06/part-data.parquet` or the like: is it this share's, in whatever format? */
export function isFileOf(share: string, name: string): boolean {
  return LAKE_FORMATS.some((format) => name === fileName(share, format))
}

/** A file on its way; hidden from engines by its first character, and from `*.parquet` by its last ones. */
export function temporaryName(share: string, id: string): string {
  return `.part-${share}.${id}.tmp`
}

export function isTemporaryOf(share: string, name: string): boolean {
  return name.startsWith(`.part-${share}.`) && name.endsWith(".tmp")
}

/** A table's folder: its name, with what could mean something else to a file system written as %XX. */
export function tableFolder(table: string): string {
  const safe = table
    .replace(/[^\p{L}\p{N}_ .-]/gu, (char) =>
      [...new TextEncoder().encode(char)]
        .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
        .join(""),
    )
    .replace(/^[. ]|[. ]$/g, (char) => (char === "." ? "%2E" : "%20"))
  // File systems end at 255 bytes.
  if (new TextEncoder().encode(safe).length <= 200) return safe
  const digest = createHash("sha256").update(table).digest("hex").slice(0, 16)
  return `${[...safe].slice(0, 40).join("")}-${digest}`
}

const PLAIN_KEYS = ["year", "month", "day"] as const

/** Do the keys have the name of a column, to an engine that takes `Year` and `year` for one? */
export function clashes(keys: readonly string[], columns: readonly HeldColumn[]): string[] {
  const names = new Set(columns.map(({ name }) => fold(name)))
  return keys.filter((key) => names.has(fold(key)))
}

/** Names of the keys: `year`, `month`, `day`; where a column has one of these, `part_year` and so on. */
export function keyNames(by: LakePartitioning, columns: readonly HeldColumn[]): string[] {
  const plain = by === "day" ? [...PLAIN_KEYS] : PLAIN_KEYS.slice(0, 2)
  for (let n = 0; ; n++) {
    const prefix = n === 0 ? "" : n === 1 ? "part_" : `part${n}_`
    const keys = plain.map((key) => prefix + key)
    if (clashes(keys, columns).length === 0) return keys
  }
}

/** What stands for NULL in the folder of a partition, to every engine that reads Hive's form. */
const NO_VALUE = "__HIVE_DEFAULT_PARTITION__"

/** `year=2016/month=06` */
export function partitionPath(keys: readonly string[], { date }: Pick<LakePartition, "date">): string {
  if (date === undefined) return keys.map((key) => `${key}=${NO_VALUE}`).join("/")
  const { year, month, day } = date
  const two = (value: number) => String(value).padStart(2, "0")
  const years = year < 0 ? `-${String(-year).padStart(4, "0")}` : String(year).padStart(4, "0")
  const values = [years, two(month), two(day)]
  return keys.map((key, n) => `${key}=${values[n]}`).join("/")
}

/** A folder that some partitioning made. */
export function isPartitionFolder(name: string): boolean {
  return /^[A-Za-z0-9_]+=(-?\d+|__HIVE_DEFAULT_PARTITION__)$/.test(name)
}

/** `shard-2-of-4` → 4; undefined for another name. */
export function shardsOf(share: string): number | undefined {
  const match = /^shard-\d+-of-(\d+)$/.exec(share)
  return match === null ? undefined : Number(match[1])
}
