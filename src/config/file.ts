/** The configuration file as JSON, unchecked: from a path to the object in it, or to the one fault that keeps it from being one. */

import { type ReadFile, readSmallFile, readText } from "./files.ts"
import { isObject, parseJson, type RawObject } from "./json.ts"
import { isPattern, unescaped } from "./patterns.ts"
import { configError, shown } from "./problems.ts"

const NOT_READ = "check --config; druidsync init writes a configuration"
const HINT = "see configuration.example.json for the keys"

/** The object as written, unchecked. */
export async function readObject(configPath: string, readFile: ReadFile): Promise<RawObject> {
  const read = await readText(configPath, readFile)
  if ("fault" in read)
    throw configError(`cannot read the configuration ${configPath}: ${read.fault}`, NOT_READ)
  if (read.text.trim() === "") throw configError(`${configPath} is empty`, HINT)
  const json = parseJson(read.text)
  if ("fault" in json) {
    const { line, column, message } = json.fault
    throw configError(`${configPath} is not valid JSON: line ${line}, column ${column}: ${message}`)
  }
  if (isObject(json.value)) return json.value
  throw configError(`${configPath}: found ${shown(json.value)}; accepted: an object, from { to }`, HINT)
}

/**
 * The names of the datasources in a file, but for patterns, for shell completion: in its order, without asking secrets or the environment,
 * and however much of the rest of it is wrong. None where it cannot be read. Never throws: a wrong file has no names to offer.
 */
export async function datasourceNamesIn(configPath: string): Promise<string[]> {
  const read = await readText(configPath, readSmallFile)
  if ("fault" in read) return []
  const parsed = parseJson(read.text)
  const datasources = "value" in parsed && isObject(parsed.value) ? parsed.value.datasources : undefined
  const items: unknown[] = typeof datasources === "string" ? datasources.split(",") : []
  const texts = (Array.isArray(datasources) ? datasources : items)
    .map((one: unknown) => (isObject(one) ? one.name : typeof one === "string" ? one.trim() : one))
    .filter((text): text is string => typeof text === "string" && text !== "")
  return texts.filter((text) => !isPattern(text)).map(unescaped)
}
