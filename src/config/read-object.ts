/** From a path to the JSON object in the file, or to the one fault that keeps it from being one. */

import { isObject, type RawObject } from "./entries.ts"
import { type ReadFile, readText } from "./files.ts"
import { parseJson } from "./json.ts"
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
