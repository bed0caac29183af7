/** The proxy for an address: what the configuration says, else what the usual variables of the environment say. Pure. */

import { BlockList, isIP } from "node:net"
import { isLoopback, unbracketed } from "./host.ts"
import { Secret } from "./secret.ts"
import type { Environment } from "./surroundings.ts"

/** What is known of proxies. An address may hold a login. */
export interface Proxies {
  /** the configuration's: for every host but this machine; false: none at all */
  readonly fixed: Secret | false | undefined
  /** of the environment: for http and for https addresses */
  readonly http: Secret | undefined
  readonly https: Secret | undefined
  /** the elements of NO_PROXY */
  readonly exempt: readonly string[]
}

/** Small letters win, as in curl. */
export function proxiesOf(fixed: Secret | false | undefined, env: Environment): Proxies {
  const variable = (name: string) => env[name.toLowerCase()] || env[name] || undefined
  const address = (name: string) => {
    const text = variable(name)?.trim()
    if (text === undefined || text === "") return undefined
    return new Secret(text.includes("://") ? text : `http://${text}`)
  }
  return {
    fixed,
    http: address("HTTP_PROXY"),
    https: address("HTTPS_PROXY"),
    exempt: (variable("NO_PROXY") ?? "").split(/[\s,]+/).filter((one) => one !== ""),
  }
}

/** The proxy for this address, whatever it is worth (see `isHttpAddress`); undefined: none. */
export function proxyFor({ fixed, http, https, exempt }: Proxies, url: URL): Secret | undefined {
  const host = unbracketed(url.hostname)
  if (fixed === false || isLoopback(host)) return undefined
  if (fixed !== undefined) return fixed
  const isTls = url.protocol === "https:"
  const port = url.port === "" ? (isTls ? "443" : "80") : url.port
  return exempt.some((rule) => matches(rule, host, port)) ? undefined : isTls ? https : http
}

/** Passwords of proxies, which no message may hold. */
export function loginsOf({ fixed, http, https }: Proxies): string[] {
  return [fixed || undefined, http, https].flatMap((proxy) => {
    const text = proxy?.reveal() ?? ""
    if (!URL.canParse(text)) return []
    const { password } = new URL(text)
    return password === "" ? [] : [password, decodeURIComponent(password)]
  })
}

/** `*`, a host with all below it (`example.com`, `.example.com`, `*.example.com`), an address, `10.0.0.0/8`; with a port or without. */
function matches(rule: string, host: string, port: string): boolean {
  if (rule === "*") return true
  const [, name = "", wanted] = /^(.*?)(?::(\d+))?$/.exec(isIP(rule) === 6 ? `[${rule}]` : rule) ?? []
  if (wanted !== undefined && wanted !== port) return false
  const bare = unbracketed(name.toLowerCase()).replace(/^\*?\./, "")
  const [network = "", bits] = bare.split("/")
  if (bits !== undefined && isIP(network) !== 0) {
    if (isIP(host) !== isIP(network)) return false
    const family = isIP(network) === 6 ? "ipv6" : "ipv4"
    if (!/^\d+$/.test(bits) || Number(bits) > (family === "ipv6" ? 128 : 32)) return false
    const list = new BlockList()
    list.addSubnet(network, Number(bits), family)
    return list.check(host, family)
  }
  return host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`))
}
