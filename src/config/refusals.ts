/** Checks that concern more than one key: keys that need or exclude each other, and values that only the program may set. */

import { isHttpAddress } from "./host.ts"
import { isObject, type RawObject } from "./json.ts"
import { LEFT_OUT } from "./leaves.ts"
import type { Problems } from "./problems.ts"
import { type Proxies, proxyFor } from "./proxy.ts"
import type { Secret } from "./secret.ts"

/**
 * Adds a problem if `username`, `password` and `token` do not fit together. An empty `username` with an empty or no `password`
 * counts as no login, as in a template that was not filled in. A user name with `"password": ""` is Basic authentication
 * (an API key).
 */
export function refuseMixedAuth(raw: RawObject, problems: Problems): void {
  const hasUsername = isFilledIn(raw, "username")
  const hasPassword = isFilledIn(raw, "password")
  if (isFilledIn(raw, "token") && (hasUsername || hasPassword)) {
    problems.add(["token"], "give either token, or username and password")
  }
  if (hasUsername && raw.password === undefined) {
    problems.add(["password"], 'missing, but username is set; an empty one is written "password": ""')
  }
  if (hasPassword && !hasUsername) problems.add(["username"], "missing, but password is set")
  if (raw.token === "") problems.add(["token"], "found an empty text; leave the key out if there is no token")
}

function isFilledIn(raw: RawObject, key: string): boolean {
  return raw[key] !== undefined && raw[key] !== ""
}

/** Adds a problem if keys of `tls` are of no use without others. `raw` has what the file has, right or not. */
export function refuseHalfTls(raw: RawObject, protocol: string, problems: Problems): void {
  const has = (key: string) => raw[key] !== undefined
  if (has("cert") && !has("key")) problems.add(["tls", "key"], "missing, but tls.cert is set")
  if (has("key") && !has("cert")) problems.add(["tls", "cert"], "missing, but tls.key is set")
  if (has("passphrase") && !has("key")) problems.add(["tls", "key"], "missing, but tls.passphrase is set")
  if (protocol === "http" && Object.keys(raw).length > 0) {
    problems.add(["tls"], 'of no use with http; set "protocol": "https", or leave tls out')
  }
}

/** Adds a problem if `ping` is not an address. No message repeats it, since anyone who knows it can report in our name. */
export function refuseBadPing(ping: Secret | undefined, problems: Problems): void {
  if (ping === undefined || isHttpAddress(ping.reveal())) return
  problems.add(["ping"], 'is not an address; accepted: one like "https://hc-ping.com/your-uuid"')
}

/** Adds a problem where the way to Druid leads through something that can be no proxy. No message repeats it: it may hold a login. */
export function refuseBadProxy(proxies: Proxies, url: string, problems: Problems): void {
  const proxy = proxyFor(proxies, new URL(url))
  if (proxy === undefined || isHttpAddress(proxy.reveal())) return
  const accepted = 'is not the address of a proxy; accepted: one like "http://proxy.example.com:3128"'
  if (proxy === proxies.fixed) problems.add(["proxy"], accepted)
  else problems.add([], `the variable ${proxy === proxies.https ? "HTTPS_PROXY" : "HTTP_PROXY"} ${accepted}`)
}

const RESPONSE = "it changes the response that druidsync has to read"

/** Keys of the query context that would break what a pull proves → why not, or what to use instead. */
const RESERVED_CONTEXT: Readonly<Record<string, string>> = {
  sqlQueryId: "druidsync gives each query its own id",
  queryId: "druidsync gives each query its own id",
  timeout: 'use the key "queryTimeout"',
  priority: 'use the key "priority"',
  sqlOuterLimit: "it would cut results",
  sqlTimeZone: "times are always read in UTC",
  sqlStringifyArrays: RESPONSE,
  sqlFinalizeOuterSketches: RESPONSE,
  serializeComplexValues: RESPONSE,
  bySegment: RESPONSE,
}

/** Adds a problem for each key of `context` that may not be set. */
export function refuseReservedContext(context: unknown, problems: Problems): void {
  if (!isObject(context)) return
  for (const key of Object.keys(context)) {
    const why = Object.hasOwn(RESERVED_CONTEXT, key) ? RESERVED_CONTEXT[key] : undefined
    if (why !== undefined) problems.add(["context", key], `cannot be set: ${why}`)
    else if (LEFT_OUT.includes(key)) problems.add(["context", key], "no such key in Druid")
  }
}
