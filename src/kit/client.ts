/** The HTTP client for a configuration: its transport, its credentials and its limits. */
import { isLoopback } from "../config/host.ts"
import { loginsOf, proxyFor } from "../config/proxy.ts"
import type { Settings } from "../config/settings.ts"
import type { Retries } from "../druid/ask.ts"
import { createClient, type DruidClient } from "../druid/client.ts"
import { createTransport, type TransportOptions } from "../druid/transport.ts"
import type { Emit } from "../pull/events.ts"
import type { CliContext } from "./context.ts"
import { credentialsFor } from "./credentials.ts"

export type Surroundings = Pick<CliContext, "version" | "clock" | "newId">

/** Callbacks for what the client does of its own accord. */
export interface Told {
  readonly onRetry: NonNullable<Retries["onRetry"]>
  /** called once for each setting that Druid accepts only in another form */
  readonly onNotice: (message: string) => void
}

/** Turns the calls into events. */
export function tellingBy(emit: Emit): Told {
  return {
    onRetry: ({ code, message }, waitMs, attempt) => emit({ type: "retry", code, message, waitMs, attempt }),
    onNotice: (message) => emit({ type: "warning", message }),
  }
}

/** The caller closes it. @param told undefined: no request is retried */
export function openClient(
  settings: Settings,
  { version, clock, newId }: Surroundings,
  told?: Told,
): DruidClient {
  const { druid, pull } = settings
  const { access, tls, proxies } = druid
  const userAgent = `druidsync/${version}`
  const limits: TransportOptions = {
    connectTimeoutMs: druid.connectTimeoutMs,
    firstByteTimeoutMs: druid.requestTimeoutMs,
    idleTimeoutMs: druid.idleTimeoutMs,
    maxSockets: pull.concurrency + 4,
    proxyFor: (url) => proxyFor(proxies, url)?.reveal(),
  }
  const transport = createTransport({
    ...limits,
    tls: {
      ca: tls.ca,
      cert: tls.cert,
      key: tls.key?.reveal(),
      passphrase: tls.passphrase?.reveal(),
      serverName: tls.serverName,
    },
  })
  return createClient({
    baseUrl: druid.url,
    credentials: credentialsFor({
      access,
      // The token server does not get Druid's client certificate.
      transport: createTransport(limits),
      userAgent,
      nowMs: clock.nowMs,
      hidden: [tls.passphrase?.reveal() ?? "", ...loginsOf(proxies)],
    }),
    transport,
    // Over loopback, gzip only costs time: both ends share the processor, and no wire is involved.
    gzip: druid.gzip === "auto" ? !isLoopback(druid.host) : druid.gzip,
    queryTimeoutMs: druid.queryTimeoutMs,
    priority: druid.priority,
    context: druid.context,
    userAgent,
    newId,
    nowMs: clock.nowMs,
    retries: told === undefined ? undefined : { clock, onRetry: told.onRetry },
    onNotice: told?.onNotice,
  })
}
