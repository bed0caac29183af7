/** Warnings about a configuration that works. */

import { shellWord } from "../base/printable.ts"
import { isLoopback, unbracketed } from "./host.ts"
import { isObject, type RawObject } from "./json.ts"
import { proxyFor } from "./proxy.ts"
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
    warnings.push(
      `${configPath} holds a secret and other users can read it; run: chmod 600 ${shellWord(configPath)}`,
    )
  }
  return [...warnings, ...inTheClear(druid)]
}

/** Credentials that others can read on their way. */
function inTheClear({ protocol, host, url, access: { auth, headers }, proxies }: DruidSettings): string[] {
  const warnings: string[] = []
  const what = auth === undefined ? (Object.keys(headers).length > 0 ? "headers" : undefined) : auth.kind
  if (protocol === "http" && what !== undefined && !isLoopback(host)) {
    const proxy = proxyFor(proxies, new URL(url))?.reveal()
    const through = proxy === undefined ? "" : ` through the proxy ${new URL(proxy).host}, which can read it`
    const advice = 'set "protocol": "https" if the server can'
    warnings.push(`${SENT[what]} is sent to ${host} unencrypted${through}; ${advice}`)
  }
  const tokenUrl = auth?.kind === "oauth2" ? new URL(auth.tokenUrl) : undefined
  if (tokenUrl?.protocol === "http:" && !isLoopback(unbracketed(tokenUrl.hostname)))
    warnings.push(
      `the client's secret is sent to ${tokenUrl.hostname} unencrypted; give "tokenUrl" with https`,
    )
  return warnings
}

const SENT = {
  basic: "the password",
  bearer: "the token",
  oauth2: "the token",
  headers: 'what "headers" holds',
} as const

function holdsSecret(file: RawObject): boolean {
  const inside = (value: unknown) => (isObject(value) ? value : {})
  const { clientSecret } = inside(inside(file.token).oauth2)
  const headers = Object.values(inside(file.headers))
  const known = [file.password, file.token, inside(file.tls).passphrase, clientSecret]
  if (typeof file.proxy === "string" && file.proxy.includes("@")) return true
  return [...known, ...headers].some((value) => typeof value === "string" && value !== "")
}
