/**
 * Druid's ISO-8601 times to exact milliseconds. `Date` cannot be used: Druid prints years beyond 9999 without a `+`
 * and goes back to the year -146136543.
 */

/** Druid's own eternity (`Intervals.ETERNITY`), in milliseconds. */
export const MIN_TIME = -4611686018427387904n
export const MAX_TIME = 4611686018427387903n

const DAY_MS = 86_400_000n

const PATTERN = /^([+-]?\d{4,9})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?Z$/

/**
 * @param text such as `2016-06-27T00:00:00.000Z` or `-146136543-09-08T08:23:32.096Z`
 * @returns milliseconds since 1970
 * @throws RangeError if the text is no such time
 */
export function parseDruidTime(text: string): bigint {
  const match = PATTERN.exec(text)
  if (match === null) throw new RangeError(`not a time in Druid's form: ${JSON.stringify(text)}`)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  const ofDayMs = (hour * 3_600 + minute * 60 + second) * 1_000 + Number((match[7] ?? "").padEnd(3, "0"))
  const ms = hour < 24 && minute < 60 && second < 60 ? fromCivil({ year, month, day, ofDayMs }) : undefined
  if (ms === undefined) throw new RangeError(`no such time: ${JSON.stringify(text)}`)
  return ms
}

/** Milliseconds as Druid prints them, also beyond the range of `Date`. */
export function formatDruidTime(ms: bigint): string {
  const { year, month, day, ofDayMs } = civil(ms)
  const pad = (value: number, width: number) => String(value).padStart(width, "0")
  const years = year < 0 ? `-${pad(-year, 4)}` : pad(year, 4)
  const time = `${pad(Math.floor(ofDayMs / 3_600_000), 2)}:${pad(Math.floor(ofDayMs / 60_000) % 60, 2)}:${pad(Math.floor(ofDayMs / 1_000) % 60, 2)}`
  return `${years}-${pad(month, 2)}-${pad(day, 2)}T${time}.${pad(ofDayMs % 1_000, 3)}Z`
}

/** A moment by the proleptic Gregorian calendar, in UTC; there is a year 0. */
export interface Civil {
  readonly year: number
  /** 1 to 12 */
  readonly month: number
  /** 1 to 31 */
  readonly day: number
  /** milliseconds since midnight */
  readonly ofDayMs: number
}

/** @param ms since 1970 */
export function civil(ms: bigint): Civil {
  const days = floorDiv(ms, DAY_MS)
  return { ...civilFromDays(Number(days)), ofDayMs: Number(ms - days * DAY_MS) }
}

/** @returns milliseconds since 1970; undefined if the calendar has no such day */
export function fromCivil({ year, month, day, ofDayMs }: Civil): bigint | undefined {
  const days = daysFromCivil(year, month, day)
  const back = civilFromDays(days)
  if (back.month !== month || back.day !== day) return undefined
  return BigInt(days) * DAY_MS + BigInt(ofDayMs)
}

// Days of the proleptic Gregorian calendar by counting years from March: "chrono-Compatible Low-Level Date
// Algorithms" (Howard Hinnant), exact for every year. Days and years are numbers: Druid's go to 5 * 10^10, exact far
// beyond, and 50,000 segments have 100,000 times.
function daysFromCivil(y: number, month: number, day: number): number {
  const year = month <= 2 ? y - 1 : y
  const era = Math.floor(year / 400)
  const yearOfEra = year - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function civilFromDays(days: number) {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const m = Math.floor((5 * dayOfYear + 2) / 153)
  const month = m + (m < 10 ? 3 : -9)
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * m + 2) / 5) + 1,
  }
}

/** The quotient rounded down, also below zero, where BigInt rounds towards it. */
export function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}

/** The first millisecond of the UTC day that a time lies in. @param ms since 1970 */
export function startOfDay(ms: bigint): bigint {
  return floorDiv(ms, DAY_MS) * DAY_MS
}

/** The later of two limits that may each be missing. */
export function laterOf(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a > b ? a : b
}
