/**
 * Values of DuckDB as text, without loss: as JSON (64-bit integers and decimals in all their digits, lists and structs
 * nested) and as plain text for tables and CSV (nested values as JSON there too, since `[a, b]` could mean many things).
 * The type says what a value is, since a FLOAT and a DOUBLE are both numbers in JavaScript.
 */
import type { DuckDBType, DuckDBValue } from "@duckdb/node-api"

/** Turns a value of one column into text; null stays null. */
export type CellText = (value: DuckDBValue) => string | null

/** What these functions need of `@duckdb/node-api`, loaded by the caller: the type ids. */
export type TypeIds = typeof import("@duckdb/node-api").DuckDBTypeId

type Nested = {
  readonly valueType?: DuckDBType
  readonly keyType?: DuckDBType
  readonly entryNames?: readonly string[]
  readonly entryTypes?: readonly DuckDBType[]
  readonly memberTags?: readonly string[]
  readonly memberTypes?: readonly DuckDBType[]
}

/** JSON text of a value: never null, NULL is `null`. NaN and the infinities are strings, as Druid writes them. */
export function jsonCell(type: DuckDBType, ids: TypeIds): (value: DuckDBValue) => string {
  const convert = jsonOf(type, ids)
  return (value) => (value === null || value === undefined ? "null" : convert(value))
}

/** Plain text of a value; null for NULL. */
export function textCell(type: DuckDBType, ids: TypeIds): CellText {
  if (isNested(type, ids)) return nullable(jsonOf(type, ids))
  if (type.typeId === ids.FLOAT) return nullable((value) => floatText(value as number))
  if (type.typeId === ids.DOUBLE) return nullable((value) => doubleText(value as number))
  return nullable(String)
}

/** Are the values numbers, to be aligned at their right? */
export function isNumeric(type: DuckDBType, ids: TypeIds): boolean {
  return numeric(ids).has(type.typeId)
}

/** Texts, bytes and nested values: they can have any length. */
export function isText(type: DuckDBType, ids: TypeIds): boolean {
  return isNested(type, ids) || [ids.VARCHAR, ids.BLOB, ids.BIT, ids.ENUM].some((id) => id === type.typeId)
}

function numeric(ids: TypeIds): ReadonlySet<number> {
  return new Set<number>([
    ids.TINYINT,
    ids.SMALLINT,
    ids.INTEGER,
    ids.BIGINT,
    ids.UTINYINT,
    ids.USMALLINT,
    ids.UINTEGER,
    ids.UBIGINT,
    ids.HUGEINT,
    ids.UHUGEINT,
    ids.BIGNUM,
    ids.DECIMAL,
    ids.FLOAT,
    ids.DOUBLE,
  ])
}

function isNested({ typeId }: DuckDBType, ids: TypeIds): boolean {
  return [ids.LIST, ids.ARRAY, ids.STRUCT, ids.MAP, ids.UNION].some((id) => id === typeId)
}

function nullable(convert: (value: DuckDBValue) => string): CellText {
  return (value) => (value === null || value === undefined ? null : convert(value))
}

function jsonOf(type: DuckDBType, ids: TypeIds): (value: DuckDBValue) => string {
  const { typeId, alias } = type
  const nested = type as DuckDBType & Nested
  switch (typeId) {
    case ids.BOOLEAN:
      return String
    case ids.FLOAT:
      return (value) => jsonNumber(floatText(value as number), value as number)
    case ids.DOUBLE:
      return (value) => jsonNumber(doubleText(value as number), value as number)
    case ids.VARCHAR:
      // JSON is text with a name of its own.
      return alias === "JSON" ? String : (value) => JSON.stringify(value)
    case ids.BLOB:
      return (value) => JSON.stringify(Buffer.from((value as { bytes: Uint8Array }).bytes).toString("base64"))
    case ids.LIST:
    case ids.ARRAY: {
      const item = jsonCell(nested.valueType!, ids)
      return (value) => `[${(value as { items: readonly DuckDBValue[] }).items.map(item).join(",")}]`
    }
    case ids.STRUCT: {
      const names = nested.entryNames!
      const items = nested.entryTypes!.map((entry) => jsonCell(entry, ids))
      return (value) => {
        const { entries } = value as { entries: Readonly<Record<string, DuckDBValue>> }
        return `{${names.map((name, n) => `${JSON.stringify(name)}:${items[n]!(entries[name]!)}`).join(",")}}`
      }
    }
    case ids.MAP: {
      const key = textCell(nested.keyType!, ids)
      const item = jsonCell(nested.valueType!, ids)
      return (value) => {
        const { entries } = value as {
          entries: readonly { readonly key: DuckDBValue; readonly value: DuckDBValue }[]
        }
        return `{${entries.map((one) => `${JSON.stringify(key(one.key) ?? "null")}:${item(one.value)}`).join(",")}}`
      }
    }
    case ids.UNION: {
      const items = new Map(nested.memberTags!.map((tag, n) => [tag, jsonCell(nested.memberTypes![n]!, ids)]))
      return (value) => {
        const union = value as { readonly tag: string; readonly value: DuckDBValue }
        return items.get(union.tag)!(union.value)
      }
    }
    default:
      return numeric(ids).has(typeId) ? String : (value) => JSON.stringify(String(value))
  }
}

function jsonNumber(text: string, value: number): string {
  return Number.isFinite(value) ? text : JSON.stringify(text)
}

function doubleText(value: number): string {
  return Object.is(value, -0) ? "-0.0" : String(value)
}

/** The shortest digits that read back as the same 32-bit number: 0.1, not 0.10000000149011612. */
function floatText(value: number): string {
  if (Object.is(value, -0) || !Number.isFinite(value)) return doubleText(value)
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits)
    if (Math.fround(Number(text)) === value) return String(Number(text))
  }
  return String(Number(value.toPrecision(9)))
}
