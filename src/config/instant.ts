/** Reads points in time as people write them, without the leniency of `Date.parse`. Pure. */

const INSTANT =
  /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:\d\d)?)?$/i

/**
 * UTC milliseconds of an ISO 8601 date ("2024-01-31") or date and time ("2024-01-31T12:00:00.123+02:00"); without
 * an offset it is UTC. Undefined for anything else, February 30 included (`Date.parse` differs by runtime there).
 */
export function parseInstant(text: string): bigint | undefined {
  const match = INSTANT.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0))
  const date = new Date(0)
  // not Date.UTC: it reads the years 0 to 99 as 1900 to 1999
  date.setUTCFullYear(year!, month! - 1, day!)
  const isRealDate = date.getUTCMonth() === month! - 1 && date.getUTCDate() === day
  if (!isRealDate || hour! > 23 || minute! > 59 || second! > 59) return undefined
  date.setUTCHours(hour!, minute!, second!, Number((match[7] ?? "").padEnd(3, "0")))
  const offset = offsetMs(match[8] ?? "Z")
  if (offset === undefined || Number.isNaN(date.getTime())) return undefined
  return BigInt(date.getTime() - offset)
}

function offsetMs(text: string): number | undefined {
  if (text.toUpperCase() === "Z") return 0
  const hours = Number(text.slice(1, 3))
  const minutes = Number(text.slice(4, 6))
  if (hours > 23 || minutes > 59) return undefined
  return (text.startsWith("-") ? -1 : 1) * (hours * 3_600_000 + minutes * 60_000)
}
