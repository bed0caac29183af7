/** SQL that turns a value of one DuckDB type into another without loss, as drift asks for it. Pure. */
import { msOfTime } from "../notes/times.ts"
import { listStructure } from "./types.ts"

/**
 * @param from @param to types of ours (docs/types.md); every pair that `commonType` may choose is handled
 * @param depth of the list element that `expression` is: names the lambda's variable
 */
export function conversion(expression: string, from: string, to: string, depth = 0): string {
  if (from === to) return expression
  if (to === "JSON") return jsonOf(expression, from, depth)
  if (to.endsWith("[]")) {
    const element = to.slice(0, -2)
    // Only values of several strings go from JSON to a list: an array of strings by construction.
    if (from === "JSON" && element === "VARCHAR")
      return `from_json_strict(${expression}, '${listStructure(to)}')`
    if (from.endsWith("[]"))
      return eachOf(expression, (x) => conversion(x, from.slice(0, -2), element, depth + 1), depth)
    return `CASE WHEN ${expression} IS NULL THEN NULL ELSE [${conversion(expression, from, element, depth)}] END`
  }
  if (to === "VARCHAR") {
    if (from.endsWith("[]")) return `${jsonOf(expression, from, depth)}::VARCHAR`
    if (from === "BLOB") return `to_base64(${expression})`
    return textOf(expression, from)
  }
  return `${expression}::${to}`
}

/** The value as JSON, so that texts, numbers and lists stay apart: `5` and `"5"`. Infinities as Druid writes them. */
export function jsonOf(expression: string, from: string, depth = 0): string {
  if (from === "JSON") return expression
  if (from === "BLOB") return `to_json(to_base64(${expression}))`
  if (from === "BIGINT") return `${expression}::VARCHAR::JSON`
  if (from === "FLOAT" || from === "DOUBLE") {
    const text = textOf(expression, from)
    return `(CASE WHEN isfinite(${expression}) THEN ${text} ELSE '"' || ${text} || '"' END)::JSON`
  }
  if (from === "TIMESTAMP") return `(${msOfTime(expression)})::VARCHAR::JSON`
  if (from.endsWith("[]") && from !== "VARCHAR[]" && from !== "BIGINT[]")
    return `to_json(${eachOf(expression, (x) => jsonOf(x, from.slice(0, -2), depth + 1), depth)})`
  return `to_json(${expression})`
}

/** Numbers in words that Druid uses: DuckDB's own are `nan` and `inf`. */
function textOf(expression: string, from: string): string {
  if (from !== "FLOAT" && from !== "DOUBLE") return `${expression}::VARCHAR`
  return (
    `CASE WHEN isnan(${expression}) THEN 'NaN' WHEN isinf(${expression}) THEN ` +
    `CASE WHEN ${expression} > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE ${expression}::VARCHAR END`
  )
}

function eachOf(expression: string, element: (variable: string) => string, depth: number): string {
  const variable = `x${depth}`
  return `list_transform(${expression}, lambda ${variable}: ${element(variable)})`
}

/** SQL condition that holds where an integer of the value (BIGINT, or lists of it) would not survive as DOUBLE. */
export function losesDigits(expression: string, from: string, depth = 0): string {
  if (from === "BIGINT") return `${expression}::DOUBLE::HUGEINT <> ${expression}::HUGEINT`
  if (!from.endsWith("[]")) return "FALSE"
  const variable = `x${depth}`
  const inner = losesDigits(variable, from.slice(0, -2), depth + 1)
  return inner === "FALSE" ? inner : `len(list_filter(${expression}, lambda ${variable}: ${inner})) > 0`
}
