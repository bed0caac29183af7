/** Reads lengths of time, points in time and amounts of bytes as people write them. Pure. */
import { fromCivil } from "../base/time.ts"

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

const SHORT = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/
const SHORT_PART = /(\d+(?:\.\d+)?)(ms|[smhdw])/g
const ISO = /^P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/**
 * Milliseconds of "30s", "1h30m", "3d" or of ISO 8601 ("PT30S", "P1DT12H"), rounded to whole ones; undefined for
 * anything else. Years and months are not accepted: their length varies. A number without a unit neither.
 */
export function parseDuration(text: string): number | undefined {
  const ms = SHORT.test(text) ? shortMs(text) : isoMs(text)
  return ms !== undefined && Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : undefined
}

function shortMs(text: string): number {
  let ms = 0
  for (const [, amount, unit] of text.matchAll(SHORT_PART)) ms += Number(amount) * UNIT_MS[unit!]!
  return ms
}

function isoMs(text: string): number | undefined {
  const match = ISO.exec(text)
  if (match === null) return undefined
  return ["w", "d", "h", "m", "s"].reduce((ms, unit, i) => ms + Number(match[i + 1] ?? 0) * UNIT_MS[unit]!, 0)
}

const INSTANT =
  /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:\d\d)?)?$/i

/** Last instant of a `Date`, in the year 275760: a later one is a slip. */
const LAST = 8_640_000_000_000_000n

/**
 * UTC milliseconds of an ISO 8601 date ("2024-01-31") or date and time ("2024-01-31T12:00:00.123+02:00"); without
 * an offset it is UTC. Undefined for anything else, February 30 included (`Date.parse` differs by runtime there).
 */
export function parseInstant(text: string): bigint | undefined {
  const match = INSTANT.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0))
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const ofDayMs = (hour * 3_600 + minute * 60 + second) * 1_000 + Number((match[7] ?? "").padEnd(3, "0"))
  const ms = fromCivil({ year, month, day, ofDayMs })
  const offset = offsetMs(match[8] ?? "Z")
  if (ms === undefined || offset === undefined || ms > LAST || ms < -LAST) return undefined
  return ms - BigInt(offset)
}

function offsetMs(text: string): number | undefined {
  if (text.toUpperCase() === "Z") return 0
  const hours = Number(text.slice(1, 3))
  const minutes = Number(text.slice(4, 6))
  if (hours > 23 || minutes > 59) return undefined
  return (text.startsWith("-") ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000)
}

const UNIT_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

const SIZE = /^(\d+(?:\.\d+)?) ?([kmgt]i?b|b)$/i

/** Bytes of "1GB", "512 MiB", "1.5gb" (kB is 1000 and KiB 1024, as in DuckDB), rounded; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text)
  if (match === null) return undefined
  const bytes = Math.round(Number(match[1]) * UNIT_BYTES[match[2]!.toLowerCase()]!)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
