/**
 * The kinds of values that a configuration is made of, as valibot schemas. The message of each is a phrase that
 * completes "accepted: …".
 */

import * as v from "valibot"
import { parseDuration } from "./duration.ts"
import { readBasePath, readHost } from "./host.ts"
import { parseInstant } from "./instant.ts"
import { parseSize } from "./size.ts"

const DAY_MS = 86_400_000
/** Timers of JavaScript runtimes wrap around beyond 2^31 ms. */
const MAX_TIMEOUT_MS = 24 * DAY_MS

/** A string that is transformed by a reader; undefined from the reader means "not accepted". */
function read<T>(accepted: string, reader: (text: string) => T | undefined) {
  return v.pipe(
    v.string(accepted),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = reader(dataset.value)
      if (value !== undefined) return value
      addIssue({ message: accepted })
      return NEVER
    }),
  )
}

/** A whole number between two bounds, also written as a string of digits (S10: `"port": "8888"`). */
export function integer(min: number, max: number, example: number) {
  const accepted = `a whole number from ${min} to ${max}, such as ${example}`
  const digits = read(accepted, (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : undefined))
  return v.pipe(
    v.union([v.number(accepted), digits], accepted),
    v.integer(accepted),
    v.minValue(min, accepted),
    v.maxValue(max, accepted),
  )
}

/** A length of time, to milliseconds. */
export function duration(min: number, max: number, bounds: string) {
  const accepted = `a duration such as "30s", "5m", "3d" or "PT30S"${bounds} (no months or years: they vary)`
  return read(accepted, (text) => {
    const ms = parseDuration(text)
    return ms !== undefined && ms >= min && ms <= max ? ms : undefined
  })
}

/** A length of time that a timer can wait for, to milliseconds. */
export function timeout() {
  return duration(1, MAX_TIMEOUT_MS, ", at most 24 days")
}

/** An amount of bytes, as a number or like "1GB", to a number. */
export function size(min: number, minText: string) {
  const accepted = `a size such as "1GB", "512MiB" or a number of bytes, at least ${minText}`
  return v.pipe(
    v.union([v.number(accepted), read(accepted, parseSize)], accepted),
    v.safeInteger(accepted),
    v.minValue(min, accepted),
  )
}

/** A date or a date and time, to UTC milliseconds. */
export function instant() {
  return read('a date such as "2024-01-31" or a time such as "2024-01-31T12:00:00Z" (UTC)', parseInstant)
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(...words: T) {
  return v.picklist(words, words.map((word) => `"${word}"`).join(" or "))
}

/** true or false. */
export function flag() {
  return v.boolean("true or false")
}

/** A host (see `readHost`). */
export function host() {
  return v.pipe(
    v.string('a host name or address, such as "druid.example.com"'),
    v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
      const reading = readHost(dataset.value)
      if (reading.host !== undefined) return reading.host
      addIssue({ message: reading.advice })
      return NEVER
    }),
  )
}

/** A path on a server, normalised (see `readBasePath`). */
export function basePath() {
  return read('a path alone, such as "/druid-proxy"', readBasePath)
}

/** A text of at least one character, without control characters and halves of surrogate pairs. */
export function words(accepted: string) {
  return v.pipe(v.string(accepted), v.nonEmpty(accepted), v.regex(/^[^\p{Cc}\p{Cs}]*$/u, accepted))
}

/** A name that only has to survive quoting: anything but nothing, NUL and halves of surrogate pairs. */
export function name(accepted: string) {
  return v.pipe(v.string(accepted), v.nonEmpty(accepted), v.regex(/^[^\0\p{Cs}]*$/u, accepted))
}

/** A text with something in it, line breaks allowed; spaces around it are cut off. */
export function condition(accepted: string) {
  return v.pipe(v.string(accepted), v.trim(), v.nonEmpty(accepted), v.regex(/^[^\0\p{Cs}]*$/u, accepted))
}
