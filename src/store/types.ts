/**
 * From Druid's types to DuckDB's, and from the text of one JSON value to the typed value, without loss (invariant I7;
 * the table is DESIGN.md's "Types"). A spool row arrives as `json VARCHAR[]`: strings unescaped, numbers as written,
 * nested values as their JSON text, null as NULL.
 */
import type { Column } from "../domain.ts"

/** What a column becomes, and what a person should know about it. */
export interface TypeChoice {
  readonly duckdbType: string
  /** set where the type is not known to us, so that a run can warn */
  readonly warning?: string
}

const ELEMENT_TYPES: Readonly<Record<string, string>> = {
  STRING: "VARCHAR",
  LONG: "BIGINT",
  FLOAT: "FLOAT",
  DOUBLE: "DOUBLE",
}

/** Aggregator states that are JSON objects in Druid's answers, not binary sketches. */
const JSON_COMPLEX = /^COMPLEX<(json|serializablePair.*)>$/i

/**
 * @param druidType native type from the `typesHeader` line
 * @param multiValue how many values a row may hold was found out from segment metadata
 */
export function duckdbTypeOf(name: string, druidType: string, multiValue: boolean): TypeChoice {
  if (name === "__time") return { duckdbType: "TIMESTAMP" }
  if (druidType === "STRING") return { duckdbType: multiValue ? "VARCHAR[]" : "VARCHAR" }
  const simple = ELEMENT_TYPES[druidType]
  if (simple !== undefined) return { duckdbType: simple }
  const array = /^ARRAY<(.+)>$/.exec(druidType)
  if (array !== null) {
    const element = duckdbTypeOf("", array[1]!, false)
    return { ...element, duckdbType: `${element.duckdbType}[]` }
  }
  if (JSON_COMPLEX.test(druidType)) return { duckdbType: "JSON" }
  if (/^COMPLEX/.test(druidType)) return { duckdbType: "BLOB" }
  return { duckdbType: "VARCHAR", warning: `type ${druidType} is not known; its values are kept as text` }
}

/** SQL that turns `json[index]` (1-based) into the column's value. A value that does not fit is an error, never NULL. */
export function valueExpression(column: Pick<Column, "name" | "duckdbType">, index: number): string {
  const value = `json[${index}]`
  const type = column.duckdbType
  if (column.name === "__time") return `epoch_ms(${value}::BIGINT)`
  if (type === "VARCHAR") return value
  if (type.endsWith("[]")) return `from_json(${value}, '["${type.slice(0, -2)}"]')`
  if (type === "BLOB") return `from_base64(json_extract_string(${value}, '$'))`
  return `${value}::${type}`
}
