/** The HTTP client for a configuration, with its credentials, and the connections that it may use. */
import type { Clock } from "../base/clock.ts"
import { isLoopback } from "../config/host.ts"
import type { Settings } from "../config/settings.ts"
import type { Retries } from "../druid/ask.ts"
import { createClient, type DruidClient } from "../druid/client.ts"
import { createTransport } from "../druid/transport.ts"

/** The HTTP client for these settings. The caller closes it. @param onRetry undefined: nothing is asked again */
export function openClient(
  settings: Settings,
  version: string,
  clock: Clock,
  newId: () => string,
  onRetry?: Retries["onRetry"],
): DruidClient {
  const { druid, pull } = settings
  const { auth, tls } = druid
  const transport = createTransport({
    tls: {
      ca: tls.ca,
      cert: tls.cert,
      key: tls.key?.reveal(),
      passphrase: tls.passphrase?.reveal(),
      serverName: tls.serverName,
    },
    connectTimeoutMs: druid.connectTimeoutMs,
    firstByteTimeoutMs: druid.requestTimeoutMs,
    idleTimeoutMs: druid.idleTimeoutMs,
    maxSockets: pull.concurrency + 4,
  })
  return createClient({
    baseUrl: druid.url,
    ...(auth === undefined ? {} : { authorization: () => authorization(auth) }),
    secrets: () => secretsOf(settings),
    transport,
    // Over loopback gzip only costs: both ends share the processor, and the bytes never touch a wire.
    gzip: druid.gzip === "auto" ? !isLoopback(druid.host) : druid.gzip,
    queryTimeoutMs: druid.queryTimeoutMs,
    priority: druid.priority,
    context: druid.context,
    userAgent: `druidsync/${version}`,
    newId,
    nowMs: clock.nowMs,
    retries: onRetry === undefined ? undefined : { clock, onRetry },
  })
}

/** Every form that a credential has on the wire; longest first, so that no rest of one is left. */
function secretsOf({ druid: { auth, tls } }: Settings): string[] {
  const basic =
    auth?.kind === "basic" ? [auth.password.reveal(), authorization(auth).slice("Basic ".length)] : []
  const bearer = auth?.kind === "bearer" ? [auth.token.reveal()] : []
  const all = [...basic, ...bearer, tls.passphrase?.reveal() ?? ""]
  // Redirects repeat them as part of an address. Shorter ones stand in too many innocent words.
  const forms = [...all, ...all.filter((one) => one.isWellFormed()).map(encodeURIComponent)].filter(
    (secret) => secret.length >= 4,
  )
  return forms.sort((a, b) => b.length - a.length)
}

function authorization(auth: NonNullable<Settings["druid"]["auth"]>): string {
  if (auth.kind === "bearer") return `Bearer ${auth.token.reveal()}`
  return `Basic ${Buffer.from(`${auth.username}:${auth.password.reveal()}`, "utf8").toString("base64")}`
}
