/** The functions of which `verify` builds its fingerprints. Each answers as Druid 33.0.0 was seen to (docs/verify.md). */
import { jsonText, type Value } from "../model/values.ts"
import { BIGINT, INTEGER, type ScalarFunction, type SqlType, VARCHAR } from "./functions.ts"

/** Java's `String.hashCode`. */
function hashCode(text: string): number {
  let hash = 0
  for (const unit of Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)))
    hash = (Math.imul(31, hash) + unit) | 0
  return hash >>> 0
}

function longBits(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return view.getBigInt64(0)
}

/** Nested data is JSON already; text and sketches become JSON strings; arrays are written out. */
function toJsonString(value: Value, type: SqlType): string {
  if (typeof value !== "string") return jsonText(value!)
  return /^COMPLEX<(json|serializablePair)/.test(type.druid) ? value : JSON.stringify(value)
}

const elementOf = (type: SqlType): SqlType => {
  const druid = type.druid.replace(/^ARRAY<(.*)>$/, "$1")
  return { druid, sql: druid === "STRING" ? "VARCHAR" : druid === "LONG" ? "BIGINT" : druid }
}

export const FINGERPRINT_FUNCTIONS: Readonly<Record<string, ScalarFunction>> = {
  CONCAT: { arity: 1, more: true, type: () => VARCHAR, apply: (...texts) => texts.map(String).join("") },
  COALESCE: {
    arity: 1,
    more: true,
    takesNull: true,
    type: ([type]) => type!,
    apply: (...values) => values.find((value) => value !== null) ?? null,
  },
  STRING_FORMAT: {
    arity: 2,
    takesNull: true,
    type: () => VARCHAR,
    apply: (pattern, value) => {
      if (pattern !== "%h") throw new Error(`the fake formats "%h" alone, not ${String(pattern)}`)
      return value === null ? "null" : hashCode(String(value)).toString(16)
    },
  },
  PARSE_LONG: {
    arity: 2,
    type: () => BIGINT,
    apply: (text, radix) => {
      const value = Number.parseInt(text as string, Number(radix))
      return Number.isNaN(value) ? null : BigInt(value)
    },
  },
  BITWISE_CONVERT_DOUBLE_TO_LONG_BITS: { arity: 1, type: () => BIGINT, apply: (n) => longBits(Number(n)) },
  ARRAY_LENGTH: { arity: 1, type: () => INTEGER, apply: (list) => BigInt((list as readonly Value[]).length) },
  ARRAY_OFFSET: {
    arity: 2,
    type: ([type]) => elementOf(type!),
    apply: (list, index) => (list as readonly Value[])[Number(index)] ?? null,
  },
  JSON_QUERY: { arity: 2, type: ([type]) => type!, apply: (json) => json! },
  TO_JSON_STRING: {
    arity: 1,
    type: () => VARCHAR,
    apply: () => {
      throw new Error("bound to its argument's type")
    },
    bind:
      ([type]) =>
      (value) =>
        toJsonString(value!, type!),
  },
}
