/** The way to the server: its name, its port, its certificate. What lies behind what failed is not looked at. */
import { proxyFor } from "../../config/proxy.ts"
import { attempt } from "./attempt.ts"
import { checkCertificate } from "./certificate.ts"
import { type CheckOptions, okCheck } from "./check-line.ts"
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
  const host = hostname.replace(/^\[(.*)\]$/, "$1")
  return { host, port: Number(port) || (protocol === "https:" ? 443 : 80), of: ` of the proxy ${host}` }
}

function checkName(options: CheckOptions): Promise<boolean> {
  const { host } = nextHop(options)
  return attempt(options, "name", async () => {
    const addresses = await addressesOf(host)
    const isAddress = addresses.includes(host)
    options.onCheck(
      okCheck("name", isAddress ? `${host} is an address` : `${host} is ${addresses.join(", ")}`),
    )
    return true
  })
}

function checkPort({ clock, ...rest }: CheckOptions): Promise<boolean> {
  const options = { clock, ...rest }
  const { connectTimeoutMs } = options.settings.druid
  const { host, port, of } = nextHop(options)
  return attempt(options, "port", async () => {
    const startedMs = clock.nowMs()
    await reach(host, port, connectTimeoutMs)
    options.onCheck(
      okCheck("port", `port ${port}${of} is open (${Math.round(clock.nowMs() - startedMs)} ms)`),
    )
    return true
  })
}

function checkTls(options: CheckOptions): Promise<boolean> {
  const { host, url, tls, proxies } = options.settings.druid
  return attempt(options, "certificate", async () => {
    const proxy = proxyFor(proxies, new URL(url))?.reveal()
    const certificate = await inspectCertificate(options.settings.druid, proxy)
    options.onCheck(checkCertificate(certificate, tls.serverName ?? host, options.clock.nowMs()))
    return certificate.refusal === undefined
  })
}
