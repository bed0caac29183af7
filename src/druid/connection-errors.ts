/** What keeps a connection from standing, or cuts it, in one sentence and with what to do. Runtimes name the same thing differently. */
import { DruidsyncError, ExitCode } from "../base/errors.ts"

/** The proxy, where it is the one that is spoken to; errors name it and not Druid. */
export type Proxy = { readonly host: string } | undefined

/** A server that cannot even be reached is not helped by asking it for less: that is no `timeout`. */
export function timeoutError(
  url: URL,
  what: "connect" | "answer" | "send more of its answer",
  ms: number,
  proxy?: Proxy,
): DruidsyncError {
  return new DruidsyncError(
    what === "connect" ? "connect" : "timeout",
    `${partnerOf(url, proxy)} did not ${what} within ${ms / 1000} s`,
    {
      retryable: true,
    },
  )
}

export function cutError(url: URL, why: string, cause?: unknown): DruidsyncError {
  return new DruidsyncError("response-cut", `the response of ${url.host} was cut: ${why}`, {
    retryable: true,
    cause,
  })
}

const TLS_HINTS: readonly [RegExp, string][] = [
  [
    /wrong.version.number|packet length too long|http request|record layer failure|ERR_SSL_WRONG_VERSION/i,
    'the port speaks plain HTTP; set "protocol": "http" or use the TLS port (router 9088, broker 8282)',
  ],
  [/expired/i, "the certificate has expired: renew it on the server"],
  [
    /self.signed|unable to (get|verify)|UNABLE_TO|SELF_SIGNED|unknown.?ca/i,
    'the certificate is not signed by a known authority; give yours as "tls": { "ca": "ca.pem" }',
  ],
  [
    /altname|hostname|ALTNAME/i,
    'the certificate is for another name; connect by that name or set "tls": { "serverName": … }',
  ],
  [
    /certificate.required|handshake.failure|bad.certificate|alert|ECONNRESET/i,
    'the server may ask for a client certificate: "tls": { "cert": "client.pem", "key": "client.key" }',
  ],
]

/** What kept the connection from standing. */
export function connectionError(url: URL, error: Error & { code?: string }, proxy?: Proxy): DruidsyncError {
  if (error instanceof DruidsyncError) return error
  if (proxy !== undefined) return proxyError(proxy, error)
  const code = error.code ?? ""
  const text = `${code} ${error.message}`
  const cause = error
  const host = url.hostname
  // TLS before names that were not found: a certificate's names are written "DNS:…". Host names may hold any word.
  const isTls = url.protocol === "https:" && !/ENOTFOUND|EAI_|REFUSED|ConnectionRefused/.test(code)
  if (
    isTls &&
    /CERT|SSL|TLS|certificate|handshake|self.signed|altname|alert|EPROTO|wrong.version/i.test(text)
  ) {
    const hint = TLS_HINTS.find(([pattern]) => pattern.test(text))?.[1]
    return new DruidsyncError("tls", `TLS with ${url.host} failed: ${error.message}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  if (/ENOTFOUND|EAI_|getaddrinfo|DNSException|resolve host|dns error|lookup address/i.test(text)) {
    const retryable = /EAI_AGAIN/.test(text)
    return new DruidsyncError("connect", `host ${host} was not found`, {
      hint: 'check "host"',
      cause,
      retryable,
    })
  }
  if (/ECONNREFUSED|ConnectionRefused|refused|Unable to connect/i.test(text)) {
    return new DruidsyncError("connect", `${url.host} refused the connection`, {
      hint: 'is Druid running there? check "host" and "port" (router 8888, broker 8082)',
      cause,
      retryable: true,
    })
  }
  if (/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|unreachable/i.test(text)) {
    return new DruidsyncError("connect", `${url.host} cannot be reached: ${error.message}`, {
      cause,
      retryable: true,
    })
  }
  return new DruidsyncError("connect", `the connection to ${url.host} failed: ${error.message}`, {
    cause,
    retryable: true,
    // A TLS port hangs up on plain HTTP without a word, or answers with bytes that are no HTTP.
    ...(isTls ? {} : { hint: 'if that port speaks TLS, set "protocol": "https"' }),
  })
}

/** The proxy did not open a tunnel. */
export function proxyRefusal(url: URL, { host }: { readonly host: string }, status: number): DruidsyncError {
  if (status === 407) return wantsLogin(`the proxy ${host}`)
  return new DruidsyncError(
    "connect",
    `the proxy ${host} does not let us through to ${url.host} (HTTP ${status})`,
    {
      retryable: status >= 500,
      hint: PROXY_HINT,
    },
  )
}

/** HTTP 407, from a proxy that was asked, or from one that stands in the way unasked. */
export function wantsLogin(who: string): DruidsyncError {
  return new DruidsyncError("connect", `${who} wants a login (HTTP 407)`, {
    exitCode: ExitCode.refused,
    hint: 'give it as "proxy": "http://user:password@host:port", best from a reference',
  })
}

const PROXY_HINT = 'check "proxy", or HTTPS_PROXY, HTTP_PROXY and NO_PROXY; "proxy": false goes without'

function proxyError({ host }: { readonly host: string }, error: Error): DruidsyncError {
  return new DruidsyncError("connect", `the proxy ${host} cannot be used: ${error.message}`, {
    retryable: true,
    hint: PROXY_HINT,
    cause: error,
  })
}

function partnerOf(url: URL, proxy: Proxy): string {
  return proxy === undefined ? url.host : `the proxy ${proxy.host}`
}
