/** Loads configurations that exist only in memory. */

import { DruidsyncError } from "../../src/base/errors.ts"
import { type LoadOptions, loadConfig } from "../../src/config/load.ts"
import type { Settings } from "../../src/config/settings.ts"

export const CONFIG_PATH = "/etc/druidsync/c.json"

/** The least that a configuration needs. */
export const MINIMAL = { host: "druid.example.com", datasources: "wikipedia" }

/** Options of a load from a text, with further files beside it. Nothing real is read or run. */
export function inMemory(
  text: string,
  options: LoadOptions & { files?: Record<string, string> } = {},
): LoadOptions {
  const { files = {}, ...rest } = options
  return {
    env: {},
    fileMode: async () => undefined,
    runCommand: async () => {
      throw new Error("no command was expected")
    },
    readFile: async (path) => {
      const content = path === CONFIG_PATH ? text : files[path]
      if (content === undefined) throw Object.assign(new Error("raw system text"), { code: "ENOENT" })
      return new TextEncoder().encode(content)
    },
    ...rest,
  }
}

/** Loads a value as the configuration. */
export function load(config: unknown, options?: Parameters<typeof inMemory>[1]): Promise<Settings> {
  return loadConfig(CONFIG_PATH, inMemory(JSON.stringify(config), options))
}

/** Loads `MINIMAL` with more keys. */
export function loadWith(keys: object, options?: Parameters<typeof inMemory>[1]): Promise<Settings> {
  return load({ ...MINIMAL, ...keys }, options)
}

/** The error of something that must fail. */
export async function errorOf(promise: Promise<unknown>): Promise<DruidsyncError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof DruidsyncError) return error
    throw error
  }
  throw new Error("it did not fail")
}

/** The problems of a configuration, a line each, without the path of the file; none if it loads. */
export async function problemsOf(
  config: unknown,
  options?: Parameters<typeof inMemory>[1],
): Promise<string[]> {
  try {
    await load(config, options)
    return []
  } catch (error) {
    if (!(error instanceof DruidsyncError)) throw error
    const [head, ...lines] = error.message.split("\n")
    return lines.length > 0 ? lines.map((line) => line.trim()) : [head!.replace(`${CONFIG_PATH}: `, "")]
  }
}

/** The problems of `MINIMAL` with more keys. */
export function problemsWith(keys: object, options?: Parameters<typeof inMemory>[1]): Promise<string[]> {
  return problemsOf({ ...MINIMAL, ...keys }, options)
}
