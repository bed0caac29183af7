/**
 * How each column is put into words that Druid and DuckDB spell alike, to the last character: the ground on which
 * fingerprints stand. Measured on Druid 33.0.0 (docs/verify.md). Pure.
 */
import type { Column } from "../base/domain.ts"
import { quoteName } from "../base/names.ts"
import { valueSql } from "../druid/sql.ts"
import type { StoredColumn } from "../store/notes/tables.ts"
import { ROW_HASH_NAME } from "../store/rows/row-hash.ts"

/** What of a column a fingerprint sees. */
export type Coverage =
  /** every character, digit and bit */
  | "value"
  /** arrays of floating-point numbers, which the two write differently: length and first element */
  | "partial"
  /** only whether there is a value */
  | "presence"

/** A column in both languages; each expression is a text, or NULL where there is no value. */
export interface ComparedColumn {
  readonly name: string
  readonly druid: string
  readonly duckdb: string
  readonly coverage: Coverage
}

const NULL_TEXT = "CAST(NULL AS VARCHAR)"

/**
 * @param now Druid's columns of today, as the config chooses them
 * @param stored columns of the table
 * @returns every column of either side but `__time` (which is part of each row's words) and the hash column
 */
export function comparedColumns(
  now: readonly Pick<Column, "name" | "druidType" | "reading" | "expression" | "hashed">[],
  stored: readonly StoredColumn[],
): ComparedColumn[] {
  const held = new Map(stored.map((column) => [column.name, column]))
  const present = new Set(now.map((column) => column.name))
  const found: ComparedColumn[] = []
  for (const one of now) {
    const { name, druidType, reading } = one
    if (name === "__time") continue
    const value = valueSql(one)
    const column = held.get(name)
    // A column that the table lacks must be empty in the segments that we hold.
    if (column === undefined)
      found.push({ name, druid: presence(value), duckdb: NULL_TEXT, coverage: "presence" })
    else if (one.hashed !== undefined) {
      // Druid's SQL has no SHA-256.
      const duckdb = presence(quoteName(column.target))
      found.push({ name, druid: presence(value), duckdb, coverage: "presence" })
    } else if (reading === "text" && column.duckdbType === "VARCHAR") {
      const [druid, duckdb] = [`CAST(${value} AS VARCHAR)`, quoteName(column.target)]
      found.push({ name, druid, duckdb, coverage: "value" })
    } else found.push({ name, ...wordsOf(value, druidType, column) })
  }
  for (const column of stored) {
    if (column.name === "__time" || column.name === ROW_HASH_NAME || present.has(column.name)) continue
    const duckdb = presence(quoteName(column.target))
    found.push({ name: column.name, druid: NULL_TEXT, duckdb, coverage: "presence" })
  }
  return found
}

function presence(column: string): string {
  return `CASE WHEN ${column} IS NULL THEN ${NULL_TEXT} ELSE '' END`
}

/** @param druid SQL of the value in Druid */
function wordsOf(druid: string, druidType: string, stored: StoredColumn): Omit<ComparedColumn, "name"> {
  const duckdb = quoteName(stored.target)
  const type = stored.duckdbType
  const value = (left: string, right: string) => ({ druid: left, duckdb: right, coverage: "value" as const })
  const text = `${duckdb}::VARCHAR`
  switch (druidType) {
    case "STRING":
      if (type === "VARCHAR") return value(druid, duckdb)
      if (type === "VARCHAR[]")
        return value(`TO_JSON_STRING(MV_TO_ARRAY(${druid}))`, `to_json(${duckdb})::VARCHAR`)
      if (type === "JSON" && stored.multiValue === true)
        return value(`TO_JSON_STRING(MV_TO_ARRAY(${druid}))`, text)
      break
    case "LONG":
      if (type === "BIGINT" || type === "VARCHAR") return value(`CAST(${druid} AS VARCHAR)`, text)
      if (type === "DOUBLE")
        return value(`CAST(${druid} AS VARCHAR)`, `TRY_CAST(${duckdb} AS BIGINT)::VARCHAR`)
      break
    case "FLOAT":
    case "DOUBLE": {
      const bits = `CAST(${druidBits(druid)} AS VARCHAR)`
      if (type === "FLOAT" || type === "DOUBLE" || type === "BIGINT")
        return value(bits, `${duckdbBits(duckdb)}::VARCHAR`)
      if (type === "VARCHAR") {
        const narrow = druidType === "FLOAT" ? `TRY_CAST(${duckdb} AS FLOAT)` : duckdb
        return value(bits, `${duckdbBits(`TRY_CAST(${narrow} AS DOUBLE)`)}::VARCHAR`)
      }
      break
    }
    case "ARRAY<STRING>":
    case "ARRAY<LONG>":
      if (type === "VARCHAR[]" || type === "BIGINT[]")
        return value(`TO_JSON_STRING(${druid})`, `to_json(${duckdb})::VARCHAR`)
      break
    case "ARRAY<FLOAT>":
    case "ARRAY<DOUBLE>":
      if (type === "FLOAT[]" || type === "DOUBLE[]") {
        const first = `COALESCE(CAST(${druidBits(`ARRAY_OFFSET(${druid}, 0)`)} AS VARCHAR), 'n')`
        return {
          druid: `CONCAT(ARRAY_LENGTH(${druid}), '/', ${first})`,
          duckdb: `len(${duckdb}) || '/' || coalesce(${duckdbBits(`${duckdb}[1]`)}::VARCHAR, 'n')`,
          coverage: "partial",
        }
      }
      break
    default:
      // TO_JSON_STRING of the column itself reads a segment of mixed scalars as strings: `5` would become `"5"`.
      if (type === "JSON" && druidType === "COMPLEX<json>")
        return value(`TO_JSON_STRING(JSON_QUERY(${druid}, '$'))`, text)
      if (type === "JSON" && /^COMPLEX<serializablePair\w+>$/.test(druidType))
        return value(`TO_JSON_STRING(${druid})`, text)
      if (type === "BLOB") return value(`TO_JSON_STRING(${druid})`, `'"' || to_base64(${duckdb}) || '"'`)
  }
  return { druid: presence(druid), duckdb: presence(duckdb), coverage: "presence" }
}

/** The 64 bits of a number: NaN, the infinities and -0.0 apart, and no question of how many digits to print. */
function druidBits(expression: string): string {
  return `BITWISE_CONVERT_DOUBLE_TO_LONG_BITS(${expression})`
}

function duckdbBits(expression: string): string {
  return `(${expression})::DOUBLE::BIT::BIGINT`
}
