/**
 * The kinds of values that a configuration is made of, as valibot schemas. The message of each is a phrase that
 * completes "accepted: …".
 */

import * as v from "valibot"
import { expressionProblem } from "./expression.ts"
import { readBasePath, readHost } from "./host.ts"
import { isObject } from "./json.ts"
import { parseDuration, parseInstant, parseSize } from "./quantities.ts"

const DAY_MS = 86_400_000
/** Timers of JavaScript runtimes wrap around beyond 2^31 ms. */
const MAX_TIMEOUT_MS = 24 * DAY_MS

/** Marks that a key can carry beside its schema; the functions that set them are here and in schema.ts. */
export type Mark = "unit" | "isPath" | "hides" | "usual" | "flag"

/** The value of a mark; undefined if the key does not have it. */
export function markOf(schema: object, mark: Mark): unknown {
  if (mark in schema) return (schema as Record<Mark, unknown>)[mark]
  return "wrapped" in schema ? markOf(schema.wrapped as object, mark) : undefined
}

/** Marks the unit of a value. The program's name of the key ends in it (see `Named` in settings.ts). */
export function counted<const S extends v.GenericSchema, const U extends string>(unit: U, schema: S) {
  return { ...schema, unit }
}

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

/** An http or https address without a login. */
export function address(accepted: string) {
  return read(accepted, (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password === ""
    return isPlain ? url.href : undefined
  })
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
  const reading = read(accepted, (text) => {
    const ms = parseDuration(text)
    return ms !== undefined && ms >= min && ms <= max ? ms : undefined
  })
  return counted("Ms", reading)
}

/** How long rows are kept: `"all"`, or a length of time of at least a day, to milliseconds. */
export function keeping() {
  const accepted =
    '"all", or a duration of at least a day such as "90d" or "P90D" (no months or years: they vary)'
  const reading = read(accepted, (text) => {
    const ms = parseDuration(text)
    return ms !== undefined && ms >= DAY_MS ? ms : undefined
  })
  return counted("Ms", v.union([v.literal("all", accepted), reading], accepted))
}

/** A length of time that a timer can wait for, to milliseconds. */
export function timeout() {
  return duration(1, MAX_TIMEOUT_MS, ", at most 24 days")
}

/** An amount of bytes, as a number or like "1GB", to a number. */
export function size(min: number, minText: string) {
  const accepted = `a size such as "1GB", "512MiB" or a number of bytes, at least ${minText}`
  const bytes = v.pipe(
    v.union([v.number(accepted), read(accepted, parseSize)], accepted),
    v.safeInteger(accepted),
    v.minValue(min, accepted),
  )
  return counted("Bytes", bytes)
}

/** A date or a date and time, to UTC milliseconds. */
export function instant() {
  const accepted = 'a date such as "2024-01-31" or a time such as "2024-01-31T12:00:00Z" (UTC)'
  return counted("Ms", read(accepted, parseInstant))
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

/** A path, absolute in the program: in the file it starts at the file's folder, in a flag at the current one. */
export function path(what: string) {
  return { ...words(`a path to a ${what}`), isPath: true }
}

/** A name that only has to survive quoting: anything but nothing, NUL and halves of surrogate pairs. */
export function name(accepted: string) {
  return v.pipe(v.string(accepted), v.nonEmpty(accepted), v.regex(/^[^\0\p{Cs}]*$/u, accepted))
}

/** What Druid's parser takes for the name of a computed column: 128 characters at most, on one line (33.0.0). */
function newName() {
  const accepted = "names of 1 to 128 characters, none of them a control character"
  return v.pipe(
    v.string(accepted),
    v.nonEmpty(accepted),
    v.maxLength(128, accepted),
    v.regex(/^[^\p{Cc}\p{Cs}]*$/u, accepted),
  )
}

/** An object of named values; an array is none, though valibot takes it for one. */
export function record<
  const K extends v.BaseSchema<string, string | number | symbol, v.BaseIssue<unknown>>,
  const V extends v.GenericSchema,
>(key: K, value: V, accepted: string) {
  const schema = v.record(key, value, accepted)
  const run: (typeof schema)["~run"] = (dataset, config) =>
    schema["~run"](Array.isArray(dataset.value) ? { value: undefined } : dataset, config)
  return { ...schema, "~run": run }
}

/** Names that are unsafe as keys of JavaScript objects; valibot leaves them out without a word. */
export const LEFT_OUT: readonly string[] = ["__proto__", "constructor", "prototype"]

/** New columns by their names. */
export function columnsBy<const V extends v.GenericSchema>(value: V, accepted: string) {
  const schema = record(newName(), value, accepted)
  const refusal = v.custom<Record<string, never>>(() => false, `names other than ${LEFT_OUT.join(", ")}`)
  const run: (typeof schema)["~run"] = (dataset, config) => {
    const { value: given } = dataset
    const isCut = isObject(given) && LEFT_OUT.some((name) => Object.hasOwn(given, name))
    return isCut
      ? (refusal["~run"](dataset, config) as ReturnType<typeof run>)
      : schema["~run"](dataset, config)
  }
  return { ...schema, "~run": run }
}

/** An expression in Druid SQL that can stand among others (see `expressionProblem`); spaces around it are cut off. */
export function expression(accepted: string) {
  return v.pipe(
    v.string(accepted),
    v.trim(),
    v.regex(/^[^\0\p{Cs}]*$/u, accepted),
    v.check(
      (sql) => expressionProblem(sql) === undefined,
      ({ input }) => `${accepted}; this one ${expressionProblem(input)}`,
    ),
  )
}

/** A text with something in it, line breaks allowed; spaces around it are cut off. */
export function condition(accepted: string) {
  return v.pipe(v.string(accepted), v.trim(), v.nonEmpty(accepted), v.regex(/^[^\0\p{Cs}]*$/u, accepted))
}
