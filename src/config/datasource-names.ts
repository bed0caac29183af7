/**
 * The names of the datasources in a configuration, for shell completion: read from the file alone, without a look at
 * secrets, environment or anything else, and however much of the rest of it is wrong.
 */
import { isObject } from "./entries.ts"
import { readSmallFile, readText } from "./files.ts"
import { parseJson } from "./json.ts"

/** In the order of the file; none where it cannot be read. Never throws: a wrong file has no names to offer. */
export async function datasourceNamesIn(configPath: string): Promise<string[]> {
  const read = await readText(configPath, readSmallFile)
  if ("fault" in read) return []
  const parsed = parseJson(read.text)
  const datasources = "value" in parsed && isObject(parsed.value) ? parsed.value.datasources : undefined
  if (typeof datasources === "string") {
    return datasources
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "")
  }
  if (!Array.isArray(datasources)) return []
  return datasources
    .map((one: unknown) => (isObject(one) ? one.name : one))
    .filter((name): name is string => typeof name === "string")
}
