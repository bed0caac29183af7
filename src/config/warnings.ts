/** What works but deserves a word. */

import { isLoopback } from "./host.ts"
import { isObject, type RawObject } from "./json.ts"
import type { DruidSettings } from "./settings.ts"
import type { Surroundings } from "./surroundings.ts"

/** One line for each thing to fix, with what to do. */
export async function warningsFor(
  configPath: string,
  file: RawObject,
  druid: DruidSettings,
  { fileMode }: Pick<Surroundings, "fileMode">,
): Promise<readonly string[]> {
  const warnings: string[] = []
  const mode = holdsSecret(file) ? await fileMode(configPath) : undefined
  if (mode !== undefined && (mode & 0o044) !== 0) {
    const path = /^[\w./@%+=:,-]+$/.test(configPath) ? configPath : `'${configPath.replaceAll("'", "'\\''")}'`
    warnings.push(`${configPath} holds a secret and other users can read it; run: chmod 600 ${path}`)
  }
  if (druid.protocol === "http" && druid.auth !== undefined && !isLoopback(druid.host)) {
    const what = druid.auth.kind === "basic" ? "the password" : "the token"
    warnings.push(`${what} is sent to ${druid.host} unencrypted; set "protocol": "https" if the server can`)
  }
  return warnings
}

function holdsSecret(file: RawObject): boolean {
  const passphrase = isObject(file.tls) ? file.tls.passphrase : undefined
  return [file.password, file.token, passphrase].some((value) => typeof value === "string" && value !== "")
}
