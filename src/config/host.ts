/** Reads addresses, and guesses nothing: what is not a host is explained, not repaired. Pure. */

/** A host as it is used, or what to write instead. */
export type HostReading =
  | { readonly host: string; readonly advice?: undefined }
  | { readonly host?: undefined; readonly advice: string }

const PLAIN = 'a host name or address alone, such as "druid.example.com"'

/**
 * Reads `host`. A URL is refused and not taken apart silently, since it would say again (and perhaps otherwise)
 * what `protocol`, `port`, `basePath`, `username` and `password` say; the advice spells out the keys to write.
 */
export function readHost(text: string): HostReading {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { advice: adviceFor(text) }
  if (text.includes("@")) return { advice: adviceFor(text) }
  if (/[%\\?#\s]/.test(text) || text === "") return { advice: PLAIN }
  if (/^([^:[\]/]+|\[[^\]/]*\])(:\d+|\/)/.test(text)) return { advice: adviceFor(`//${text}`) }
  if (/[/]/.test(text)) return { advice: PLAIN }
  const bare = unbracketed(text)
  const url = parsed(`http://${bare.includes(":") ? `[${bare}]` : bare}`)
  if (url === undefined || url.hostname === "" || url.port !== "") return { advice: PLAIN }
  return { host: unbracketed(url.hostname) }
}

/** Whether a host (as `readHost` gives it) is this machine: `localhost`, `*.localhost`, `127.0.0.0/8`, `::1`. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/\.$/, "")
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" || /^127(\.\d+){3}$/.test(name)
}

/** IPv6 without the brackets that it has in a URL; other hosts as they are. */
export function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1")
}

/** Whether this is an address of http or https, with a host, as a proxy or a dead-man's switch must have. */
export function isHttpAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** Requests for rows at the same time, at most, where the configuration does not say. */
export const USUAL_CONCURRENCY = 8

/**
 * Requests for rows at the same time that a pull begins with where the configuration does not say. A Druid on this machine
 * shares its processors: on two, four requests were no faster than two, and took Druid more work and us 80 MB more memory.
 */
export function startConcurrency(host: string, processors: number): number {
  return isLoopback(host) ? Math.max(2, Math.min(4, processors)) : 4
}

/** The address as it stands in a URL: IPv6 in brackets. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host
}

/** Starts with a slash, does not end with one, has no empty parts; "" for the root. Undefined if it is not a path. */
export function readBasePath(text: string): string | undefined {
  if (/[?#\\\s@]|\p{Cc}|:\/\//u.test(text)) return undefined
  const parts = text.split("/").filter((part) => part !== "")
  if (parts.some((part) => part === "." || part === "..")) return undefined
  return parts.map((part) => `/${part}`).join("")
}

function adviceFor(text: string): string {
  // no part of a URL with a login is repeated: what looks like its port may be the password
  if (text.includes("@")) return `${PLAIN}, with "username" and "password" as keys of their own`
  const url = parsed(text.startsWith("//") ? `http:${text}` : text)
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === "") return PLAIN
  const keys: string[] = []
  if (!text.startsWith("//")) keys.push(`"protocol": "${url.protocol.slice(0, -1)}"`)
  keys.push(`"host": "${unbracketed(url.hostname)}"`)
  // `url.port` is empty for a protocol's default port, even if it was written
  const port = /^[^/]*\/\/[^/]*:(\d+)(?:[/?#]|$)/.exec(text)?.[1]
  if (port !== undefined) keys.push(`"port": ${Number(port)}`)
  const path = readBasePath(url.pathname.replace(/\/druid\/v2(\/.*)?$/, ""))
  if (path) keys.push(`"basePath": ${JSON.stringify(path)}`)
  return `a host alone; write ${keys.join(", ")}`
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    // not a URL: the caller says so
    return undefined
  }
}
