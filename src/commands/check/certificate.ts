/** What a server's certificate is worth, in words. Pure. */
import { type Found, failed, ok, warning } from "./check-line.ts"
import type { Certificate } from "./probe.ts"

const DAY_MS = 86_400_000
/** A certificate that expires within this time gets a warning. */
const SOON_MS = 21 * DAY_MS

/** @param name that it should be for */
export function checkCertificate(certificate: Certificate, name: string, nowMs: number): Found {
  const { names, issuer, validFromMs, validToMs, protocol, refusal } = certificate
  const until = new Date(validToMs).toISOString().slice(0, 10)
  const what = `${protocol === undefined ? "" : `${protocol}, `}certificate for ${names.join(", ") || "no name"} by ${issuer}, valid until ${until}`
  if (validToMs <= nowMs) return failed(`${what}: it has expired`, "renew it on the server")
  if (validFromMs > nowMs) return failed(`${what}: it is not valid yet`, "check the clocks of both machines")
  if (refusal !== undefined && /altname|hostname/i.test(refusal)) {
    return failed(
      `${what}: it is not for ${name}`,
      'connect by one of its names, or set "tls": { "serverName": … } to one of them',
    )
  }
  if (refusal !== undefined) {
    return failed(
      `${what}: it is not trusted (${refusal})`,
      'give the authority that signed it as "tls": { "ca": "ca.pem" }',
    )
  }
  const days = Math.floor((validToMs - nowMs) / DAY_MS)
  return validToMs - nowMs < SOON_MS
    ? warning(`${what}: that is in ${days} days`, "have it renewed on the server")
    : ok(what)
}
