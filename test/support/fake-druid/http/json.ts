/** Values as Druid's SQL endpoint writes them in JSON. */
import { iso } from "../model/time.ts"
import { doubleText, elementType, floatText, isJson, jsonText, type Value } from "../model/values.ts"
import type { OutputColumn } from "../sql/answer.ts"

type Encode = (value: Value) => string

/** JSON text of a string as Jackson writes it: non-BMP characters as `\uD83D\uDE00`, U+2028 and U+007F raw. */
export function jsonString(text: string): string {
  const plain = JSON.stringify(text)
  if (!/[\ud800-\udfff]|\\u/.test(plain)) return plain
  return plain
    .replace(/\\(?:u[0-9a-f]{4}|.)/g, (code) =>
      code[1] === "u" ? `\\u${code.slice(2).toUpperCase()}` : code,
    )
    .replace(/[\ud800-\udfff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase()}`)
}

function encodeNumber(value: number, text: (value: number) => string): string {
  return Number.isFinite(value) ? text(value) : `"${text(value)}"`
}

function encodeString(value: Value): string {
  return jsonString(Array.isArray(value) ? jsonText(value) : String(value))
}

function encodeArray(element: Encode): Encode {
  return (value) =>
    `[${(value as readonly Value[]).map((v) => (v === null ? "null" : element(v))).join(",")}]`
}

function encoder(druidType: string, sql: string): Encode {
  if (sql === "TIMESTAMP") return (value) => `"${iso(value as bigint)}"`
  const element = elementType(druidType)
  if (element !== undefined) return encodeArray(encoder(element, ""))
  if (druidType === "LONG") return String
  if (druidType === "DOUBLE")
    return (value) => encodeNumber(Number(value), sql === "DECIMAL" ? String : doubleText)
  if (druidType === "FLOAT") return (value) => encodeNumber(Number(value), floatText)
  if (isJson(druidType) || druidType === "STRING") return encodeString
  return (value) => jsonString(JSON.stringify(value))
}

/** How a column's values are written in the answer to a native query: sketches without the quotes that SQL adds. */
export function nativeEncoder(column: OutputColumn): Encode {
  const { druid } = column.type
  const isSketch = druid.startsWith("COMPLEX<") && !isJson(druid)
  const encode = isSketch ? (value: Value) => jsonString(String(value)) : columnEncoder(column, false)
  if (isJson(druid)) return (value) => (value === null ? "null" : String(value))
  // Several values are a list; SQL gives their text.
  return (value) => {
    if (value === null) return "null"
    return druid === "STRING" && Array.isArray(value) ? JSON.stringify(value) : encode(value)
  }
}

/**
 * How a column's values are written.
 * @param stringifyArrays `sqlStringifyArrays` of the query context; Druid's default is true: arrays as JSON text
 */
export function columnEncoder({ type }: OutputColumn, stringifyArrays: boolean): Encode {
  const encode = encoder(type.druid, type.sql)
  if (stringifyArrays && type.sql === "ARRAY")
    return (value) => (value === null ? "null" : jsonString(jsonText(value)))
  return (value) => (value === null ? "null" : encode(value))
}
