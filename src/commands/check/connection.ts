/** The way to the server: its name, its port, its certificate. What lies behind what failed is not looked at. */
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

function checkName(options: CheckOptions): Promise<boolean> {
  const { host } = options.settings.druid
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
  const { host, port, connectTimeoutMs } = options.settings.druid
  return attempt(options, "port", async () => {
    const startedMs = clock.nowMs()
    await reach(host, port, connectTimeoutMs)
    options.onCheck(okCheck("port", `port ${port} is open (${Math.round(clock.nowMs() - startedMs)} ms)`))
    return true
  })
}

function checkTls(options: CheckOptions): Promise<boolean> {
  const { host, port, tls, connectTimeoutMs } = options.settings.druid
  return attempt(options, "certificate", async () => {
    const certificate = await inspectCertificate(host, port, tls, connectTimeoutMs)
    options.onCheck(checkCertificate(certificate, tls.serverName ?? host, options.clock.nowMs()))
    return certificate.refusal === undefined
  })
}
