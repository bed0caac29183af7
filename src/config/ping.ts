/** The address of a dead-man's switch. Whoever knows it can report in our name: no message repeats it. */
import type { Problems } from "./problems.ts"
import type { Secret } from "./secret.ts"

/** True for an http or https address that names a host. */
export function isPingAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** Adds a problem for an address that is none. */
export function refuseBadPing(ping: Secret | undefined, problems: Problems): void {
  if (ping === undefined || isPingAddress(ping.reveal())) return
  problems.add(["ping"], 'is no address; accepted: one like "https://hc-ping.com/your-uuid"')
}
