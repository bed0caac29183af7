/**
 * From Druid's types to DuckDB's, and from the text of one JSON value to the typed value, without loss (invariant I7;
 * the table is docs/types.md). A spool row arrives as `json VARCHAR[]`: strings unescaped (NUL and all), numbers in
 * digits that read back as the same number, nested values as their JSON text, null as NULL.
 */
import type { Column } from "../../base/domain.ts"
import { timeOfMs } from "../notes/times.ts"
import type { SpoolForm } from "./spool-source.ts"

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

/**
 * Aggregator states that Druid answers as base64 of their own bytes (tried: those of Druid itself and of
 * `druid-datasketches`; read in Druid's sources: the others). All else under COMPLEX is JSON of some kind.
 */
const BINARY_COMPLEX =
  /^COMPLEX<(HLLSketch|thetaSketch|quantilesDoublesSketch|Kll(Doubles|Floats)Sketch|arrayOfDoublesSketch|\w+Sketch(Build|Merge)?|hyperUnique|preComputedHyperUnique|approximateHistogram|fixedBucketsHistogram|bloom)>$/

/** JSON of which the form is known: nested data, and the pairs of `stringFirst`, `doubleLast` and their like. */
const JSON_COMPLEX = /^COMPLEX<(json|serializablePair\w+)>$/

/**
 * @param druidType native type from the `typesHeader` line
 * @param multiValue a STRING column of which some row holds several values
 * @param multiValueAs how the config wants such a column
 */
export function duckdbTypeOf(
  name: string,
  druidType: string,
  multiValue: boolean,
  multiValueAs: "list" | "json" = "list",
): TypeChoice {
  if (name === "__time") return { duckdbType: "TIMESTAMP" }
  if (druidType === "STRING" && multiValue)
    return { duckdbType: multiValueAs === "json" ? "JSON" : "VARCHAR[]" }
  const simple = simpleType(druidType)
  if (simple !== undefined) return { duckdbType: simple }
  if (JSON_COMPLEX.test(druidType)) return { duckdbType: "JSON" }
  if (BINARY_COMPLEX.test(druidType)) return { duckdbType: "BLOB" }
  const nested = /^(COMPLEX|ARRAY)\b/.test(druidType)
  return nested
    ? {
        duckdbType: "JSON",
        warning: `type ${druidType} is not known; its values are kept as the JSON that Druid gives`,
      }
    : { duckdbType: "VARCHAR", warning: `type ${druidType} is not known; its values are kept as text` }
}

/** Scalars, and arrays of them in any depth. */
function simpleType(druidType: string): string | undefined {
  const array = /^ARRAY<(.+)>$/.exec(druidType)
  if (array === null) return ELEMENT_TYPES[druidType]
  const element = simpleType(array[1]!)
  return element === undefined ? undefined : `${element}[]`
}

/**
 * SQL that turns `json[index]` (1-based) into the column's value. A value that does not fit is an error, never NULL:
 * hence `from_json_strict`, which refuses what `from_json` would make NULL.
 */
export function valueExpression(
  column: Pick<Column, "name" | "duckdbType">,
  index: number,
  form: SpoolForm["kind"] = "lines",
): string {
  const value = `json[${index}]`
  const type = column.duckdbType
  if (column.name === "__time") return timeOfMs(`${value}::BIGINT`)
  if (type === "VARCHAR") return value
  if (type.endsWith("[]")) return `from_json_strict(${value}, '${listStructure(type)}')`
  // SQL puts a sketch into quotes once more, a data node does not.
  if (type === "BLOB")
    return `from_base64(${form === "lines" ? `json_extract_string(${value}, '$')` : value})`
  return `${value}::${type}`
}

/** `BIGINT[][]` as `from_json` takes it: `[["BIGINT"]]`. */
export function listStructure(type: string): string {
  return type.endsWith("[]") ? `[${listStructure(type.slice(0, -2))}]` : `"${type}"`
}

/**
 * SQL condition that holds where a text could be Druid's way to write a row with several values: a JSON array of at
 * least two, of which the first is a string or null. A value of one string is never written so, hence a column
 * without such a text holds no row with several values, whatever metadata says.
 */
export function mayBeSeveral(expression: string): string {
  return `(starts_with(${expression}, '["') OR starts_with(${expression}, '[null,'))`
}

/** SQL condition that holds wherever `mayBeSeveral` does, and costs half as much (measured on 125,000 rows, 1.5.5). */
export function beginsLikeSeveral(expression: string): string {
  return `starts_with(${expression}, '[')`
}
