/**
 * Druid's ISO-8601 times to exact milliseconds. `Date` cannot be used: Druid prints years beyond 9999 without a `+`
 * and goes back to the year -146136543.
 */

/** Druid's own eternity (`Intervals.ETERNITY`), in milliseconds. */
export const MIN_TIME = -4611686018427387904n
export const MAX_TIME = 4611686018427387903n

const PATTERN = /^([+-]?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?Z$/

/**
 * @param text such as `2016-06-27T00:00:00.000Z` or `-146136543-09-08T08:23:32.096Z`
 * @returns milliseconds since 1970
 * @throws RangeError where the text is no such time
 */
export function parseDruidTime(text: string): bigint {
  const match = PATTERN.exec(text)
  if (match === null) throw new RangeError(`not a time in Druid's form: ${JSON.stringify(text)}`)
  const [, year, month, day, hour, minute, second, fraction = ""] = match
  const days = daysFromCivil(BigInt(year!), BigInt(month!), BigInt(day!))
  const back = civilFromDays(days)
  const exists =
    back.month === BigInt(month!) &&
    back.day === BigInt(day!) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60
  if (!exists) throw new RangeError(`no such time: ${JSON.stringify(text)}`)
  const seconds = days * 86_400n + BigInt(hour!) * 3_600n + BigInt(minute!) * 60n + BigInt(second!)
  return seconds * 1_000n + BigInt(fraction.padEnd(3, "0"))
}

/** Milliseconds as Druid prints them, also beyond the range of `Date`. */
export function formatDruidTime(ms: bigint): string {
  const days = floorDiv(ms, 86_400_000n)
  const rest = ms - days * 86_400_000n
  const { year, month, day } = civilFromDays(days)
  const pad = (value: bigint, width: number) => value.toString().padStart(width, "0")
  const years = year < 0n ? `-${pad(-year, 4)}` : pad(year, 4)
  const time = `${pad(rest / 3_600_000n, 2)}:${pad((rest / 60_000n) % 60n, 2)}:${pad((rest / 1_000n) % 60n, 2)}`
  return `${years}-${pad(month, 2)}-${pad(day, 2)}T${time}.${pad(rest % 1_000n, 3)}Z`
}

// Days of the proleptic Gregorian calendar by counting years from March: "chrono-Compatible Low-Level Date
// Algorithms" (Howard Hinnant), exact for every year.
function daysFromCivil(y: bigint, month: bigint, day: bigint): bigint {
  const year = month <= 2n ? y - 1n : y
  const era = floorDiv(year, 400n)
  const yearOfEra = year - era * 400n
  const dayOfYear = (153n * (month + (month > 2n ? -3n : 9n)) + 2n) / 5n + day - 1n
  return era * 146_097n + yearOfEra * 365n + yearOfEra / 4n - yearOfEra / 100n + dayOfYear - 719_468n
}

function civilFromDays(days: bigint) {
  const shifted = days + 719_468n
  const era = floorDiv(shifted, 146_097n)
  const dayOfEra = shifted - era * 146_097n
  const yearOfEra = (dayOfEra - dayOfEra / 1_460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n)
  const m = (5n * dayOfYear + 2n) / 153n
  const month = m + (m < 10n ? 3n : -9n)
  return {
    year: yearOfEra + era * 400n + (month <= 2n ? 1n : 0n),
    month,
    day: dayOfYear - (153n * m + 2n) / 5n + 1n,
  }
}

/** The quotient rounded down, also below zero, where BigInt rounds towards it. */
export function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}

/** The later of two limits that may each be missing. */
export function laterOf(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a > b ? a : b
}
