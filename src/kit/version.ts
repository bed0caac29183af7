/** The program's version: put in by the build, else read from package.json beside the sources. */
import { readFileSync } from "node:fs"

declare const DRUIDSYNC_VERSION: string | undefined

export function version(): string {
  if (typeof DRUIDSYNC_VERSION === "string") return DRUIDSYNC_VERSION
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8")
  return (JSON.parse(text) as { version: string }).version
}
