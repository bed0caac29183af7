/**
 * Which rows belong to one machine, when several pull parts of the same datasources without talking to each other. The grid
 * is fixed: UTC days of `__time`, never Druid's chunks, which compaction changes between the pulls of two machines. Pure,
 * and the same in Druid's SQL (`shardSql` in `druid/sql.ts`), so that a chunk longer than a day needs no list of days.
 *
 *     day       = floor(__time in ms / 86,400,000)           negative before 1970
 *     hash      = ((day mod 2^31) × 2,654,435,769 + FNV-1a-32 of the datasource's name in UTF-8) mod 2^32
 *     shard     = floor(hash × n / 2^32) + 1                  of n
 *
 * The factor is 2^32 divided by the golden ratio: of any run of days each shard has its share, give or take less than three
 * (Knuth, "The Art of Computer Programming" 3, 6.4: Fibonacci hashing); twice that where the run crosses 1970, at which the
 * sequence starts over. Files in the field depend on this: it never changes.
 */
import type { Interval } from "./domain.ts"
import { floorDiv } from "./time.ts"

/** One share of several. */
export interface Shard {
  /** from 1 */
  readonly number: number
  /** how many there are in all, from 2 */
  readonly of: number
}

/** How much of a stretch of time belongs to this shard: all of its days, none, or some. */
export type Share = (interval: Interval) => "all" | "some" | "none"

/** More machines than this make no sense, and the arithmetic stays far from its limits. */
export const MAX_SHARDS = 1_000

export const SHARD_DAY_MS = 86_400_000n
/** Days are counted modulo this, so that the product fits a signed 64-bit integer, as Druid has it. */
const SHARD_DAYS = 2_147_483_648n
const SHARD_FACTOR = 2_654_435_769n
const SHARD_RANGE = 4_294_967_296n

/** `2/4` */
export function shardText(shard: Shard): string {
  return `${shard.number}/${shard.of}`
}

/**
 * @returns the shard; "whole" for `1/1`, which is everything; undefined if the text is no `i/n` with 1 ≤ i ≤ n ≤ 1000
 */
export function parseShard(text: string): Shard | "whole" | undefined {
  const match = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(text)
  if (match === null) return undefined
  const [number, of] = [Number(match[1]), Number(match[2])]
  if (number > of || of > MAX_SHARDS) return undefined
  return of === 1 ? "whole" : { number, of }
}

/** FNV-1a, 32 bits, over UTF-8: where the days of a datasource begin, so that those of one day each do not all meet. */
export function shardOffset(datasource: string): bigint {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(datasource)) hash = Math.imul(hash ^ byte, 0x01000193)
  return BigInt(hash >>> 0)
}

/** The hashes that are the shard's: from the first to the last, both included. */
export function shardHashes({ number, of }: Shard): { readonly first: bigint; readonly last: bigint } {
  const bound = (k: number) => (BigInt(k) * SHARD_RANGE + BigInt(of - 1)) / BigInt(of)
  return { first: bound(number - 1), last: bound(number) - 1n }
}

/** The UTC day that a time lies in, counted from 1970-01-01. @param ms since 1970 */
export function dayOfTime(ms: bigint): bigint {
  return floorDiv(ms, SHARD_DAY_MS)
}

/** @returns a test of days, as `dayOfTime` counts them */
export function ownDays(shard: Shard, datasource: string): (day: bigint) => boolean {
  const offset = shardOffset(datasource)
  const { first, last } = shardHashes(shard)
  return (day) => {
    const rest = day % SHARD_DAYS
    const wrapped = rest < 0n ? rest + SHARD_DAYS : rest
    const hash = (wrapped * SHARD_FACTOR + offset) % SHARD_RANGE
    return first <= hash && hash <= last
  }
}

/**
 * SQL that is true for rows of the shard's days: the arithmetic above in 64-bit integers, where remainders may be negative.
 * @param ms SQL of a time in milliseconds since 1970
 * @param divide the operator that divides whole numbers
 */
export function ownDaySql(shard: Shard, datasource: string, ms: string, divide: "/" | "//"): string {
  const positive = (value: string, by: bigint) => `MOD(MOD(${value}, ${by}) + ${by}, ${by})`
  const day = `(${ms} - ${positive(ms, SHARD_DAY_MS)}) ${divide} ${SHARD_DAY_MS}`
  const hash = `MOD(${positive(day, SHARD_DAYS)} * ${SHARD_FACTOR} + ${shardOffset(datasource)}, ${SHARD_RANGE})`
  const { first, last } = shardHashes(shard)
  return `${hash} BETWEEN ${first} AND ${last}`
}

/** The share of stretches of a datasource. Without a shard everything is ours. */
export function shareOf(shard: Shard | undefined, datasource: string): Share {
  if (shard === undefined) return () => "all"
  const isOwn = ownDays(shard, datasource)
  return ({ start, end }) => {
    const last = dayOfTime(end - 1n)
    let day = dayOfTime(start)
    const isFirstOwn = isOwn(day)
    // Ends soon however long the stretch is: no run of days of one kind is longer than a few times the number of shards.
    for (day++; day <= last; day++) if (isOwn(day) !== isFirstOwn) return "some"
    return isFirstOwn ? "all" : "none"
  }
}
