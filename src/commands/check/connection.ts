/** The way to the server: its name, its port, its certificate. Stops at the first failure. */
import { unbracketed } from "../../config/host.ts"
import { proxyFor } from "../../config/proxy.ts"
import { checkCertificate } from "./certificate.ts"
import { attempt, type CheckOptions, ok } from "./check-line.ts"
import { addressesOf, inspectCertificate, reach } from "./probe.ts"

/** @returns whether a request can be sent */
export async function checkConnection(options: CheckOptions): Promise<boolean> {
  const { protocol } = options.settings.druid
  if (!(await checkName(options)) || !(await checkPort(options))) return false
  return protocol === "http" || checkTls(options)
}

/** What is connected to first: the proxy, where there is one. */
function nextHop({ settings: { druid } }: CheckOptions): { host: string; port: number; of: string } {
  const proxy = proxyFor(druid.proxies, new URL(druid.url))
  if (proxy === undefined) return { host: druid.host, port: druid.port, of: "" }
  const { hostname, port, protocol } = new URL(proxy.reveal())
  const host = unbracketed(hostname)
  return { host, port: Number(port) || (protocol === "https:" ? 443 : 80), of: ` of the proxy ${host}` }
}

function checkName(options: CheckOptions): Promise<boolean> {
  const { host } = nextHop(options)
  return attempt(options, "name", async () => {
    const addresses = await addressesOf(host)
    return ok(addresses.includes(host) ? `${host} is an address` : `${host} is ${addresses.join(", ")}`)
  })
}

function checkPort(options: CheckOptions): Promise<boolean> {
  const { clock, settings } = options
  const { host, port, of } = nextHop(options)
  return attempt(options, "port", async () => {
    const startedMs = clock.nowMs()
    await reach(host, port, settings.druid.connectTimeoutMs)
    return ok(`port ${port}${of} is open (${Math.round(clock.nowMs() - startedMs)} ms)`)
  })
}

function checkTls(options: CheckOptions): Promise<boolean> {
  const { druid } = options.settings
  return attempt(options, "certificate", async () => {
    const proxy = proxyFor(druid.proxies, new URL(druid.url))?.reveal()
    const certificate = await inspectCertificate(druid, proxy)
    return checkCertificate(certificate, druid.tls.serverName ?? druid.host, options.clock.nowMs())
  })
}
