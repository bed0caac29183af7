/**
 * Values as Druid stores them, and the conversions between column types that Druid does when segments disagree.
 *
 * | Druid type | value here |
 * |---|---|
 * | `LONG` (and `__time`, in ms) | `bigint` |
 * | `DOUBLE`, `FLOAT` | `number`, with NaN and infinities |
 * | `STRING` | `string`, or an array of two and more where the row has several values |
 * | `ARRAY<T>` | array |
 * | `COMPLEX<json>`, `COMPLEX<serializablePair…>` | JSON text |
 * | other `COMPLEX<…>` | base64 text of the sketch |
 */
export type Value = null | bigint | number | string | boolean | readonly Value[]

/** One row as tests write it: `__time` (ms or ISO text) and the columns; what is left out is null. */
export type InputRow = { readonly __time: bigint | number | string } & {
  readonly [column: string]: Value | object
}

/** One row as Druid would answer it, every column of the datasource's schema present. */
export type Row = { readonly [column: string]: Value }

/** A column of one segment. */
export interface SegmentColumn {
  readonly name: string
  readonly type: string
}

export function elementType(type: string): string | undefined {
  return type.startsWith("ARRAY<") ? type.slice(6, -1) : undefined
}

/** Complex types that SQL shows as JSON text: nested data, and the pairs of `stringLast` and its like. */
export function isJson(type: string): boolean {
  return type === "COMPLEX<json>" || type.startsWith("COMPLEX<serializablePair")
}

/** Type that schema discovery would give; undefined for null. Several strings make a multi-value STRING. */
export function inferredType(value: Value | object | undefined): string | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === "bigint") return "LONG"
  if (typeof value === "number") return "DOUBLE"
  if (typeof value === "boolean") return "LONG"
  if (typeof value === "string") return "STRING"
  if (Array.isArray(value)) return "STRING"
  return "COMPLEX<json>"
}

/** The stored form of a value: what ingestion does to it. */
export function stored(type: string, value: Value | object | undefined): Value {
  if (value === null || value === undefined) return null
  const element = elementType(type)
  if (element !== undefined) {
    if (!Array.isArray(value)) return [stored(element, value)]
    return value.map((v) => stored(element, v))
  }
  switch (type) {
    case "LONG":
      if (typeof value === "bigint") return BigInt.asIntN(64, value)
      if (typeof value === "boolean") return value ? 1n : 0n
      if (typeof value === "number" && Number.isInteger(value)) return BigInt(value)
      break
    case "DOUBLE":
    case "FLOAT":
      if (typeof value === "bigint" || typeof value === "number")
        return type === "FLOAT" ? Math.fround(Number(value)) : Number(value)
      break
    case "STRING":
      if (Array.isArray(value)) return storedMultiValue(value)
      return wellFormed(asText(value as Value))
    default:
      if (isJson(type)) return wellFormed(typeof value === "string" ? value : jsonText(value as Value))
      if (type.startsWith("COMPLEX<") && typeof value === "string") return value
  }
  throw new Error(`Not a ${type}: ${String(value)} (${typeof value})`)
}

/** Sorted, nulls first; none or one null is null, one value is that value. */
function storedMultiValue(values: readonly Value[]): Value {
  const texts = values.map((v) => (v === null ? null : wellFormed(asText(v))))
  if (texts.length === 0) return null
  if (texts.length === 1) return texts[0] ?? null
  return texts.sort((a, b) => (a === b ? 0 : a === null ? -1 : b === null ? 1 : a < b ? -1 : 1))
}

/** Lone surrogates become `?`, as seen in Druid. */
function wellFormed(text: string): string {
  return text.isWellFormed()
    ? text
    : text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "?")
}

function asText(value: Value): string {
  if (typeof value === "string") return value
  if (typeof value === "number") return doubleText(value)
  if (Array.isArray(value)) return jsonText(value)
  return String(value)
}

/** JSON text of a value; `bigint` and non-finite numbers as Druid writes them. */
export function jsonText(value: Value | object): string {
  if (value === null) return "null"
  if (typeof value === "bigint") return value.toString()
  if (typeof value === "number") return Number.isFinite(value) ? doubleText(value) : `"${doubleText(value)}"`
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([key, v]) => `${JSON.stringify(key)}:${jsonText(v as Value)}`)
      .join(",")}}`
  return JSON.stringify(value)
}

/** A double as Java prints it: `5.0`, `1.0E308`, `4.9E-324`, `-0.0`, `NaN`, `Infinity`. */
export function doubleText(value: number): string {
  return javaText(value, value === 5e-324 || value === -5e-324 ? "4.9e-324" : Math.abs(value).toExponential())
}

/** A float in the fewest digits that name it. */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return doubleText(value)
  if (Math.abs(value) === 2 ** -149) return javaText(value, "1.4e-45")
  for (let digits = 0; digits < 9; digits++) {
    const text = Math.abs(value).toExponential(digits)
    if (Math.fround(Number(text)) === Math.abs(value)) return javaText(value, text)
  }
  return doubleText(value)
}

function javaText(value: number, exponential: string): string {
  if (Number.isNaN(value)) return "NaN"
  const sign = value < 0 || Object.is(value, -0) ? "-" : ""
  if (!Number.isFinite(value)) return `${sign}Infinity`
  if (value === 0) return `${sign}0.0`
  const [mantissa, exponentText] = exponential.replace(/^-/, "").split("e") as [string, string]
  const exponent = Number(exponentText)
  const digits = mantissa.replace(".", "").replace(/(?<=.)0+$/, "")
  if (exponent < -3 || exponent >= 7) return `${sign}${digits[0]}.${digits.slice(1) || "0"}E${exponent}`
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0")
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`
}

/** A value that cannot be read as the type the schema gives it: HTTP 500 in Druid. */
export class CoercionError extends Error {}

/**
 * How a value stored as `from` is read where the schema says `to`; undefined where nothing has to be done.
 * @throws CoercionError from the function returned, for a value that has no form in that type
 */
export function coercion(name: string, from: string, to: string): ((value: Value) => Value) | undefined {
  if (from === to) return undefined
  const fail = (): never => {
    throw new CoercionError(
      `Cannot coerce field [${name}] from type [${javaClass(from)}] to type [${sqlType(to)}]`,
    )
  }
  const element = elementType(to)
  if (element !== undefined) {
    const fromElement = elementType(from)
    const inner = coercion(name, fromElement ?? from, element) ?? ((v: Value) => v)
    return (value) => {
      if (value === null) return null
      if (Array.isArray(value)) return value.map((v) => (v === null ? null : inner(v)))
      return [inner(value)]
    }
  }
  const isNumber = (type: string) => type === "LONG" || type === "DOUBLE" || type === "FLOAT"
  return (value) => {
    if (value === null) return null
    if (to === "STRING") return from === "FLOAT" ? floatText(value as number) : asText(value)
    if (to === "COMPLEX<json>") return from.startsWith("COMPLEX<") ? fail() : jsonText(value)
    if (isNumber(to) && isNumber(from)) return numeric(to, value as bigint | number)
    if (isNumber(to) && typeof value === "string") {
      const parsed = to === "LONG" ? parsedLong(value) : Number(value)
      return parsed === undefined || Number.isNaN(parsed) ? fail() : numeric(to, parsed)
    }
    return fail()
  }
}

function numeric(to: string, value: bigint | number): Value {
  if (to === "LONG")
    return typeof value === "bigint" ? value : BigInt.asIntN(64, BigInt(Math.trunc(value) || 0))
  return to === "FLOAT" ? Math.fround(Number(value)) : Number(value)
}

function parsedLong(text: string): bigint | undefined {
  return /^[+-]?\d+$/.test(text) ? BigInt(text) : undefined
}

function javaClass(type: string): string {
  if (type === "LONG") return "Long"
  if (type === "DOUBLE") return "Double"
  if (type === "FLOAT") return "Float"
  if (type === "STRING") return "String"
  return type === "COMPLEX<json>" ? "LinkedHashMap" : "ArrayList"
}

/** Druid's SQL type of a native type; `__time` is TIMESTAMP and not known here. */
function sqlType(type: string): string {
  if (type === "LONG") return "BIGINT"
  if (type === "STRING") return "VARCHAR"
  if (type === "DOUBLE" || type === "FLOAT") return type
  return elementType(type) === undefined ? "OTHER" : "ARRAY"
}
