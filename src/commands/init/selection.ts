/** What a person types to choose from a numbered list. Pure. */
import { unbracketed } from "../../config/host.ts"
import { escaped, isPattern, leavesOut } from "../../config/patterns.ts"

/** The chosen names in the order of the list, escaped, and patterns after them; or what to say instead. */
export type Selection = { readonly texts: readonly string[] } | { readonly problem: string }

/**
 * @param text `all`, numbers and ranges (`1,3-5`), names, patterns (`*`: all, also future ones), or a mixture, with commas
 * between
 * @param names the list, of which the first is number 1
 */
export function readSelection(text: string, names: readonly string[]): Selection {
  const whole = text.trim()
  // A name may hold commas itself.
  if (names.includes(whole)) return { texts: [escaped(whole)] }
  const chosen = new Set<string>()
  const patterns = new Set<string>()
  for (const word of whole.split(",").map((part) => part.trim())) {
    if (word === "") continue
    const range = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(word)
    if (names.includes(word)) chosen.add(word)
    else if (word === "all") for (const name of names) chosen.add(name)
    else if (isPattern(word)) patterns.add(word)
    else if (range === null) return { problem: `there is no datasource ${JSON.stringify(word)}` }
    else {
      const from = Number(range[1])
      const to = Number(range[2] ?? range[1])
      if (from < 1 || to > names.length || from > to) {
        return { problem: `${word}: the numbers go from 1 to ${names.length}` }
      }
      for (let n = from; n <= to; n++) chosen.add(names[n - 1]!)
    }
  }
  if (chosen.size === 0 && [...patterns].every(leavesOut)) return { problem: "nothing is chosen" }
  return { texts: [...names.filter((name) => chosen.has(name)).map(escaped), ...patterns] }
}

/** An address as people paste it, taken apart; undefined if it is no URL. */
export function readAddress(
  text: string,
): { host: string; protocol?: string; port?: number; basePath?: string; hasLogin: boolean } | undefined {
  if (!/^https?:\/\//i.test(text)) {
    const match = /^([^:/\s[\]]+):(\d+)$/.exec(text)
    return match === null ? undefined : { host: match[1]!, port: Number(match[2]), hasLogin: false }
  }
  let url: URL
  try {
    url = new URL(text)
  } catch {
    // Not an address: the configuration's own check explains it.
    return undefined
  }
  const path = url.pathname.replace(/\/(druid\/v2(\/.*)?|unified-console\.html)?$/, "").replace(/\/+$/, "")
  const protocol = url.protocol.slice(0, -1)
  return {
    host: unbracketed(url.hostname),
    protocol,
    // Without a port a URL means its protocol's own, as behind a proxy.
    port: url.port === "" ? (protocol === "https" ? 443 : 80) : Number(url.port),
    ...(path === "" ? {} : { basePath: path }),
    hasLogin: url.username !== "" || url.password !== "",
  }
}
