/**
 * What lies between here and a server, looked at one layer at a time: its name, its port, its certificate. Plain sockets,
 * since an HTTP client only tells that something failed, not which of them.
 */
import { lookup } from "node:dns/promises"
import { isIP, connect as tcpConnect } from "node:net"
import { connect as tlsConnect } from "node:tls"
import { DruidsyncError, messageOf } from "../../base/errors.ts"
import type { DruidSettings } from "../../config/settings.ts"
import { tlsThroughProxy } from "../../druid/agents.ts"

/** @returns addresses of the host. @throws DruidsyncError `connect` */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  try {
    const found = await lookup(host, { all: true })
    if (found.length > 0) return [...new Set(found.map(({ address }) => address))]
  } catch (cause) {
    const code = (cause as { code?: string }).code
    const why = code === "EAI_AGAIN" ? "the name server does not answer" : "no name server knows it"
    throw new DruidsyncError("connect", `${host}: ${why}`, {
      hint: 'check "host" for typing errors, and the VPN where it is an internal name',
      cause,
    })
  }
  throw new DruidsyncError("connect", `${host} has no address`, { hint: 'check "host"' })
}

/** Opens a connection and closes it. @throws DruidsyncError `connect` */
export function reach(host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ host, port })
    const fail = (why: string, hint: string, cause?: unknown) => {
      socket.destroy()
      reject(new DruidsyncError("connect", `${host} port ${port}: ${why}`, { hint, cause }))
    }
    socket.setTimeout(timeoutMs, () =>
      fail(`no answer within ${timeoutMs / 1000} s`, "a firewall may be in between: is the VPN up?"),
    )
    socket.once("connect", () => {
      socket.end()
      socket.destroy()
      resolve()
    })
    socket.once("error", (error: Error & { code?: string }) => {
      if (error.code === "ECONNREFUSED") {
        fail(
          "nothing listens there",
          'is Druid running? check "port": a router has 8888 (TLS 9088), a broker 8082 (TLS 8282)',
          error,
        )
      } else fail(messageOf(error), 'check "host" and the network', error)
    })
  })
}

/** A server's certificate, and whether it is accepted. */
export interface Certificate {
  /** names that it is for: `druid.example.com`, `*.example.com`, addresses */
  readonly names: readonly string[]
  readonly issuer: string
  readonly validFromMs: number
  readonly validToMs: number
  /** such as `TLSv1.3`; undefined if the runtime does not tell */
  readonly protocol: string | undefined
  /** why a connection would be refused; undefined if it is accepted */
  readonly refusal: string | undefined
}

/**
 * Makes a TLS handshake, even if the certificate is not trusted, and closes the connection.
 * @param proxy address of the proxy that leads there; undefined: none
 * @throws DruidsyncError `tls` if there is no handshake, `connect` if the proxy refuses the connection
 */
export async function inspectCertificate(
  { host, port, tls, connectTimeoutMs: timeoutMs }: DruidSettings,
  proxy: string | undefined,
): Promise<Certificate> {
  const options = {
    host,
    port,
    servername: tls.serverName ?? (isIP(host) === 0 ? host : ""),
    rejectUnauthorized: false,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key.reveal() }),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase.reveal() }),
  }
  const socket = proxy === undefined ? tlsConnect(options) : await tlsThroughProxy(proxy, options, timeoutMs)
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) => {
      socket.destroy()
      const isPlain = /wrong.version|packet length|record layer|http request|ECONNRESET/i.test(why)
      reject(
        new DruidsyncError("tls", `no TLS handshake: ${why}`, {
          cause,
          hint: isPlain
            ? 'the port may speak plain HTTP: set "protocol": "http", or use the TLS port (router 9088, broker 8282)'
            : "the server may ask for a client certificate, or for a TLS version that this client does not support",
        }),
      )
    }
    socket.setTimeout(timeoutMs, () => fail(`no answer within ${timeoutMs / 1000} s`))
    socket.once("error", (error: Error & { code?: string }) =>
      fail(`${error.code ?? ""} ${error.message}`, error),
    )
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerCertificate()
      const refusal = socket.authorized ? undefined : String(socket.authorizationError ?? "not trusted")
      resolve({
        names: namesOf(certificate),
        issuer: text(certificate.issuer?.O) ?? text(certificate.issuer?.CN) ?? "unknown",
        validFromMs: Date.parse(certificate.valid_from),
        validToMs: Date.parse(certificate.valid_to),
        protocol: socket.getProtocol() ?? undefined,
        refusal,
      })
      socket.destroy()
    })
  })
}

function namesOf(certificate: { subjectaltname?: string; subject?: { CN?: string | string[] } }): string[] {
  const alternative = [...(certificate.subjectaltname ?? "").matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(
    (match) => match[1]!,
  )
  const name = text(certificate.subject?.CN)
  return alternative.length > 0 || name === undefined ? alternative : [name]
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(", ") : value
}
