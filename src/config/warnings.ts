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
  const { auth, headers } = druid.access
  const what =
    auth !== undefined
      ? auth.kind === "basic"
        ? "the password"
        : "the token"
      : Object.keys(headers).length > 0
        ? 'what "headers" holds'
        : undefined
  if (druid.protocol === "http" && what !== undefined && !isLoopback(druid.host)) {
    warnings.push(`${what} is sent to ${druid.host} unencrypted; set "protocol": "https" if the server can`)
  }
  if (auth?.kind === "oauth2") {
    const { protocol, hostname } = new URL(auth.tokenUrl)
    if (protocol === "http:" && !isLoopback(hostname.replace(/^\[(.*)\]$/, "$1")))
      warnings.push(`the client's secret is sent to ${hostname} unencrypted; give "tokenUrl" with https`)
  }
  return warnings
}

function holdsSecret(file: RawObject): boolean {
  const inside = (value: unknown) => (isObject(value) ? value : {})
  const { clientSecret } = inside(inside(file.token).oauth2)
  const headers = Object.values(inside(file.headers))
  return [file.password, file.token, inside(file.tls).passphrase, clientSecret, ...headers].some(
    (value) => typeof value === "string" && value !== "",
  )
}
